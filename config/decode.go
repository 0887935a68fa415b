package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/branchenv/branchenv/internal/text"
)

// maxValues is how many values a file may have after its aliases are followed. A small file can expand to an enormous one.
const maxValues = 20_000

// position is a place in the file, from 1.
type position struct{ line, column int }

func at(n *yaml.Node) position { return position{max(n.Line, 1), max(n.Column, 1)} }

// decoder reads YAML nodes strictly into assignments. It reports everything it does not understand.
type decoder struct {
	file     string
	problems Problems
	values   int // seen so far
}

func (d *decoder) report(p position, key, what, instead string) {
	d.problems = append(d.problems, Problem{File: d.file, Line: p.line, Column: p.column, Key: text.Shorten(key), What: text.Shorten(what), Instead: text.Shorten(instead)})
}

// follow resolves an alias and counts. It returns nil once the file has too many values.
func (d *decoder) follow(n *yaml.Node, key string) *yaml.Node {
	d.values++
	if d.values > maxValues {
		if d.values == maxValues+1 {
			d.report(at(n), key, "the file has more than "+strconv.Itoa(maxValues)+" values", "use fewer aliases")
		}
		return nil
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// checker returns what is wrong with a value and what to write instead. path is the field's path below the layer, key the
// key in a map.
type checker func(path, key string, value any) (what, instead string)

// special holds the functions that read keys which are not fields of the struct, by key.
type special map[string]func(key string, n *yaml.Node)

// mapping calls each for every key of n, which must be a mapping. It reports duplicates, and keys that are not single words.
func (d *decoder) mapping(n *yaml.Node, prefix string, each func(name string, key, value *yaml.Node)) {
	m := d.follow(n, prefix)
	if m == nil {
		return
	}
	if m.Kind != yaml.MappingNode {
		d.report(at(n), prefix, describe(m)+" is not a set of keys", "write \"key: value\" lines below it")
		return
	}
	first := map[string]int{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		key, value := m.Content[i], m.Content[i+1]
		switch line, twice := first[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			d.report(at(key), prefix, "a key here is not a single word", "write \"key: value\"")
		case key.ShortTag() == "!!merge":
			d.report(at(key), prefix, "merge keys (<<) are not supported", "use defaults, or extends in a kind")
		case twice:
			d.report(at(key), join(prefix, key.Value), "is given twice, first in line "+strconv.Itoa(line), "remove one")
		default:
			first[key.Value] = at(key).line
			each(key.Value, key, value)
		}
	}
}

// structure reads n into assignments to the fields of t, a struct. The keys of extra are read by their functions.
func (d *decoder) structure(n *yaml.Node, prefix string, t reflect.Type, check checker, extra special) []assignment {
	return d.fields(n, prefix, "", t, nil, check, extra)
}

func (d *decoder) fields(n *yaml.Node, prefix, path string, t reflect.Type, index []int, check checker, extra special) []assignment {
	var out []assignment
	d.mapping(n, prefix, func(name string, key, value *yaml.Node) {
		full := join(prefix, name)
		if d.missing(value, full) {
			return
		}
		if read, ok := extra[name]; ok {
			read(full, value)
			return
		}
		field, ok := fieldNamed(t, name)
		if !ok {
			d.unknown(key, prefix, name, t, extra)
			return
		}
		below := append(slices.Clone(index), field.Index...)
		out = append(out, d.field(value, full, join(path, name), field.Type, below, check)...)
	})
	return out
}

// missing reports a key without any value, not even null.
func (d *decoder) missing(n *yaml.Node, key string) bool {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" && n.Value == "" {
		d.report(at(n), key, "has no value", "remove the key, or write null to undo what other layers say")
		return true
	}
	return false
}

func (d *decoder) unknown(key *yaml.Node, prefix, name string, t reflect.Type, extra special) {
	instead := ""
	if _, ok := fieldNamed(reflect.TypeFor[Settings](), name); ok && t == reflect.TypeFor[File]() {
		instead = "move it below defaults, a kind or an entry of branches"
	} else {
		known := fieldNames(t)
		for k := range extra {
			known = append(known, k)
		}
		slices.Sort(known)
		instead = "remove it"
		if len(d.problems) < 1000 { // nobody reads that many
			instead = suggestion(name, known)
		}
	}
	d.report(at(key), join(prefix, name), "unknown key", instead)
}

func (d *decoder) field(n *yaml.Node, full, path string, t reflect.Type, index []int, check checker) []assignment {
	v := d.follow(n, full)
	if v == nil {
		return nil
	}
	one := assignment{path: path, index: index, position: at(n)}
	if v.Kind == yaml.ScalarNode && v.ShortTag() == "!!null" {
		return []assignment{one}
	}
	switch t.Kind() {
	case reflect.Struct:
		return d.fields(n, full, path, t, index, check, nil)
	case reflect.Map:
		return d.entries(n, full, path, index, check)
	case reflect.Slice:
		one.value, one.bad = d.list(n, v, full, path, check)
	default:
		one.value, one.bad = d.scalar(n, v, full, path, "", t, check)
	}
	return []assignment{one}
}

// entries reads a mapping of strings.
func (d *decoder) entries(n *yaml.Node, full, path string, index []int, check checker) []assignment {
	var out []assignment
	d.mapping(n, full, func(name string, key, value *yaml.Node) {
		one := assignment{path: join(path, name), index: index, key: name, position: at(value)}
		if d.missing(value, join(full, name)) {
			return
		}
		if v := d.follow(value, join(full, name)); v == nil {
			return
		} else if v.Kind != yaml.ScalarNode || v.ShortTag() != "!!null" {
			one.value, one.bad = d.scalar(value, v, join(full, name), path, name, reflect.TypeFor[string](), check)
		}
		out = append(out, one)
	})
	return out
}

// list reads a sequence of strings.
func (d *decoder) list(n, v *yaml.Node, full, path string, check checker) (reflect.Value, bool) {
	if v.Kind != yaml.SequenceNode {
		d.report(at(n), full, describe(v)+" is not a list", "write ["+plain(v.Value)+"]")
		return reflect.Value{}, true
	}
	items, bad := []string{}, false
	for i, item := range v.Content {
		key := full + "[" + strconv.Itoa(i) + "]"
		s := d.follow(item, key)
		if s == nil || d.missing(item, key) {
			return reflect.Value{}, true
		}
		value, wrong := d.scalar(item, s, key, path, "", reflect.TypeFor[string](), check)
		if bad = bad || wrong; wrong {
			continue
		}
		if slices.Contains(items, value.String()) {
			d.report(at(item), key, quote(value.String())+" is in the list twice", "remove one")
			bad = true
		}
		items = append(items, value.String())
	}
	return reflect.ValueOf(items), bad
}

var wholeNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,9})$`)

// scalar reads a single value of type t and has it checked.
func (d *decoder) scalar(n, v *yaml.Node, full, path, key string, t reflect.Type, check checker) (reflect.Value, bool) {
	out := reflect.New(t).Elem()
	what, instead := "", ""
	tag, seen := v.ShortTag(), quote(v.Value)
	if key != "" {
		seen = "the value" // of a variable or a secret: it may be one in plain
	}
	switch {
	case v.Kind != yaml.ScalarNode:
		what, instead = describe(v)+" is not a single value", "write one value"
	case tag == "!!null":
		what, instead = "null is not allowed here", "write one value"
	case !slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}, tag):
		what, instead = "begins with !, which YAML reads as a tag", "put the value in quotes"
	case t == reflect.TypeFor[Duration]():
		parsed, err := ParseDuration(v.Value)
		if err != nil {
			what, instead = seen+" "+err.Error(), "write 72h, 90m or 3d"
		}
		out.SetInt(int64(parsed))
	case t.Kind() == reflect.Bool:
		if tag != "!!bool" {
			what, instead = seen+" is not true or false", "write true or false"
		}
		out.SetBool(strings.EqualFold(v.Value, "true"))
	case t.Kind() == reflect.Int:
		number, err := strconv.Atoi(v.Value)
		if tag != "!!int" || err != nil || !wholeNumber.MatchString(v.Value) {
			what, instead = seen+" is not a whole number", "write a number such as 2"
			if limit, ok := numberLimits()[path]; ok {
				instead = fmt.Sprintf("write a number from %d to %d", limit[0], limit[1])
			}
		}
		out.SetInt(int64(number))
	case t.Kind() == reflect.Float64:
		number, err := strconv.ParseFloat(v.Value, 64)
		if tag != "!!int" && tag != "!!float" || err != nil {
			what, instead = seen+" is not a number", "write a number such as 0.5"
		}
		out.SetFloat(number)
	default:
		switch {
		case strings.ContainsFunc(v.Value, unicode.IsControl):
			what, instead = seen+" has a control character", "remove it"
		case key == "" && path != "database.version" && !isText(v):
			what, instead = seen+" is not text to YAML, but "+notText(tag), "put it in quotes if it is meant as text: "+quote(v.Value)
		}
		out.SetString(v.Value)
	}
	if what == "" && check != nil {
		what, instead = check(path, key, out.Interface())
	}
	if what != "" {
		d.report(at(n), full, what, instead)
		return reflect.Value{}, true
	}
	return out, false
}

// isText reports whether every version of YAML reads v as text. `project: true`, 1e3 and 2024-01-01 are something else, and
// so is `no`, which is false in YAML 1.1. Variables, tags and the version of a database need no check: they are used as they
// stand in the file.
func isText(v *yaml.Node) bool {
	quoted := v.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	return quoted || v.ShortTag() == "!!str" && !oldBool.MatchString(v.Value)
}

var oldBool = regexp.MustCompile(`^(?i:y|n|yes|no|on|off)$`)

// notText returns the name of what a value is if it is not text.
func notText(tag string) string {
	switch tag {
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a date"
	}
	return "true or false"
}

// describe returns the name of n's kind for a message. It does not show the value, which may be a secret in the wrong place.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a set of keys"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a single value"
}
