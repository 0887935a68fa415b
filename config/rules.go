package config

import (
	"fmt"
	"time"
)

// Rule is what the settings say about one branch and its stack.
type Rule struct {
	Kind      string
	Auto      bool          // reconcile makes the environment and keeps it at the branch's head
	TTL       time.Duration // how long it lives without activity; 0: for ever
	Image     string        // the template of its version; "": reconcile has no version to update it to
	Skipped   string        // why the branch gets no environment; "" where it may
	Protected string        // why the environment is never destroyed; "" where it may be
}

// Rules tells the Rule of a stack and its branch. like is the branch whose settings the stack has, where it is a copy
// of another one, else "". An error means that the settings contradict each other for this branch.
type Rules func(branch, like, stack string) (Rule, error)

// RulesOf are the rules of a settings file. They are not for several goroutines.
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

// ResolveCopy resolves the settings of a branch whose environment is a copy of like's; "" where it is none. A copy has
// the other one's settings, but it is an environment of its own branch: of its kind, in its application, as short-lived
// and as little protected as that. Otherwise a copy of staging could not be destroyed.
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
