package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Every pulumi keeps a log of all it did below PULUMI_HOME, 100 KB for an update, and removes those of all users of that
// folder only after a week or 500 MB (3.250, pkg/v3/logging/rotation.go; no variable turns it off). A log of a run that
// ended well helps nobody, so branchenv removes those of its own runs.

// logTime is how the names of pulumi's logs tell the time, in the machine's time zone.
const logTime = "20060102T150405"

// removeLog removes the log of one run of pulumi, which had that process id and these arguments and lasted from begun to
// ended. A log is named pulumi-TIME-PID.log, or once pulumi knows the stack, ORGANIZATION+PROJECT+STACK-TIME[-UPDATE].log.
// If another process worked on the stack in that time, whose is whose is not known, and all stay. What cannot be
// removed stays as well: the log is pulumi's, and so is the sweeping of old ones.
func removeLog(folder string, pid int, args []string, begun, ended time.Time) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	named := fmt.Sprintf("-%d.log", pid)
	stack := ""
	if i := slices.Index(args, "--stack"); i >= 0 && i+1 < len(args) {
		stack = args[i+1][strings.LastIndex(args[i+1], "/")+1:]
	}
	var own, ofStack []string
	for _, e := range entries {
		m := logName.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		at, err := time.ParseInLocation(logTime, m[2], time.Local)
		if err != nil || at.Before(begun.Truncate(time.Second)) || at.After(ended) {
			continue
		}
		switch {
		case m[1] == "pulumi" && strings.HasSuffix(e.Name(), named):
			own = append(own, e.Name())
		case stack != "" && strings.HasSuffix(m[1], "+"+stack):
			ofStack = append(ofStack, e.Name())
		}
	}
	if len(own) == 0 {
		own = ofStack
	}
	if len(own) == 1 {
		_ = os.Remove(filepath.Join(folder, own[0]))
	}
}

var logName = regexp.MustCompile(`^(.+)-([0-9]{8}T[0-9]{6})(?:-[0-9a-f-]+)?\.log$`)

// logFolder is where a pulumi with these variables keeps its logs; "" if that is not known.
func logFolder(variables []string) string {
	if home := Variable(variables, "PULUMI_HOME"); home != "" {
		return filepath.Join(home, "logs")
	}
	if home := Variable(variables, "HOME"); home != "" {
		return filepath.Join(home, ".pulumi", "logs")
	}
	return ""
}
