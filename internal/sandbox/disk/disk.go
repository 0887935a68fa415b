// Package disk reads and replaces the files in the sandbox's directory. Several processes may use them at once: a reader
// sees the old content or the new one, never a part.
package disk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Temporary is the beginning of the name of an unfinished file.
const Temporary = ".new-"

// Write replaces the file at path in one step. The file has mode 0600.
func Write(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), Temporary+"*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// ReadJSON decodes the file at path. If there is no such file, it leaves into unchanged.
func ReadJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Remove removes the file at path, if there is one.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
