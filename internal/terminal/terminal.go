// Package terminal keeps a library from talking to the terminal while branchenv starts.
//
// Pulumi's Automation API links bubbletea v1, whose init function asks the terminal for its background colour and waits
// for the answer, up to five seconds where none comes, whatever the command (bubbletea v1.3.10, tea_init.go; termenv
// v0.16.0, OSCTimeout). The question lands in the output, and what a person has typed ahead is swallowed with the
// answer. Nothing of branchenv is drawn by bubbletea, so the colour is told instead of asked for.
//
// It works because this package imports nothing but lipgloss and comes before bubbletea in the alphabet: Go initializes
// the packages whose imports are ready in the order of their paths (language specification, "Program initialization").
// Being needed that early is why there is a variable with a side effect here, and nowhere else.
package terminal

import "github.com/charmbracelet/lipgloss"

var _ = tellBackground()

func tellBackground() struct{} {
	lipgloss.SetHasDarkBackground(true)
	return struct{}{}
}
