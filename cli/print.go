package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"unicode"
	"unicode/utf16"

	"github.com/branchenv/branchenv/internal/text"
)

// printer writes whole lines to one stream. It is safe for several goroutines, cleans what it writes, and keeps the
// first error of writing.
type printer struct {
	mu     sync.Mutex
	to     io.Writer
	failed error
}

// linef writes one line.
func (p *printer) linef(format string, args ...any) {
	p.raw(text.Escape(fmt.Sprintf(format, args...)) + "\n")
}

// raw writes text of our own, or text that is clean already.
func (p *printer) raw(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := io.WriteString(p.to, text); err != nil && p.failed == nil {
		p.failed = err
	}
}

// redirect makes the following lines go to w and returns the writer used before.
func (p *printer) redirect(w io.Writer) (before io.Writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, p.to = p.to, w
	return before
}

func (p *printer) err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// document writes value as the one JSON document of a command.
func (p *printer) document(value any) error {
	text, err := marshal(value)
	if err != nil {
		return err
	}
	p.raw(text)
	return nil
}

// marshal is value as indented JSON with a line break at the end. Characters that do not print are escaped, since JSON
// alone leaves the terminal's second set of control characters and direction marks as they are.
func marshal(value any) (string, error) {
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return "", fmt.Errorf("write JSON: %w", err)
	}
	var b strings.Builder
	for _, r := range plain.String() {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.String(), nil
}

// table is rows of cells under a heading, columns aligned by spaces. Every cell is cleaned; a row ends without spaces.
func table(heading []string, rows [][]string) string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if len(heading) > 0 {
		rows = append([][]string{heading}, rows...)
	}
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = text.Escape(cell)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	w.Flush()
	lines := strings.SplitAfter(b.String(), "\n")
	for i, line := range lines {
		if trimmed := strings.TrimRight(line, " \n"); line != "" {
			lines[i] = trimmed + "\n"
		}
	}
	return strings.Join(lines, "")
}
