package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/reconcile"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks"
	"github.com/branchenv/branchenv/stacks/names"
)

func (s *session) whyCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "why",
		Usage:     "explain why a branch has an environment, or has none",
		ArgsUsage: "BRANCH",
		Description: "Reads the backend alone. With --reconcile it reads the branches, too, and adds the trace of what reconcile\n" +
			"would decide about the branch, or about a stack of that name.",
		Flags:  []urfave.Flag{&urfave.BoolFlag{Name: "reconcile", Usage: "trace what reconcile would decide"}},
		Action: action(parseWhy, s.why),
	}
}

type whyOptions struct {
	branch    string
	reconcile bool // trace what reconcile would decide
}

func parseWhy(c *urfave.Context) (whyOptions, error) {
	return whyOptions{branch: c.Args().First(), reconcile: c.Bool("reconcile")}, nil
}

func (s *session) why(ctx context.Context, o whyOptions) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	slug, err := names.Slug(o.branch)
	if err != nil {
		return err
	}
	resolved, err := file.Resolve(o.branch)
	if err != nil {
		return err
	}
	return s.read(ctx, file, func(m stacks.Manager) error {
		environments, err := m.List(ctx)
		if err != nil {
			return err
		}
		facts := branchFacts{file: file, branch: o.branch, slug: slug, resolved: resolved}
		for i, e := range environments {
			if e.Branch == o.branch {
				facts.environment = &environments[i]
			}
		}
		e := explain(facts, s.now())
		if o.reconcile {
			if e.Trace, err = s.trace(ctx, file, m, o.branch); err != nil {
				return err
			}
		}
		return s.printExplanation(e)
	})
}

// trace returns how reconcile would decide about the branch.
func (s *session) trace(ctx context.Context, file *config.File, m stacks.Manager, branch string) ([]fault.Text, error) {
	source, err := s.source(file, reconcileWait)
	if err != nil {
		return nil, err
	}
	run, err := s.prepare(ctx, m, source, reconcile.Overrides{})
	if err != nil {
		return nil, err
	}
	return run.Input.Why(branch), nil
}

// branchFacts are the facts that explain a branch.
type branchFacts struct {
	file         *config.File
	branch, slug string
	resolved     config.Resolved
	environment  *stacks.Environment // nil if it has none
}

// explanation is the JSON document of `why`.
type explanation struct {
	Branch      string              `json:"branch"`
	Stack       string              `json:"stack"`
	Kind        string              `json:"kind"`
	Environment *stacks.Environment `json:"environment"` // null if it has none
	Reasons     []fault.Text        `json:"reasons"`
	Trace       []fault.Text        `json:"trace,omitempty"` // how reconcile would decide, if --reconcile was given
}

// explain returns the explanation, the most important reason first.
func explain(f branchFacts, now time.Time) explanation {
	e := explanation{Branch: f.branch, Stack: f.slug, Kind: f.resolved.Kind, Environment: f.environment}
	because := func(format string, args ...any) { e.Reasons = append(e.Reasons, fault.Textf(format, args...)) }
	reason := skipReason(f.file, f.branch)
	switch {
	case f.environment != nil && f.environment.CreatedAt != nil:
		because("it has an environment since %s, which is %s", f.environment.CreatedAt.UTC().Format("2006-01-02 15:04 UTC"), f.environment.Status)
	case f.environment != nil:
		because("it has an environment, which is %s", f.environment.Status)
	case reason != "":
		because("it gets no environment: %s", reason)
	default:
		because("it has no environment: nobody ran %s yet, or it was destroyed", fault.Command{"up", f.branch})
	}
	if f.environment != nil && reason != "" {
		because("it would get none today: %s", reason)
	}
	because("its stack is called %s", f.slug)
	because("%s", kindReason(f))
	if protected := protection(f); protected != "" {
		because("it is never destroyed: %s", protected)
	} else if f.environment != nil && f.environment.ExpiresAt != nil {
		when := "with the next run of reconcile"
		if f.environment.ExpiresAt.After(now) {
			when = "in " + text.Age(f.environment.ExpiresAt.Sub(now)) + " unless it is updated, pushed to or kept"
		}
		because("it expires %s: ttl is %s after the last activity (%s)", when,
			f.resolved.Settings.TTL, originText(f.file, f.resolved.Origins["ttl"]))
	} else if f.resolved.Settings.TTL == 0 {
		because("it never expires: ttl is 0 (%s)", originText(f.file, f.resolved.Origins["ttl"]))
	} else if reason == "" {
		because("an environment of it expires %s after the last activity (%s)", f.resolved.Settings.TTL,
			originText(f.file, f.resolved.Origins["ttl"]))
	}
	return e
}

// kindReason returns which entry of branches decided the kind.
func kindReason(f branchFacts) string {
	matches := f.resolved.Matches
	i := slices.IndexFunc(matches, func(m config.Match) bool { return m.Kind != "" })
	if i < 0 {
		return fmt.Sprintf("it is of kind %s: no entry of branches that matches it names another", f.resolved.Kind)
	}
	return fmt.Sprintf("it is of kind %s: %q is the first entry of branches that matches it and names a kind (%s)",
		f.resolved.Kind, matches[i].Pattern, lineText(f.file, matches[i].Line))
}

// protection returns why the branch's environment is protected; "" if it is not.
func protection(f branchFacts) string {
	if pattern, ok := f.file.Protects(f.branch, f.slug); ok {
		return fmt.Sprintf("it matches %q of the settings' protected", pattern)
	}
	if f.resolved.Settings.Protected {
		return fmt.Sprintf("its settings say protected (%s)", originText(f.file, f.resolved.Origins["protected"]))
	}
	if f.environment != nil && f.environment.Protected {
		return "it was made as a protected one"
	}
	return ""
}

func (s *session) printExplanation(e explanation) error {
	if s.json {
		return s.out.document(e)
	}
	s.out.linef("%s", e.Branch)
	for _, reason := range e.Reasons {
		s.out.linef("  %s", s.render(reason))
	}
	if len(e.Trace) > 0 {
		s.out.linef("reconcile")
	}
	for _, line := range e.Trace {
		s.out.linef("  %s", s.render(line))
	}
	return nil
}
