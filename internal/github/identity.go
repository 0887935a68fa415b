package github

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

// maxIdentity is the most bytes of an ID and of a Name. They are stored in tags.
const maxIdentity = 200

// Identity identifies a repository. Two sources with the same ID have the same branches.
type Identity struct {
	// ID is github:NUMBER for github.com, github:HOST:NUMBER for another server of GitHub's, and git:REMOTE for a git remote.
	// NUMBER stays if the repository is renamed; another repository of the same name has another one. REMOTE is the host and
	// path of a URL, or the absolute path of a local repository. A longer ID than 200 bytes is cut and ends in ~ and a hash.
	ID string
	// Name is for people, without credentials: github.com/owner/name, or the remote. At most 200 bytes.
	Name string
	// Default is the name of the default branch; "" if it is not known or the repository has no commit yet.
	Default string
}

// limited returns id with ID and Name cut to 200 bytes.
func (id Identity) limited() Identity {
	if len(id.ID) > maxIdentity {
		sum := sha256.Sum256([]byte(id.ID))
		end := "~" + hex.EncodeToString(sum[:16])
		id.ID = strings.ToValidUTF8(id.ID[:maxIdentity-len(end)], "") + end
	}
	id.Name = text.Cut(id.Name, maxIdentity)
	return id
}

// identity returns the identity of the repository with that id on this server.
func (h *hub) identity(number int64, name, defaultBranch string) Identity {
	id := "github:"
	if h.api.Host != publicHost {
		id += hostPort(h.api) + ":"
	}
	return Identity{ID: id + strconv.FormatInt(number, 10), Name: name, Default: defaultBranch}.limited()
}

// actionsIdentity returns the identity in the variables of GitHub Actions. It reports false if they name another repository or
// server than the settings. Source: GitHub's documentation, "Default environment variables".
func (h *hub) actionsIdentity() (Identity, bool) {
	number, err := strconv.ParseInt(h.Env("GITHUB_REPOSITORY_ID"), 10, 64)
	if err != nil || number <= 0 || !strings.EqualFold(h.Env("GITHUB_REPOSITORY"), h.asked.String()) {
		return Identity{}, false
	}
	if server := h.Env("GITHUB_SERVER_URL"); server != "" {
		u, err := url.Parse(server)
		if err != nil || hostPort(u) != hostPort(h.api) && "api."+hostPort(u) != hostPort(h.api) {
			return Identity{}, false
		}
	}
	return h.identity(number, h.String(), ""), true
}

// defaultPorts are the default ports of the schemes.
var defaultPorts = map[string]string{"https": "443", "http": "80", "ssh": "22", "git": "9418"}

// hostPort returns the host of u in lower case, with the port if it is not the scheme's own.
func hostPort(u *url.URL) string {
	host, port := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), u.Port()
	switch {
	case port != "" && port != defaultPorts[u.Scheme]:
		return net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		return "[" + host + "]"
	}
	return host
}

// normalRemote returns host and path of a git remote's address, a URL or SSH's short form. It leaves out the scheme, the user,
// a default port, the host's case, and slashes and .git at the end.
//
// The path in SSH's short form, host:path, is relative to the user's home. For the user git, as hosting services have it,
// that is the path in the URL. For any other user the name is part of the result.
func normalRemote(address string) (string, error) {
	if !strings.Contains(address, "://") {
		host, path, _ := strings.Cut(address, ":")
		user, rest, hasUser := strings.Cut(host, "@")
		if !hasUser {
			user, rest = "git", host
		}
		host = strings.TrimSuffix(strings.ToLower(rest), ".")
		if user != "git" && !strings.HasPrefix(path, "/") {
			host = user + "@" + host
		}
		return host + normalPath((&url.URL{Path: path}).EscapedPath()), nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return "", fault.Usagef("%q is not the address of a git remote", line(address))
	}
	host := hostPort(u)
	if user := u.User.Username(); u.Scheme == "ssh" && strings.HasPrefix(u.Path, "/~/") && user != "" {
		host = user + "@" + host
	}
	return host + normalPath(u.EscapedPath()), nil
}

func normalPath(path string) string {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	path = strings.Join(parts, "/")
	return "/" + strings.TrimSuffix(strings.TrimSuffix(path, ".git"), "/")
}

// printable returns path, percent-encoded if it has bytes that a tag cannot hold.
func printable(path string) string {
	if utf8.ValidString(path) && !strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return path
	}
	return (&url.URL{Path: path}).EscapedPath()
}
