// Package terminal keeps a library from querying the terminal while branchenv starts.
//
// Pulumi's Automation API links bubbletea v1. Its init function asks the terminal for its background colour with every
// command, and waits up to five seconds for the answer (bubbletea v1.3.10, tea_init.go; termenv v0.16.0, OSCTimeout). The
// query lands in the output, and text that a person has typed ahead is lost with the answer. branchenv draws nothing with
// bubbletea, so this package sets the colour before the query.
//
// It works because this package imports only lipgloss and comes before bubbletea in the alphabet: Go initializes packages
// whose imports are ready in the order of their paths (language specification, "Program initialization"). That early, only
// a variable with a side effect can run; there is no other one in branchenv.
package terminal

import "github.com/charmbracelet/lipgloss"

var _ = setBackground()

func setBackground() struct{} {
	lipgloss.SetHasDarkBackground(true)
	return struct{}{}
}
