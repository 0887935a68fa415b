package gateway

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"unicode"
)

//go:embed page.html
var pageSource string

// pages returns the template of all pages. The first call parses it.
var pages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Parse(pageSource))
})

// pageData is the content of a page.
type pageData struct {
	Title string
	Facts [][2]string // names and values about one site
	Sites []Site      // a list of sites
	Note  string
}

// writeSite answers on a site's host name: 200 if the app answers, otherwise 503 as a load balancer does.
func writeSite(w http.ResponseWriter, r *http.Request, s Site) {
	code := http.StatusOK
	if !s.up {
		code = http.StatusServiceUnavailable
	}
	writePage(w, r, code, pageData{Title: s.Host, Facts: s.facts(), Note: "branchenv's sandbox answers in place of the app. Nothing here is on AWS."})
}

// writeIndex lists all sites. It answers on the server's own address, and with 404 on a host name that leads to no app.
func writeIndex(w http.ResponseWriter, r *http.Request, host string, sites []Site) {
	code, title := http.StatusNotFound, "No environment at "+host
	if isOwnAddress(host) {
		code, title = http.StatusOK, "Environments in the sandbox"
	}
	note := "The AWS APIs answer signed requests at this address too."
	if len(sites) == 0 {
		note = "There are no environments yet. Create one: branchenv --sandbox up BRANCH --image REF"
	}
	writePage(w, r, code, pageData{Title: title, Sites: sites, Note: note})
}

// facts returns names and values about a site. Those without a value are left out.
func (s Site) facts() [][2]string {
	var facts [][2]string
	for _, f := range [][2]string{
		{"branch", s.Branch}, {"kind", s.Kind}, {"image", s.Image}, {"version", s.Version}, {"database", s.Database},
		{"bucket", s.Bucket}, {"environment", s.Environment}, {"status", strings.Trim(s.Status+", "+s.Health, ", ")},
	} {
		if f[1] != "" {
			facts = append(facts, f)
		}
	}
	return facts
}

// writePage writes a page in HTML, or in plain text if the visitor accepts that.
func writePage(w http.ResponseWriter, r *http.Request, code int, p pageData) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if strings.HasPrefix(r.Header.Get("Accept"), "text/plain") {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(code)
		p.text(w)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.WriteHeader(code)
	pages().Execute(w, p) // an error means that the visitor is gone
}

// text writes the page in plain text.
func (p pageData) text(w io.Writer) {
	fmt.Fprintln(w, oneLine(p.Title))
	lines := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range p.Facts {
		fmt.Fprintf(lines, "%s\t%s\n", f[0], oneLine(f[1]))
	}
	for _, s := range p.Sites {
		fmt.Fprintf(lines, "%s\t%s\n", oneLine(s.Host), oneLine(s.Branch))
	}
	lines.Flush()
}

// oneLine returns text that is one line: it quotes text with characters that do not print.
func oneLine(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}
