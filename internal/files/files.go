// Package files opens files that somebody else names. Only regular files are opened, through symbolic links too: a named
// pipe would wait for a writer for ever, and a device may never end.
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

// ErrTooLarge is why Read returned less than the file holds.
var ErrTooLarge = errors.New("the file is too large")

// NotRegularError is why something was not opened.
type NotRegularError struct {
	Path string
	Mode fs.FileMode
}

func (e *NotRegularError) Error() string { return fmt.Sprintf("%q is %s", e.Path, e.kind()) }

// Directory reports whether it is a directory.
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

// Read returns what the regular file at path holds, at most limit bytes. The error wraps a NotRegularError, or
// ErrTooLarge, with which it returns the first limit bytes, or what the system says.
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

// Append adds text to the regular file at path, and makes the file if there is none. The error may wrap a
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

// open opens a regular file. O_NONBLOCK keeps the open of a pipe from waiting, and means nothing to a regular file.
func open(path string, flags int, perm fs.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flags|syscall.O_NONBLOCK, perm) // #nosec G304 -- opening what is named is the purpose
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

// Write puts data in the place of the regular file at path, in one go: whoever reads it, or a full disk, never leaves
// half of it. A symbolic link stays, and what it points to is replaced. The error may wrap a NotRegularError.
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
