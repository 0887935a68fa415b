package reconcile

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// workerMemory is what one environment that is being worked on needs at most, in bytes: a pulumi process of its own (45
// to 80 MB beside what all of them share, docs/benchmarks.md) and an AWS provider (250 MB), with room for large states.
const workerMemory = 400 << 20

// DefaultParallel is how many environments are worked on at once: one for each core, as many as fit in the memory that is
// free, where the system tells it, and at least 1 and at most 8, since AWS limits how fast an account may change things.
func DefaultParallel() int {
	n := min(8, runtime.GOMAXPROCS(0))
	if free, ok := freeMemory(); ok {
		n = min(n, int(free/workerMemory))
	}
	return max(1, n)
}

// freeMemory is what Linux says new programs can have without swapping, in bytes.
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
