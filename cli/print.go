package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// clean makes text from outside (branch names, AWS messages, settings) safe for one line of a terminal: whatever does
// not print, control characters, escapes, line breaks and marks that turn the writing direction among it, is written
// as an escape such as \x1b or \u202e.
func clean(text string) string {
	safe := true
	for i, r := range text {
		if !unicode.IsPrint(r) || r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			safe = false
			break
		}
	}
	if safe {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// printer writes whole lines to one stream. It is safe for several goroutines, cleans what it writes, and keeps the
// first error of writing.
type printer struct {
	mu     sync.Mutex
	to     io.Writer
	failed error
}

// linef writes one line.
func (p *printer) linef(format string, args ...any) {
	p.raw(clean(fmt.Sprintf(format, args...)) + "\n")
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
			cells[i] = clean(cell)
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

// elapsed is a duration as progress and receipts show it, whole seconds: 8s, 4m07s, 1h02m.
func elapsed(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	default:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
}

// age is a duration in its largest unit, as lists show it: 40s, 12m, 5h, 3d.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d/time.Second)))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d/time.Hour))
	default:
		return fmt.Sprintf("%dd", int(d/(24*time.Hour)))
	}
}

// count is n with the noun in the form that goes with it, thousands set apart.
func count(n int, noun string) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if n != 1 {
		noun += "s"
	}
	return digits + " " + noun
}
