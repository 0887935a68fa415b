package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/files"
)

// DefaultPath is the default name of the settings file.
const DefaultPath = "branchenv.yaml"

// maxFile is the most bytes of a settings file.
const maxFile = 1 << 20

// Load reads and parses the settings file at path. Every error has exit code 2. See Parse for the errors of the contents.
func Load(path string) (*File, error) {
	name := path
	data, err := files.Read(path, maxFile)
	var strange *files.NotRegularError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Usagef("there is no settings file %q", path).
			WithHint("run `%s` to write one, or name yours with --config", fault.Command{"init"})
	case errors.As(err, &strange) && strange.Directory():
		return nil, fault.Usagef("read settings: %w", err).
			WithHint("name the file, for instance --config %s", plain(filepath.Join(path, DefaultPath)))
	case errors.Is(err, files.ErrTooLarge):
		d := &decoder{file: name}
		d.tooLarge()
		return nil, invalid(d.problems)
	case err != nil:
		return nil, fault.Usagef("read settings: %w", err).WithHint("name a readable file with --config")
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, fault.Usagef("read settings: %w", err)
	}
	file, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	file.Path, file.Dir = path, filepath.Dir(path)
	return file, nil
}

// Parse parses settings. name is the file's name in messages. Parse reads the whole file and reports everything wrong in it:
// the error, with exit code 2, wraps Problems. A file without problems resolves for the kind branch and for every kind that
// it names.
func Parse(name string, data []byte) (*File, error) {
	d := &decoder{file: name}
	root := d.document(data)
	if root == nil {
		return nil, invalid(d.problems)
	}
	file := defaultFile()
	file.Path, file.Dir = name, filepath.Dir(name)
	file.layers = layers{file: name, kinds: map[string]*layer{}}
	initial := defaultFile()
	places := map[string]position{}
	values := d.structure(root, "", reflect.TypeFor[File](), checkFile, special{
		"defaults": func(key string, n *yaml.Node) {
			file.layers.defaults = layer{name: key, position: at(n), values: d.settings(n, key, nil)}
		},
		"kinds":    func(key string, n *yaml.Node) { d.kinds(n, key, &file.layers) },
		"branches": func(key string, n *yaml.Node) { d.branches(n, key, &file.layers) },
	})
	for _, a := range values {
		if a.value.IsValid() || a.bad {
			places[a.path] = a.position
		}
		if !a.bad {
			a.apply(reflect.ValueOf(&file).Elem(), reflect.ValueOf(&initial).Elem())
		}
	}
	d.checkTopLevel(&file, places)
	d.checkReferences(&file.layers)
	d.checkResolvable(&file)
	if len(d.problems) > 0 {
		return nil, invalid(d.problems)
	}
	return &file, nil
}

