package cli

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

// usedFlag is a flag on a command line.
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

// commandLine is a parsed command line.
type commandLine struct {
	command  *grammar
	flags    []usedFlag
	operands []string
	help     bool
}

// order returns args, without the program's name, in the only order that urfave understands: global flags, command, its flags, "--",
// arguments. In args the flags may stand anywhere before a "--". If a part of args has no meaning, the error of usage shows what to
// type instead. Ordering twice changes nothing.
func order(root *grammar, args []string) ([]string, error) {
	if slices.Equal(args, []string{"--version"}) { // as in other programs; after a command it is a flag with a value
		args = []string{"version"}
	}
	line, err := parseLine(root, args)
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

// parseLine returns the flags, the command and the arguments of a command line.
func parseLine(root *grammar, args []string) (commandLine, error) {
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
			used, more, err := parseFlag(root, line.command, args[i:])
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

// parseFlag returns the flag at the head of args, and the number of following arguments that belong to it. A flag may stand before its
// command, so it is searched among all flags: a name has a value in every command or in none.
func parseFlag(root, command *grammar, args []string) (usedFlag, int, error) {
	typed, value, hasValue := strings.Cut(args[0], "=")
	name := strings.TrimPrefix(strings.TrimPrefix(typed, "-"), "-")
	found, ok := root.anyFlag(name)
	if !ok {
		e := fault.Usagef("unknown flag %s", typed)
		if near := nearest(name, slices.DeleteFunc(command.flagNames(), dangerous)); near != "" {
			return usedFlag{}, 0, e.WithHint("did you mean --%s?", near)
		}
		return usedFlag{}, 0, e.WithHint("%s lists the flags", command.help())
	}
	used := usedFlag{flagSpec: found, typed: typed, text: value, hasValue: hasValue}
	switch {
	case !found.value && hasValue:
		if _, err := strconv.ParseBool(value); err != nil {
			return usedFlag{}, 0, fault.Usagef("%s takes no value, but got %q", typed, value)
		}
		return used, 0, nil
	case !found.value:
		return used, 0, nil
	case hasValue:
	case len(args) == 1:
		return usedFlag{}, 0, fault.Usagef("%s needs a value", typed)
	case strings.HasPrefix(args[1], "-") && len(args[1]) > 1:
		return usedFlag{}, 0, fault.Usagef("%s needs a value, but %s follows it", typed, args[1]).
			WithHint("write %s=%s if that is the value", typed, text.ShellWord(args[1]))
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

// decimal matches a whole number as people write it. urfave also takes 0x7f, and 010 for eight.
var decimal = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,8})$`)

// check checks the line against the grammar of its command.
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
			if dangerous(u.name) {
				return e.WithHint("%s lists its flags", c.help())
			}
			return e.WithHint("it belongs to %s", strings.Join(root.commandsWith(u.name), ", "))
		}
		if u.number && !decimal.MatchString(u.text) {
			return fault.Usagef("%s %q is not a whole number", u.typed, u.text).WithHint("write it in decimal digits, as in %s 3", u.typed)
		}
		if before, twice := seen[u.name]; twice && before.String() != u.String() {
			return fault.Usagef("%s is given twice: %q and %q", u.typed, before.text, u.text)
		}
		seen[u.name] = u
	}
	return l.checkOperands(root)
}

// checkOperands checks the number of arguments, and that none is empty.
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
		e := fault.Usagef("surplus %s %s: %s", word, quoteAll(surplus), c.takes())
		if flag, ok := l.guessFlag(surplus); ok {
			l.flags = append(l.flags, flag)
		} else if n > 0 { // the surplus may be the rest of a name
			return e.WithHint("%s; a name with spaces or special characters needs quotes", c.help())
		}
		return e.WithHint("%s", fault.Command(l.shortest(root)))
	}
	if len(l.operands) < len(c.operands) && !strings.HasPrefix(c.operands[len(l.operands)], "[") {
		return fault.Usagef("the argument %s is missing", c.operands[len(l.operands)]).
			WithHint("%s %s", c.line(), strings.Join(c.operands, " "))
	}
	return nil
}

// guessFlag returns the flag whose value a surplus argument probably is: the image of up, the time of keep.
func (l commandLine) guessFlag(surplus []string) (usedFlag, bool) {
	for name, fits := range map[string]func(string) bool{
		"image": func(text string) bool { return strings.ContainsAny(text, ":/") && checkImage(text) == nil },
		"for":   func(text string) bool { _, err := config.ParseDuration(text); return err == nil },
	} {
		spec, ok := l.command.flags[name]
		given := slices.ContainsFunc(l.flags, func(u usedFlag) bool { return u.name == name })
		if ok && !given && len(surplus) == 1 && fits(surplus[0]) {
			return usedFlag{flagSpec: spec, typed: "--" + name, text: surplus[0], hasValue: true}, true
		}
	}
	return usedFlag{}, false
}

// arguments returns the line in urfave's order.
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

// shortest returns the line as a person would type it.
func (l commandLine) shortest(root *grammar) []string {
	return slices.DeleteFunc(l.arguments(root), func(arg string) bool {
		return arg == "--" && !slices.ContainsFunc(l.operands, func(o string) bool { return strings.HasPrefix(o, "-") })
	})
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = text.ShellWord(w)
	}
	return strings.Join(quoted, " ")
}
