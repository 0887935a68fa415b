package backend

import "os"

// exists reports whether path exists, whatever it is.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
