package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
)

// program is the command's name in help, hints and messages.
const program = fault.Program

// grammar is what the order of a command line needs to know of a command: its flags, its subcommands and how many
// arguments it takes.
type grammar struct {
	name     string
	flags    map[string]flagSpec // by each of their names
	commands []*grammar
	operands []string // names of the arguments, an optional one in brackets; after "..." any number of any
	hidden   bool
	parent   *grammar
}

// flagSpec is a flag's full name, whether a value belongs to it, and whether that is a whole number.
type flagSpec struct {
	name   string
	value  bool
	number bool
}

// newGrammar reads the grammar off the command definitions, so that there is one place to change.
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

// path is the command's words after the program's name.
func (g *grammar) path() []string {
	if g.parent == nil {
		return nil
	}
	return append(g.parent.path(), g.name)
}

// line is the command as it is typed.
func (g *grammar) line() string { return strings.Join(append([]string{program}, g.path()...), " ") }

// help is the command line that prints the command's help.
func (g *grammar) help() fault.Command { return append(g.path(), "--help") }

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

func (g *grammar) find(name string) (*grammar, error) {
	for _, c := range g.commands {
		if c.name == name {
			return c, nil
		}
	}
	e := fault.Usagef("unknown command %q", strings.Join(append(g.path(), name), " "))
	return nil, e.WithHint("%s", g.suggest(name))
}

func (g *grammar) commandNames() []string {
	var names []string
	for _, c := range g.commands {
		if !c.hidden {
			names = append(names, c.name)
		}
	}
	return names
}

// anyFlag looks a flag up in g and all commands below it.
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

// having lists the commands below g that have the flag.
func (g *grammar) having(name string) []string {
	var lines []string
	for _, c := range g.commands {
		if _, ok := c.flags[name]; ok {
			lines = append(lines, c.line())
		}
		lines = append(lines, c.having(name)...)
	}
	return lines
}

// flagNames is the names of the flags that may stand with g: its own, those of its commands and the global ones.
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
