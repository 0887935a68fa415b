package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
)

// program is the name of the command line in help, hints and messages.
const program = fault.Program

// grammar is what is needed to parse the command line of a command: its flags, its subcommands and its arguments.
type grammar struct {
	name     string
	flags    map[string]flagSpec // by name; a flag may have several
	commands []*grammar
	operands []string // names of the arguments; an optional one is in brackets, and "..." stands for any number
	hidden   bool
	parent   *grammar
}

// flagSpec describes a flag.
type flagSpec struct {
	name   string // the full one
	value  bool   // it has a value
	number bool   // the value is a whole number
}

// newGrammar returns the grammar of the command definitions.
func newGrammar(app *urfave.App) *grammar {
	root := &grammar{name: app.Name, flags: newFlags(app.Flags)}
	root.addCommands(app.Commands)
	return root
}

func (g *grammar) addCommands(commands []*urfave.Command) {
	for _, c := range commands {
		child := &grammar{
			name: c.Name, flags: newFlags(c.Flags), operands: strings.Fields(c.ArgsUsage), hidden: c.Hidden, parent: g,
		}
		child.addCommands(c.Subcommands)
		g.commands = append(g.commands, child)
	}
}

func newFlags(definitions []urfave.Flag) map[string]flagSpec {
	flags := map[string]flagSpec{}
	for _, d := range definitions {
		_, isBool := d.(*urfave.BoolFlag)
		_, isInt := d.(*urfave.IntFlag)
		for _, name := range d.Names() {
			flags[name] = flagSpec{name: d.Names()[0], value: !isBool, number: isInt}
		}
	}
	return flags
}

// path returns the command's words after the program's name.
func (g *grammar) path() []string {
	if g.parent == nil {
		return nil
	}
	return append(g.parent.path(), g.name)
}

// line returns the command as it is typed.
func (g *grammar) line() string { return strings.Join(append([]string{program}, g.path()...), " ") }

// help returns the command line that prints the command's help.
func (g *grammar) help() fault.Command { return append(g.path(), "--help") }

// takes says which arguments the command takes.
func (g *grammar) takes() string {
	switch len(g.operands) {
	case 0:
		return g.line() + " takes no arguments"
	case 1:
		return fmt.Sprintf("%s takes one argument, %s", g.line(), strings.Trim(g.operands[0], "[]"))
	default:
		return fmt.Sprintf("%s takes %d arguments, %s", g.line(), len(g.operands), strings.Join(g.operands, " "))
	}
}

// find returns the subcommand with this name.
func (g *grammar) find(name string) (*grammar, error) {
	for _, c := range g.commands {
		if c.name == name {
			return c, nil
		}
	}
	e := fault.Usagef("unknown command %q", strings.Join(append(g.path(), name), " "))
	return nil, e.WithHint("%s", g.suggest(name))
}

// commandNames returns the names of the subcommands in the help.
func (g *grammar) commandNames() []string {
	var names []string
	for _, c := range g.commands {
		if !c.hidden {
			names = append(names, c.name)
		}
	}
	return names
}

// anyFlag returns a flag of g or of a command below it.
func (g *grammar) anyFlag(name string) (flagSpec, bool) {
	if f, ok := g.flags[name]; ok {
		return f, true
	}
	for _, c := range g.commands {
		if f, ok := c.anyFlag(name); ok {
			return f, true
		}
	}
	return flagSpec{}, false
}

// commandsWith returns the commands below g that have the flag.
func (g *grammar) commandsWith(name string) []string {
	var lines []string
	for _, c := range g.commands {
		if _, ok := c.flags[name]; ok {
			lines = append(lines, c.line())
		}
		lines = append(lines, c.commandsWith(name)...)
	}
	return lines
}

// flagNames returns the names of the flags that may be given with g: its own, those of its commands and the global ones.
func (g *grammar) flagNames() []string {
	names := map[string]bool{"help": true}
	var below func(*grammar)
	below = func(g *grammar) {
		for _, f := range g.flags {
			names[f.name] = true
		}
		for _, c := range g.commands {
			below(c)
		}
	}
	below(g)
	for p := g.parent; p != nil; p = p.parent {
		for _, f := range p.flags {
			names[f.name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
