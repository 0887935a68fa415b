package engine

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// Containers run processes under a uid without a user, often without HOME. branchenv and pulumi only need a name for locks
// and a folder for plugins.

// userVariables returns the variables that pulumi needs for a user whom the system does not know. Without them it ends with
// "user: Current requires cgo or $USER, $HOME set in environment".
func userVariables() []string {
	if u, err := user.Current(); err == nil && u.HomeDir != "" {
		return nil
	}
	name := "uid-" + strconv.Itoa(os.Getuid())
	var variables []string
	if os.Getenv("USER") == "" {
		variables = append(variables, "USER="+name)
	}
	if os.Getenv("HOME") == "" {
		variables = append(variables, "HOME="+filepath.Join(os.TempDir(), "branchenv-"+name))
	}
	return variables
}
