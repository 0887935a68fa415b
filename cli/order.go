package cli

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/fault"
)

// program is the command's name in help, hints and messages.
const program = "branchenv"

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

// flagSpec is a flag's full name and whether a value belongs to it.
type flagSpec struct {
	name  string
	value bool
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
		for _, name := range d.Names() {
			flags[name] = flagSpec{name: d.Names()[0], value: !isBool}
		}
	}
	return flags
}

// usedFlag is a flag as it stood on the line.
type usedFlag struct {
	flagSpec
	typed    string // as typed, without its value
	text     string // the value
	hasValue bool
}

func (u usedFlag) String() string {
	if u.hasValue {
		return "--" + u.name + "=" + u.text
	}
	return "--" + u.name
}

// commandLine is a command line taken apart.
type commandLine struct {
	command  *grammar
	flags    []usedFlag
	operands []string
	help     bool
}

// order brings args, which do not include the program's name, into the only order that urfave understands: global
// flags, command, its flags, "--", arguments. Flags may stand anywhere before a "--". Whatever was typed and has no
// meaning is an error of usage that shows what to type instead. It is pure, and ordering twice changes nothing.
func order(root *grammar, args []string) ([]string, error) {
	line, err := takeApart(root, args)
	if err != nil {
		return nil, err
	}
	if line.help {
		return append(line.command.path(), "--help"), nil
	}
	if err := line.check(root); err != nil {
		return nil, err
	}
	return line.arguments(root), nil
}

// takeApart tells flags, commands and arguments apart.
func takeApart(root *grammar, args []string) (commandLine, error) {
	line := commandLine{command: root}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			line.operands = append(line.operands, args[i+1:]...)
			return line, nil
		case arg == "-h" || arg == "--help" || arg == "-help":
			line.help = true
		case len(arg) > 1 && arg[0] == '-':
			used, more, err := takeFlag(root, line.command, args[i:])
			if err != nil {
				return commandLine{}, err
			}
			line.flags = append(line.flags, used)
			i += more
		case arg == "help" && line.command == root:
			line.help = true
		case len(line.command.commands) > 0 && len(line.operands) == 0:
			next, err := line.command.find(arg)
			if err != nil {
				return commandLine{}, err
			}
			line.command = next
		default:
			line.operands = append(line.operands, arg)
		}
	}
	return line, nil
}

// takeFlag reads the flag at the head of args, and tells how many of the following arguments belong to it. A flag may
// stand before its command, so it is looked up among all flags; every name takes a value everywhere or nowhere.
func takeFlag(root, command *grammar, args []string) (usedFlag, int, error) {
	typed, text, hasValue := strings.Cut(args[0], "=")
	name := strings.TrimPrefix(strings.TrimPrefix(typed, "-"), "-")
	found, ok := root.anyFlag(name)
	if !ok {
		e := fault.Usagef("unknown flag %s", typed)
		if near := nearest(name, command.flagNames()); near != "" {
			return usedFlag{}, 0, e.WithHint("did you mean --%s?", near)
		}
		return usedFlag{}, 0, e.WithHint("%s --help lists the flags", command.line())
	}
	used := usedFlag{flagSpec: found, typed: typed, text: text, hasValue: hasValue}
	switch {
	case !found.value && hasValue:
		if _, err := strconv.ParseBool(text); err != nil {
			return usedFlag{}, 0, fault.Usagef("%s takes no value, but got %q", typed, text)
		}
		return used, 0, nil
	case !found.value:
		return used, 0, nil
	case hasValue:
	case len(args) == 1:
		return usedFlag{}, 0, fault.Usagef("%s needs a value", typed)
	case strings.HasPrefix(args[1], "-") && len(args[1]) > 1:
		return usedFlag{}, 0, fault.Usagef("%s needs a value, but %s follows it", typed, args[1]).
			WithHint("write %s=%s if that is the value", typed, shellQuote(args[1]))
	default:
		used.text, used.hasValue = args[1], true
		if used.text != "" {
			return used, 1, nil
		}
	}
	if used.text == "" {
		return usedFlag{}, 0, fault.Usagef("the value of %s is empty", typed).
			WithHint("leave %s out, or check the variable that its value comes from", typed)
	}
	return used, 0, nil
}

