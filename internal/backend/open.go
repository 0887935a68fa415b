package backend

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
)

// ResolveURL returns a file:// URL with an absolute path; dir is the settings' folder. Other URLs stay unchanged.
func ResolveURL(backend, dir string) (string, error) {
	path, ok := strings.CutPrefix(backend, "file://")
	if !ok {
		return backend, nil
	}
	path, query, _ := strings.Cut(path, "?")
	path, err := url.PathUnescape(path)
	if err != nil {
		return "", fault.Usagef("backend %s is not a URL: %w", backend, err).WithHint("write %%25 for a %% in the folder's name")
	}
	if rest, home := strings.CutPrefix(path, "~"); home {
		base, err := os.UserHomeDir()
		if err != nil {
			return "", fault.Usagef("backend %s: %w", backend, err)
		}
		path = filepath.Join(base, rest)
	} else if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	absolute, err := FolderURL(path)
	if query != "" {
		absolute += "?" + query
	}
	return absolute, err
}

// FolderURL returns the file:// URL of a folder.
func FolderURL(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String(), nil
}

// Open opens the backend at a URL. env returns the value of an environment variable.
func Open(ctx context.Context, address, project string, env func(string) string) (Backend, error) {
	scheme, _, _ := strings.Cut(address, "://")
	switch scheme {
	case "file", "s3":
		return openDIY(ctx, address, project)
	case "https", "http":
		return openCloud(address, project, env)
	}
	return nil, fault.Usagef("backend %s is not of a kind that branchenv reads", address).WithHint("use s3://BUCKET, https://api.pulumi.com or file://FOLDER")
}
