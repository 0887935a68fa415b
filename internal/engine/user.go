package engine

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// Containers run processes under a uid that no user has, often with no HOME. Neither branchenv nor pulumi needs more of a
// user than a name for a lock and a folder for plugins.

// userVariables are what pulumi has to be told of a user whom the system does not know: without these variables it ends
// with "user: Current requires cgo or $USER, $HOME set in environment".
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
