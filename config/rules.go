package config

import (
	"fmt"
	"time"
)

// Rule holds the settings that decide what happens to a branch and its stack.
type Rule struct {
	Kind      string
	Auto      bool          // reconcile creates the environment and keeps it at the branch's head
	TTL       time.Duration // how long it lives without activity; 0 is for ever
	Image     string        // the template of its version; "" if reconcile has no version to update it to
	Skipped   string        // why the branch gets no environment; "" if it may have one
	Protected string        // why the environment is never destroyed; "" if it may be
}

// Expires returns when an environment expires that was last active at active: its TTL later. If it is to be kept until keep and
// that is later still, it expires then, and kept is true. It returns the zero time if the environment never expires: it is
// protected, it has no TTL, or the time of its last activity is not known.
func (r Rule) Expires(active, keep time.Time) (at time.Time, kept bool) {
	if r.Protected != "" || r.TTL <= 0 || active.IsZero() {
		return time.Time{}, false
	}
	end := active.Add(r.TTL)
	if keep.After(end) {
		return keep, true
	}
	return end, false
}

// Rules returns the Rule of a stack and its branch. If the environment is a copy of another branch's, like is that branch, else
// "". The error says that the settings contradict each other for this branch.
type Rules func(branch, like, stack string) (Rule, error)

// RulesOf returns the rules of a settings file. They are not safe for concurrent use.
func RulesOf(file *File) Rules {
	resolve := file.Resolver()
	return func(branch, like, stack string) (Rule, error) {
		settings, err := ResolveCopy(resolve, branch, like)
		if err != nil {
			return Rule{}, err
		}
		s := settings.Settings
		rule := Rule{Kind: settings.Kind, Auto: s.Create == "auto", TTL: time.Duration(s.TTL), Image: s.Image}
		if pattern, ok := file.Skips(branch); ok {
			rule.Skipped = fmt.Sprintf("it matches %q of the settings' skip", pattern)
		}
		switch pattern, ok := file.Protects(branch, stack); {
		case ok:
			rule.Protected = fmt.Sprintf("it matches %q of the settings' protected", pattern)
		case s.Protected:
			rule.Protected = fmt.Sprintf("its kind, %s, is protected", settings.Kind)
		}
		return rule, nil
	}
}

// ResolveCopy returns the settings of a branch whose environment is a copy of like's environment; like is "" if it is no copy. A
// copy has the settings of like. But kind, application, lifetime and protection are those of its own branch: otherwise a copy of
// staging could not be destroyed.
func ResolveCopy(resolve func(string) (Resolved, error), branch, like string) (Resolved, error) {
	own, err := resolve(branch)
	if err != nil || like == "" {
		return own, err
	}
	other, err := resolve(like)
	if err != nil {
		return own, err
	}
	s := other.Settings
	s.Protected, s.TTL, s.Create, s.Application = own.Settings.Protected, own.Settings.TTL, own.Settings.Create, own.Settings.Application
	own.Settings = s
	return own, nil
}
