package backend

import (
	"os"
	"os/user"
	"strconv"
)

// userName returns the name of the user who runs this process, for people.
func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}
