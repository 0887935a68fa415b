package reconcile

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// workerMemory is the memory that the work on one environment needs at most, in bytes: a pulumi process (45 to 80 MB of its own, see
// docs/benchmarks.md), an AWS provider (250 MB), and room for a large state.
const workerMemory = 400 << 20

// defaultParallel returns the number of environments to work on at once: one for each core, as far as the free memory goes if it is
// known. It is at least 1, and at most 8 because AWS limits the rate of changes in an account.
func defaultParallel() int {
	n := min(8, runtime.GOMAXPROCS(0))
	if free, ok := freeMemory(); ok {
		n = min(n, int(free/workerMemory))
	}
	return max(1, n)
}

// freeMemory returns the memory that Linux has for new programs without swapping, in bytes. It reports false if that is not known.
func freeMemory() (uint64, bool) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes uint64
		if n, err := fmt.Sscanf(line, "MemAvailable: %d kB", &kilobytes); n == 1 && err == nil {
			return kilobytes << 10, true
		}
	}
	return 0, false
}
