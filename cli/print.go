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

// printer writes whole lines to one stream. It is safe for concurrent use, cleans the text, and keeps the first error of writing.
type printer struct {
	mu     sync.Mutex
	to     io.Writer
	failed error
}

// linef writes one line.
func (p *printer) linef(format string, args ...any) {
	p.raw(text.Escape(fmt.Sprintf(format, args...)) + "\n")
}

// raw writes text that is clean already.
func (p *printer) raw(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := io.WriteString(p.to, text); err != nil && p.failed == nil {
		p.failed = err
	}
}

// redirect makes p write to w, and returns the writer that it replaces.
func (p *printer) redirect(w io.Writer) (before io.Writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, p.to = p.to, w
	return before
}

// err returns the first error of writing.
func (p *printer) err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// document writes value as the JSON document of a command.
func (p *printer) document(value any) error {
	text, err := marshal(value)
	if err != nil {
		return err
	}
	p.raw(text)
	return nil
}

// marshal returns value as indented JSON with a line break at the end. It escapes all characters that do not print: JSON itself
// leaves the second set of control characters and direction marks unescaped.
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

// table returns rows of cells under a heading, in columns aligned by spaces. Every cell is cleaned.
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
