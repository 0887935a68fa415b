package github

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
)

// This file tells GitHub's own answers from those of a proxy, a login page or a gateway.

// answer is the answer to one request.
type answer struct {
	*http.Response
	body []byte // complete
	kept *entry // the kept answer that a conditional request asked about, or nil
}

// moved matches the path of a repository by its id, below the path of the API.
var moved = regexp.MustCompile(`^repositories/([1-9][0-9]*)(/|$)`)

// checkMove refuses all redirects but GitHub's from a repository's former name to its id. ask checks that the repository there
// has that id. Source: GitHub's documentation, "Best practices for using the REST API", follow redirects.
func (t *transport) checkMove(req *http.Request, a answer) error {
	to, err := req.URL.Parse(a.Header.Get("Location"))
	if err != nil {
		return fault.Refusedf("%s redirects to %q, which is not an address", t.api.Host, line(a.Header.Get("Location")))
	}
	if to.Host != t.api.Host || to.Scheme != t.api.Scheme {
		return fault.Refusedf("%s redirects to another server, %s", t.api.Host, line(to.Host)).WithHint("%s", t.addressHint())
	}
	if _, ok := movedID(t.api, to); !ok || !a.ofGitHub() {
		return fault.Refusedf("%s redirects to %s, which is not how GitHub moves a repository", t.api.Host, line(to.Path)).WithHint("%s", t.addressHint())
	}
	return nil
}

// movedID returns the id in an address that names a repository by its id.
func movedID(api, at *url.URL) (int64, bool) {
	path, below := strings.CutPrefix(at.Path, api.Path)
	parts := moved.FindStringSubmatch(path)
	if !below || parts == nil {
		return 0, false
	}
	id, err := strconv.ParseInt(parts[1], 10, 64)
	return id, err == nil
}

// ofGitHub reports whether an error looks like one of GitHub's: a JSON object with a message.
// Source: GitHub's documentation, "Troubleshooting the REST API".
func (a answer) ofGitHub() bool {
	return strings.Contains(a.Header.Get("Content-Type"), "json") && json.Valid(a.body) && message(a.body) != ""
}

// kind returns the name of an unexpected body's kind.
func (a answer) kind() string {
	switch typ := a.Header.Get("Content-Type"); {
	case len(bytes.TrimSpace(a.body)) == 0:
		return "nothing"
	case strings.Contains(typ, "json") && !json.Valid(a.body):
		return "incomplete or invalid JSON"
	case strings.Contains(typ, "json"):
		return "other JSON"
	case typ != "":
		return line(typ) + " and not JSON"
	}
	return "something that is not JSON"
}

// message returns the message in GitHub's error.
func message(body []byte) string {
	var said struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(body, &said) // an error page may be anything
	return line(said.Message)
}