func invalid(ps Problems) error {
	return &fault.Error{Code: fault.Usage, Err: ps.tidy()}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)`)

// document returns the top of the file's only YAML document, or nil if there is none.
func (d *decoder) document(data []byte) *yaml.Node {
	start := position{1, 1}
	switch {
	case len(data) > maxFile:
		d.tooLarge()
		return nil
	case !utf8.Valid(data):
		d.report(notUTF8(data), "", "is not UTF-8 text", "save it as UTF-8, or name a settings file")
		return nil
	}
	in := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	err := in.Decode(&doc)
	if err == nil {
		if next := in.Decode(&more); next == nil {
			d.report(at(&more), "", "has a second document", "remove the line ---")
		} else if next != io.EOF {
			err = next
		}
	}
	switch {
	case err == io.EOF || err == nil && len(doc.Content) == 1 && doc.Content[0].ShortTag() == "!!null":
		d.report(start, "", "is empty", "write project, region, domain and source; `branchenv init` writes a first file")
		return nil
	case err != nil:
		m := yamlLine.FindStringSubmatch(err.Error())
		if m == nil {
			m = []string{"", "", "cannot be read"}
		}
		line, _ := strconv.Atoi(m[1])
		d.report(position{max(line, 1), 1}, "", "is not YAML", "check quotes, colons and indentation by spaces; the parser says "+quote(m[2]))
		return nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		d.report(at(root), "", "is not a settings file, but "+describe(root), "write \"key: value\" lines; `branchenv init` writes a first file")
		return nil
	}
	return root
}

func (d *decoder) tooLarge() {
	d.report(position{1, 1}, "", "is larger than 1 MiB", "name a settings file")
}

// notUTF8 returns the place of the first byte that is not UTF-8.
func notUTF8(data []byte) position {
	p := position{1, 1}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if p.column++; r == '\n' {
			p = position{p.line + 1, 1}
		}
		data = data[size:]
	}
	return p
}

// settings reads a layer's settings.
func (d *decoder) settings(n *yaml.Node, prefix string, extra special) []assignment {
	return d.structure(n, prefix, reflect.TypeFor[Settings](), checkSetting, extra)
}

// word reads a string as the value of a key.
func (d *decoder) word(n *yaml.Node, key string, check checker) string {
	v := d.follow(n, key)
	if v == nil {
		return ""
	}
	value, bad := d.scalar(n, v, key, "", "", reflect.TypeFor[string](), check)
	if bad {
		return ""
	}
	return value.String()
}

// The most kinds and entries of branches. More are probably a mistake, and each is checked against the others.
const (
	maxKinds    = 100
	maxBranches = 500
)

var kindName = regexp.MustCompile(`^[a-z]([a-z0-9]|-[a-z0-9]){0,30}$`)

func (d *decoder) kinds(n *yaml.Node, prefix string, to *layers) {
	d.mapping(n, prefix, func(name string, key, value *yaml.Node) {
		full := join(prefix, name)
		switch len(to.kinds) {
		case maxKinds:
			d.report(at(key), prefix, fmt.Sprintf("there are more than %d", maxKinds), "use entries of branches for what differs from branch to branch")
			to.kinds[name] = &layer{name: full, position: at(key)}
			return
		case maxKinds + 1:
			return // reported
		}
		switch name {
		case "defaults", "application", "all", "none":
			d.report(at(key), full, quote(name)+" is a reserved word", "choose another name for the kind")
		default:
			if !kindName.MatchString(name) {
				d.report(at(key), full, quote(name)+" is not a name for a kind", "use lower-case letters, digits and single hyphens, a letter first")
			}
		}
		if value.Kind == yaml.ScalarNode && value.ShortTag() == "!!null" {
			d.report(at(value), full, "has no settings", "write {} for a kind that changes nothing")
			return
		}
		l := &layer{name: full, position: at(key)}
		to.kinds[name] = l
		l.values = d.settings(value, full, special{"extends": func(key string, n *yaml.Node) {
			l.kind, l.kindAt = d.word(n, key, nil), at(n)
		}})
	})
}

func (d *decoder) branches(n *yaml.Node, prefix string, to *layers) {
	v := d.follow(n, prefix)
	if v == nil {
		return
	}
	if v.Kind != yaml.SequenceNode {
		d.report(at(n), prefix, describe(v)+" is not a list", "write \"- match: PATTERN\" lines below it")
		return
	}
	if len(v.Content) > maxBranches {
		d.report(at(v.Content[maxBranches]), prefix, fmt.Sprintf("there are more than %d", maxBranches), "use patterns that match several branches")
		return
	}
	for i, item := range v.Content {
		key := fmt.Sprintf("%s[%d]", prefix, i)
		l := layer{name: key, position: at(item)}
		before := len(d.problems)
		l.values = d.settings(item, key, special{
			"match": func(key string, n *yaml.Node) {
				l.match = d.word(n, key, func(_, _ string, value any) (string, string) { return checkPattern(value.(string)) })
			},
			"kind": func(key string, n *yaml.Node) { l.kind, l.kindAt = d.word(n, key, nil), at(n) },
		})
		if len(d.problems) == before && l.match == "" {
			d.report(at(item), key, "matches nothing", "write match: and a branch name or a pattern")
		} else if len(d.problems) == before && l.kind == "" && len(l.values) == 0 {
			d.report(at(item), key, "has neither a kind nor a setting", "add kind: or a setting")
		}
		to.branches = append(to.branches, l)
	}
}
