// Package address parses and checks the addresses of repositories: GitHub's owner/name, and git remotes. The settings
// file and the source of branches share these rules. The package is pure.
package address

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// maxName is the most characters of an owner or a name. GitHub allows 39 and 100; an owner may also end in _ and a
// company's short code.
const maxName = 100

var (
	ownerName  = regexp.MustCompile(`^([A-Za-z0-9_-]+)/([A-Za-z0-9_.-]+)$`)
	onGitHub   = regexp.MustCompile(`(?i)^(?:(?:https?|ssh|git)://(?:[^/@]*@)?(?:www\.|ssh\.)?github\.com(?::[0-9]+)?/|(?:[^/@]*@)?(?:www\.)?github\.com[:/]/?)([^/?#]+)/([^/?#]+)(.*)$`)
	hostGitHub = regexp.MustCompile(`(?i)^(?:[a-z]+://)?(?:[^/@]*@)?(?:www\.)?github\.com(?:[:/]|$)`)
	likeSSH    = regexp.MustCompile(`^[^/:]+:`)                                            // host:path, a colon before any slash
	program    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+.-]*::`)                       // git would run git-remote-PROGRAM
	likeHost   = regexp.MustCompile(`(?i)^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}/[^/]+/.`) // example.com/owner/name
)

// Schemes returns the supported schemes of URLs. Others run programs, or cannot list branches.
func Schemes() []string { return []string{"https", "ssh", "git", "http", "file"} }

// Split splits GitHub's owner/name. It reports false if text is not a valid one.
func Split(text string) (owner, name string, ok bool) {
	parts := ownerName.FindStringSubmatch(text)
	if parts == nil || parts[2] == "." || parts[2] == ".." || strings.HasSuffix(strings.ToLower(parts[2]), ".git") || len(parts[1]) > maxName || len(parts[2]) > maxName {
		return "", "", false
	}
	return parts[1], parts[2], true
}

// OnGitHub returns the owner/name in an address on github.com, as a browser or git shows it:
// https://github.com/owner/name/tree/main, git@github.com:owner/name.git, github.com/owner/name.
func OnGitHub(text string) (repository string, ok bool) {
	parts := onGitHub.FindStringSubmatch(text)
	if parts == nil {
		return "", false
	}
	repository = parts[1] + "/" + withoutGit(parts[2])
	_, _, ok = Split(repository)
	return repository, ok
}

// IsPath reports whether git reads text as a path: it is neither a URL nor SSH's host:path.
func IsPath(text string) bool { return !strings.Contains(text, "://") && !likeSSH.MatchString(text) }

// FilePath returns the absolute path in a file:// URL that CheckGit accepts. The host may be empty or localhost, which
// are the same. Source: RFC 8089, 2.
func FilePath(text string) (path string, ok bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "file" || !strings.HasPrefix(text, "file://") {
		return "", false
	}
	return "/" + strings.TrimLeft(u.Path, "/"), true
}

// CheckGitHub returns what is wrong with text as GitHub's owner/name, and what to write instead. wrong completes a sentence
// that begins with the text: "is not a GitHub repository". It is "" if nothing is wrong.
func CheckGitHub(text string) (wrong, instead string) {
	if _, _, ok := Split(text); ok {
		return "", ""
	}
	repository, ok := OnGitHub(text)
	if !ok {
		parts := strings.SplitN(text, "/", 3)
		repository = strings.Join(parts[:min(len(parts), 2)], "/")
		repository = withoutGit(repository)
		_, _, ok = Split(repository)
	}
	if !ok {
		return "is not a GitHub repository", "write owner/name"
	}
	return "is not a GitHub repository", "write " + repository
}

// CheckGit returns what is wrong with text as the address of a git remote, and what to write instead. wrong completes a
// sentence that begins with the text: "is not a git remote". It is "" if nothing is wrong.
func CheckGit(text string) (wrong, instead string) {
	scheme, _, isURL := strings.Cut(text, "://")
	repository, gitHub := OnGitHub(text)
	u, err := url.Parse(text)
	switch {
	case text == "" || text[0] == '-' || text[0] == '[' || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "is not a git remote", "write a path or a URL such as https://github.com/owner/name.git"
	case program.MatchString(text) || isURL && !slices.Contains(Schemes(), scheme):
		return "is not a git remote of a supported kind", "write a path, or a URL with https, ssh, git, http or file"
	case isURL && (err != nil || u.Hostname() == "" && scheme != "file"):
		return "is not a git remote", "write a path or a URL such as https://github.com/owner/name.git"
	case scheme == "file" && isURL && (u.User != nil || u.Host != "" && !strings.EqualFold(u.Host, "localhost")):
		return "names a host, and git reads a file:// URL as a path on this machine", "write file:///path, or a URL with ssh or https"
	case gitHub && (!isURL && !likeSSH.MatchString(text) || onGitHub.FindStringSubmatch(text)[3] != ""):
		return "is not a git remote", "write github: " + repository
	case hostGitHub.MatchString(text) && !gitHub:
		return "names no repository", "write github: owner/name"
	case isURL && scheme != "file" && strings.Trim(u.Path, "/") == "":
		return "names no repository", "write a URL such as https://github.com/owner/name.git"
	case isURL && strings.ContainsAny(text, "?#"):
		return "is not a git remote: it has a ? or a #", "write the URL without the part after it"
	case isURL || likeSSH.MatchString(text):
		return "", ""
	}
	if _, _, ok := Split(text); ok {
		return "is neither a URL nor clearly a path", "write github: " + text + ", or git: ./" + text + " for a folder"
	}
	if likeHost.MatchString(text) {
		return "is neither a URL nor clearly a path", "write https://" + text + ", or ./" + text + " for a folder"
	}
	return "", ""
}

func withoutGit(name string) string {
	if strings.HasSuffix(strings.ToLower(name), ".git") {
		return name[:len(name)-len(".git")]
	}
	return name
}
