package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/files"
	"github.com/branchenv/branchenv/internal/reconcile/plan"
	"github.com/branchenv/branchenv/internal/text"
)

// pingTimeout limits the request to the settings' pingUrl.
const pingTimeout = 20 * time.Second

// Report is the JSON document of `reconcile`.
type Report struct {
	plan.Plan
	Outcome *Outcome `json:"outcome,omitempty"` // if the plan was carried out
}

// Publish tells others how a run ended. problem is nil if it was good. The summary in Markdown is appended to summaryFile, and after
// a good run pingURL is requested; each is left out if it is "". The error is no reason to call the run bad.
func (r Report) Publish(ctx context.Context, summaryFile, pingURL string, problem error) error {
	var summary, ping error
	if summaryFile != "" {
		if err := files.Append(summaryFile, r.summary(problem)); err != nil {
			summary = fmt.Errorf("the summary was not written: %w", err)
		}
	}
	if pingURL != "" && problem == nil {
		if err := request(ctx, pingURL); err != nil {
			ping = fmt.Errorf("pingUrl was not reached: %w", err)
		}
	}
	return errors.Join(summary, ping)
}

// request requests an address. Errors show its host alone, because the path is often a secret.
func request(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("it is not a URL")
	}
	resp, err := http.DefaultClient.Do(req)
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return fmt.Errorf("%s: %w", req.URL.Host, wrapped.Err)
	}
	if err != nil {
		return fmt.Errorf("%s: no answer", req.URL.Host)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers HTTP %d", req.URL.Host, resp.StatusCode)
	}
	return nil
}

// summary returns the run in Markdown: the steps that were to change something, and what became of them.
func (r Report) summary(problem error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n", fault.Command{"reconcile"})
	nothing := r.Outcome == nil || len(r.Todo()) == 0
	switch {
	case problem != nil:
		fmt.Fprintf(&b, "**Not good:** %s\n\n", markdown(problem.Error()))
	case nothing:
		b.WriteString("Nothing to do.\n\n")
	}
	if nothing {
		return b.String()
	}
	b.WriteString("| result | action | branch | detail |\n|---|---|---|---|\n")
	row := func(result string, step plan.Step, detail string) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", result, step.Action, markdown(step.Branch), markdown(detail))
	}
	for _, step := range r.Outcome.Done {
		row("done", step, step.Reason.String())
	}
	for _, step := range r.Outcome.Kept {
		row("left alone", step, step.Reason.String())
	}
	for _, step := range r.Outcome.NotBegun {
		row("not begun", step, "")
	}
	for _, f := range r.Outcome.Failed {
		row("**failed**", f.Step, f.Error)
	}
	return b.String() + "\n"
}

// markdown escapes s, a text from outside, for a cell of a table.
func markdown(s string) string {
	return strings.NewReplacer("\\", `\\`, "|", `\|`, "<", "&lt;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "&", "&amp;").Replace(text.Escape(s))
}
