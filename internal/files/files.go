// Package files reads and writes files whose paths come from outside: from flags, settings and variables. It opens only
// regular files, also through symbolic links. A named pipe would wait for a writer for ever, and a device may never end.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrTooLarge says that Read returned only the beginning of the file.
var ErrTooLarge = errors.New("the file is too large")

// NotRegularError says that a path names something other than a regular file.
type NotRegularError struct {
	Path string
	Mode fs.FileMode
}

func (e *NotRegularError) Error() string { return fmt.Sprintf("%q is %s", e.Path, e.kind()) }

// Directory reports whether the path names a directory.
func (e *NotRegularError) Directory() bool { return e.Mode.IsDir() }

func (e *NotRegularError) kind() string {
	switch {
	case e.Mode.IsDir():
		return "a directory"
	case e.Mode&fs.ModeNamedPipe != 0:
		return "a named pipe, not a file"
	case e.Mode&fs.ModeSocket != 0:
		return "a socket, not a file"
	case e.Mode&fs.ModeDevice != 0:
		return "a device, not a file"
	}
	return "not a regular file"
}

// Read returns the content of the regular file at path. Of a file with more than limit bytes it returns the first limit
// bytes and an error that wraps ErrTooLarge. Other errors wrap a NotRegularError, or the system's error.
func Read(path string, limit int64) (data []byte, err error) {
	f, err := open(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		return data[:limit], fmt.Errorf("%s: %w: more than %d bytes", path, ErrTooLarge, limit)
	}
	return data, err
}

// Append adds text to the regular file at path, and creates the file if there is none. The error may wrap a
// NotRegularError.
func Append(path, text string) (err error) {
	f, err := open(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.WriteString(text)
	return err
}

// open opens a regular file. O_NONBLOCK keeps the open of a pipe from waiting; it has no effect on a regular file.
func open(path string, flags int, perm fs.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flags|syscall.O_NONBLOCK, perm) // #nosec G304 -- the path is meant to come from outside
	if err != nil {
		if info, statErr := os.Stat(path); statErr == nil && !info.Mode().IsRegular() { // a pipe without a reader, a directory
			return nil, &NotRegularError{path, info.Mode()}
		}
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &NotRegularError{path, info.Mode()}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Write replaces the content of the regular file at path in one step: neither a reader nor a full disk ever sees half of
// it. A symbolic link stays; Write replaces its target. The error may wrap a NotRegularError.
func Write(path string, data []byte, perm fs.FileMode) error {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		target = path
	} else if err != nil {
		return err
	}
	if info, err := os.Lstat(target); err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0 {
		return &NotRegularError{path, info.Mode()}
	}
	f, err := os.CreateTemp(filepath.Dir(target), ".branchenv-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(perm), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), target)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}
