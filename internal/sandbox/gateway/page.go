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

// pages are the gateway's pages, parsed when they are first needed.
var pages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Parse(pageSource))
})

// pageData is what the gateway's template shows.
type pageData struct {
	Title string
	Facts [][2]string // what there is to tell of one environment
	Sites []Site      // those that a visitor may have meant
	Note  string
}

// writeSite answers on an environment's host name: 200 when something runs there, else 503 as its balancer would.
func writeSite(w http.ResponseWriter, r *http.Request, s Site) {
	code := http.StatusOK
	if !s.up {
		code = http.StatusServiceUnavailable
	}
	writePage(w, r, code, pageData{Title: s.Host, Facts: s.facts(), Note: "The sandbox of branchenv answers in the app's place; nothing of this is on AWS."})
}

// writeIndex answers on a host name that leads nowhere, or on the server's own address.
func writeIndex(w http.ResponseWriter, r *http.Request, host string, sites []Site) {
	code, title := http.StatusNotFound, "No environment at "+host
	if isOwnAddress(host) {
		code, title = http.StatusOK, "Environments in the sandbox"
	}
	note := "APIs of AWS answer here too, when they are asked with a signature."
	if len(sites) == 0 {
		note = "There are no environments yet: branchenv --sandbox up BRANCH --image REF makes one."
	}
	writePage(w, r, code, pageData{Title: title, Sites: sites, Note: note})
}

// facts are a site's, those that there are.
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

// writePage writes a page, as text where that is what the visitor asks for.
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
	pages().Execute(w, p) // an error is the visitor's connection
}

// text writes the page without markup, a line for each thing.
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

// oneLine is text that stays on its line: quoted if it has characters that do not print.
func oneLine(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}
