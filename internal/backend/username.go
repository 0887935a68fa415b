package backend

import (
	"os"
	"os/user"
	"strconv"
)

// userName is a name for whoever runs this process, for people.
func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}
