package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
)

// layers are all settings of the file, as they were written. Resolve works on them.
type layers struct {
	file     string // its name in messages
	defaults layer
	kinds    map[string]*layer
	branches []layer
}

// layer is one part of the file that gives settings.
type layer struct {
	name   string // defaults, kinds.staging, branches[2]
	match  string // the pattern of an entry of branches
	kind   string // the kind that a kind extends, or the kind of an entry of branches
	kindAt position
	values []assignment
	position
}

// Origin is the place where a setting's value was written.
type Origin struct {
	// Layer is built-in, defaults, kinds.NAME or branches[INDEX].
	Layer string `json:"layer"`
	// Line and Column are the place in the settings file, from 1; 0 for built-in values.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// String returns the place for a person: "kinds.staging, line 12", or "the built-in defaults".
func (o Origin) String() string {
	if o.Line == 0 {
		return "the built-in defaults"
	}
	return o.Layer + ", line " + strconv.Itoa(o.Line)
}

// builtIn is the layer of Default's values.
const builtIn = "built-in"

// Match is one entry of branches that applies to a branch.
type Match struct {
	Pattern string `json:"pattern"`
	Kind    string `json:"kind,omitempty"` // the kind it names, if any
	Line    int    `json:"line"`
}

// Resolved are the settings of a branch or a kind, and where each value comes from.
type Resolved struct {
	Kind     string            `json:"kind"`
	Settings Settings          `json:"settings"`
	Origins  map[string]Origin `json:"origins"` // by dotted path, for instance instances.min or environment.PORT
	Matches  []Match           `json:"matches"` // the entries of branches that apply, in file order; none for a kind
}

// resolution is an unfinished Resolved.
type resolution struct {
	Resolved
	initial Settings
	rank    map[string]int  // the height of a value's layer, 0 for built-in values
	bad     map[string]bool // values with a problem of their own
	layers  int
}

// Resolve returns the settings of a branch. They have layers: the built-in defaults of its kind, the file's defaults, the
// kinds that its kind extends, the kind itself, and every matching entry of branches, in file order. The first matching entry
// that names a kind decides the kind; without one it is branch.
//
// A value replaces that of the layers before it. Variables and secrets are merged by name, lists are replaced as a whole, and
// null restores the built-in value. The error, with exit code 2, wraps Problems: entries of branches may contradict each other
// if several match the branch.
func (f *File) Resolve(branch string) (Resolved, error) {
	kind, found := "", []Match{}
	var entries []layer
	for _, l := range f.layers.branches {
		if !matches(l.match, branch) {
			continue
		}
		if kind == "" {
			kind = l.kind
		}
		entries = append(entries, l)
		found = append(found, Match{Pattern: l.match, Kind: l.kind, Line: l.line})
	}
	if kind == "" {
		kind = Branch
	}
	r, err := f.checked(kind, entries)
	r.Matches = found
	return r, err
}

// ResolveKind returns the settings of a kind, without any entry of branches. The error, with exit code 2, says that the kind
// is unknown, or wraps Problems: the file may contradict a built-in kind that it does not mention.
func (f *File) ResolveKind(kind string) (Resolved, error) {
	if kinds := f.Kinds(); !slices.Contains(kinds, kind) {
		return Resolved{}, fault.Usagef("there is no kind %s", quote(kind)).WithHint("%s", suggestion(kind, kinds))
	}
	return f.checked(kind, nil)
}

func (f *File) checked(kind string, entries []layer) (Resolved, error) {
	r := f.layers.resolve(kind, entries)
	d := decoder{file: f.layers.file}
	if d.checkCombinations(f, r); len(d.problems) > 0 {
		return Resolved{}, invalid(d.problems)
	}
	return r.Resolved, nil
}

// chain returns the layers of a kind, those that it extends first. It stops at a kind that is unknown or repeated.
func (ls *layers) chain(kind string) (chain []*layer, names []string) {
	for kind != "" && !slices.Contains(names, kind) {
		names = append(names, kind)
		l := ls.kinds[kind]
		if l == nil {
			break
		}
		chain = append(chain, l)
		kind = l.kind
	}
	slices.Reverse(chain)
	return chain, names
}

func (ls *layers) resolve(kind string, entries []layer) *resolution {
	chain, names := ls.chain(kind)
	root := kind
	if i := slices.IndexFunc(names, builtin); i >= 0 {
		root = names[i]
	}
	r := &resolution{initial: Default(root), rank: map[string]int{}, bad: map[string]bool{}}
	r.Kind, r.Settings, r.Origins, r.Matches = kind, Default(root), map[string]Origin{}, []Match{}
	for _, v := range flatten(reflect.ValueOf(&r.Settings).Elem(), "") {
		r.Origins[v.path] = Origin{Layer: builtIn}
	}
	r.add(ls.defaults)
	for _, l := range chain {
		r.add(*l)
	}
	for _, l := range entries {
		r.add(l)
	}
	if r.Settings.Database.Version == "" {
		r.Settings.Database.Version = defaultVersion(r.Settings.Database.Engine)
	}
	return r
}

// add adds a layer on top.
func (r *resolution) add(l layer) {
	r.layers++
	settings, initial := reflect.ValueOf(&r.Settings).Elem(), reflect.ValueOf(&r.initial).Elem()
	for _, a := range l.values {
		if a.bad {
			r.bad[a.path] = true
			continue
		}
		a.apply(settings, initial)
		origin := Origin{Layer: l.name, Line: a.line, Column: a.column}
		if !a.value.IsValid() {
			r.clear(a, origin)
			continue
		}
		r.Origins[a.path], r.rank[a.path] = origin, r.layers
		delete(r.bad, a.path)
	}
}

// clear records that a restored the built-in values of its path and of all below.
func (r *resolution) clear(a assignment, origin Origin) {
	for path := range r.Origins {
		if path != a.path && !strings.HasPrefix(path, a.path+".") {
			continue
		}
		delete(r.Origins, path)
		delete(r.rank, path)
		delete(r.bad, path)
	}
	for _, v := range flatten(reflect.ValueOf(&r.Settings).Elem(), "") {
		if _, ok := r.Origins[v.path]; !ok {
			r.Origins[v.path] = origin
		}
	}
}

// Value is one resolved setting.
type Value struct {
	Path   string // dotted
	Value  string // on one line: words and numbers unchanged, anything else in quotes
	Origin Origin
}

// Values returns all settings in the order of their fields; variables and secrets are sorted by name.
func (r Resolved) Values() []Value {
	var values []Value
	for _, v := range flatten(reflect.ValueOf(&r.Settings).Elem(), "") {
		values = append(values, Value{Path: v.path, Value: v.text, Origin: r.Origins[v.path]})
	}
	return values
}

// Difference is a setting that differs between two environments.
type Difference struct {
	Path             string
	A, B             string // as in Value; "" for a variable that is not set
	OriginA, OriginB Origin
}

// Diff returns the settings in which a and b differ: the kind first, the others in the order of their fields.
func Diff(a, b Resolved) []Difference {
	var out []Difference
	if a.Kind != b.Kind {
		out = append(out, Difference{Path: "kind", A: a.Kind, B: b.Kind})
	}
	ofA, ofB := a.byPath(), b.byPath()
	both := a.Settings
	both.Environment = union(a.Settings.Environment, b.Settings.Environment)
	both.Secrets = union(a.Settings.Secrets, b.Settings.Secrets)
	for _, v := range flatten(reflect.ValueOf(&both).Elem(), "") {
		if x, y := ofA[v.path], ofB[v.path]; x.Value != y.Value {
			out = append(out, Difference{v.path, x.Value, y.Value, x.Origin, y.Origin})
		}
	}
	return out
}

func (r Resolved) byPath() map[string]Value {
	values := map[string]Value{}
	for _, v := range r.Values() {
		values[v.Path] = v
	}
	return values
}

func union(a, b map[string]string) map[string]string {
	out := maps.Clone(b)
	if out == nil {
		return a
	}
	maps.Copy(out, a)
	return out
}

type leaf struct{ path, text string }

// flatten returns the single values of a struct.
func flatten(v reflect.Value, prefix string) []leaf {
	var out []leaf
	for i := range v.NumField() {
		name, field := keyOf(v.Type().Field(i)), v.Field(i)
		switch path := join(prefix, name); field.Kind() {
		case reflect.Struct:
			out = append(out, flatten(field, path)...)
		case reflect.Map:
			entries := field.Interface().(map[string]string)
			for _, key := range slices.Sorted(maps.Keys(entries)) {
				out = append(out, leaf{join(path, key), format(entries[key])})
			}
		default:
			out = append(out, leaf{path, format(field.Interface())})
		}
	}
	return out
}

func format(value any) string {
	switch v := value.(type) {
	case string:
		quoted := strconv.Quote(v)
		if v == "" || v[0] == '[' || strings.TrimSpace(v) != v || quoted != `"`+v+`"` {
			return quoted
		}
		return v
	case []string:
		items := make([]string, len(v))
		for i, s := range v {
			items[i] = format(s)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return fmt.Sprint(value)
}
