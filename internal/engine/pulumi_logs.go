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

// Every pulumi writes a log below PULUMI_HOME, 100 KB for an update. It removes logs only after a week or above 500 MB, for
// all users of the folder together (3.250, pkg/v3/logging/rotation.go; no variable turns it off). The log of a run that
// ended well is of no use, so branchenv removes the logs of its own successful runs.

// logTime is the time format in the names of pulumi's logs, in the machine's time zone.
const logTime = "20060102T150405"

// removeLog removes the log of the run of pulumi that had process id pid and arguments args and lasted from begun to ended.
//
// A log is named pulumi-TIME-PID.log, or once pulumi knows the stack, ORGANIZATION+PROJECT+STACK-TIME[-UPDATE].log. If
// several logs match, because another process worked on the stack, all stay. A log that cannot be removed also stays:
// pulumi removes old logs itself.
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

// logName matches the name of a log and captures its prefix and time.
var logName = regexp.MustCompile(`^(.+)-([0-9]{8}T[0-9]{6})(?:-[0-9a-f-]+)?\.log$`)

// logFolder returns the folder of the logs of a pulumi with these variables; "" if it is not known.
func logFolder(variables []string) string {
	if home := Variable(variables, "PULUMI_HOME"); home != "" {
		return filepath.Join(home, "logs")
	}
	if home := Variable(variables, "HOME"); home != "" {
		return filepath.Join(home, ".pulumi", "logs")
	}
	return ""
}