// check holds the line against its command.
func (l commandLine) check(root *grammar) error {
	c := l.command
	if len(c.commands) > 0 && (c != root || len(l.operands) > 0) {
		return fault.Usagef("%s needs one of the commands %s", c.line(), strings.Join(c.commandNames(), ", "))
	}
	seen := map[string]usedFlag{}
	for _, u := range l.flags {
		_, local := c.flags[u.name]
		_, global := root.flags[u.name]
		if !local && !global {
			e := fault.Usagef("%s has no flag %s", c.line(), u.typed)
			return e.WithHint("it belongs to %s", strings.Join(root.having(u.name), ", "))
		}
		if before, twice := seen[u.name]; twice && before.String() != u.String() {
			return fault.Usagef("%s is given twice: %q and %q", u.typed, before.text, u.text)
		}
		seen[u.name] = u
	}
	return l.checkOperands(root)
}

func (l commandLine) checkOperands(root *grammar) error {
	c := l.command
	if n := len(c.operands); n > 0 && strings.Contains(c.operands[n-1], "...") {
		return nil
	}
	for i, operand := range l.operands {
		if operand == "" && i < len(c.operands) {
			return fault.Usagef("the argument %s is empty", strings.Trim(c.operands[i], "[]")).
				WithHint("check the variable that it comes from")
		}
	}
	if n := len(c.operands); len(l.operands) > n {
		surplus := l.operands[n:]
		l.operands = l.operands[:n]
		word := "argument"
		if len(surplus) > 1 {
			word = "arguments"
		}
		return fault.Usagef("surplus %s %s: %s", word, quoteAll(surplus), c.takes()).
			WithHint("%s %s", program, quoteAll(l.shortest(root)))
	}
	if len(l.operands) < len(c.operands) && !strings.HasPrefix(c.operands[len(l.operands)], "[") {
		return fault.Usagef("the argument %s is missing", c.operands[len(l.operands)]).
			WithHint("%s %s", c.line(), strings.Join(c.operands, " "))
	}
	return nil
}

// arguments is the line in urfave's order.
func (l commandLine) arguments(root *grammar) []string {
	var global, local []string
	seen := map[string]bool{}
	for _, u := range l.flags {
		if seen[u.name] {
			continue
		}
		seen[u.name] = true
		if _, ok := root.flags[u.name]; ok {
			global = append(global, u.String())
		} else {
			local = append(local, u.String())
		}
	}
	args := slices.Concat(global, l.command.path(), local)
	if len(l.operands) > 0 {
		args = append(append(args, "--"), l.operands...)
	}
	return args
}

// shortest is the line as a person would type it.
func (l commandLine) shortest(root *grammar) []string {
	return slices.DeleteFunc(l.arguments(root), func(arg string) bool {
		return arg == "--" && !slices.ContainsFunc(l.operands, func(o string) bool { return strings.HasPrefix(o, "-") })
	})
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
	if near := nearest(name, g.commandNames()); near != "" {
		return nil, e.WithHint("did you mean %s %s?", g.line(), near)
	}
	return nil, e.WithHint("%s --help lists the commands", g.line())
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

// nearest is the candidate that name was probably meant to be, or "".
func nearest(name string, candidates []string) string {
	best, bestDistance := "", 2+len(name)/3
	for _, c := range candidates {
		if d := levenshtein.Distance(name, c, nil); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// shellQuote writes s so that a POSIX shell reads it back as one word.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@%+,", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellQuote(w)
	}
	return strings.Join(quoted, " ")
}
