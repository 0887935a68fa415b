package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inSandbox is how a command line renders a command, onPage how a web page does.
func inSandbox(c Command) string { return "branchenv --sandbox " + strings.Join(c.Quoted(), " ") }
func onPage(c Command) string    { return "<code>" + html.EscapeString(c.String()) + "</code>" }

// hostile are names that git takes for branches.
var hostile = map[string]string{
	"feature/login":   "branchenv why feature/login",
	"$(reboot)":       "branchenv why '$(reboot)'",
	"it's;rm":         `branchenv why 'it'\''s;rm'`,
	"a&&b":            "branchenv why 'a&&b'",
	"branchenv why x": "branchenv why 'branchenv why x'",
	"%s%d%!":          "branchenv why '%s%d%!'",
}

func TestCommand(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for branch := range hostile {
		got[branch] = Command{"why", branch}.String()
	}
	if diff := cmp.Diff(hostile, got); diff != "" {
		t.Error(diff)
	}
}

// TestRender: every reader gets the commands in his own way, however deep they are nested, and nothing else changes:
// neither prose that looks like a command nor a branch that is called like one.
func TestRender(t *testing.T) {
	t.Parallel()
	why := Command{"why", "a&b"}
	refused := Refusedf("set source back, or move them: %s", Command{"adopt"})
	for name, test := range map[string]struct {
		text                 Text
		plain, sandbox, page string
	}{
		"empty":   {},
		"prose":   {Textf("run branchenv why %s, 100%%", "x"), "run branchenv why x, 100%", "run branchenv why x, 100%", "run branchenv why x, 100%"},
		"command": {Textf("%s tells more", why), "branchenv why 'a&b' tells more", "branchenv --sandbox why 'a&b' tells more", "<code>branchenv why &#39;a&amp;b&#39;</code> tells more"},
		"nested": {
			Textf("%s; else %s", Textf("first %s", Textf("(%s)", Command{"list"})), Command{"up", "x", "--image", "REF"}),
			"first (branchenv list); else branchenv up x --image REF",
			"first (branchenv --sandbox list); else branchenv --sandbox up x --image REF",
			"first (<code>branchenv list</code>); else <code>branchenv up x --image REF</code>",
		},
		"error": {
			Textf("nothing was touched: %v", fmt.Errorf("stack x: %w", refused)),
			"nothing was touched: stack x: set source back, or move them: branchenv adopt",
			"nothing was touched: stack x: set source back, or move them: branchenv --sandbox adopt",
			"nothing was touched: stack x: set source back, or move them: <code>branchenv adopt</code>",
		},
		"branch like a command": {Textf("%q: %s", "branchenv up x", Command{"up", "branchenv up x"}), `"branchenv up x": branchenv up 'branchenv up x'`, `"branchenv up x": branchenv --sandbox up 'branchenv up x'`, `"branchenv up x": <code>branchenv up &#39;branchenv up x&#39;</code>`},
	} {
		got := []string{test.text.String(), test.text.Render(inSandbox), test.text.Render(onPage)}
		if diff := cmp.Diff([]string{test.plain, test.sandbox, test.page}, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// TestMessage: an error's text keeps its commands through wrapping and joining.
func TestMessage(t *testing.T) {
	t.Parallel()
	list := Failedf("see %s", Command{"list"})
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"plain":    {errors.New("run branchenv list"), "run branchenv list"},
		"itself":   {list, "see branchenv --sandbox list"},
		"wrapped":  {fmt.Errorf("50%% of %s: %w!", "x%s", list), "50% of x%s: see branchenv --sandbox list!"},
		"fault":    {Usagef("first: %w", fmt.Errorf("second: %w", list)), "first: second: see branchenv --sandbox list"},
		"joined":   {errors.Join(errors.New("a"), list, Refusedf("%s", Command{"why", "x"})), "a\nsee branchenv --sandbox list\nbranchenv --sandbox why x"},
		"not text": {hidden{list}, "hidden"},
	} {
		m := Message(test.err)
		if got := m.Render(inSandbox); got != test.want || m.String() != test.err.Error() {
			t.Errorf("%s: %q and %q, want %q", name, m, got, test.want)
		}
	}
}

// hidden wraps an error and does not show its text.
type hidden struct{ err error }

func (hidden) Error() string   { return "hidden" }
func (h hidden) Unwrap() error { return h.err }

// TestLine: a text of one line, with the commands that it had.
func TestLine(t *testing.T) {
	t.Parallel()
	bad := Failedf("no %s: %s", "\x1b[31m\nluck", Command{"why", "a\tb"})
	for name, test := range map[string]struct {
		text Text
		want string
	}{
		"plain":   {Textf("a\x1b[31m\n b"), "a b"},
		"command": {Textf("%s: %s", "x\n\u202ey", Command{"list"}), "x y: branchenv --sandbox list"},
		"nested":  {Textf("%s", Textf("%s: %s", "x\ny", Command{"why", "a\tb"})), "x y: branchenv --sandbox why 'a\tb'"},
		"long":    {Textf("%s", strings.Repeat("x", 10_000)), strings.Repeat("x", 599) + "…"},
		"error":   {Textf("all: %v", fmt.Errorf("%s: %w", "y\nz", bad)), "all: y z: no luck: branchenv --sandbox why 'a\tb'"},
	} {
		if got := test.text.Line().Render(inSandbox); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestHints: the outermost hint counts, and errors that are joined keep theirs.
func TestHints(t *testing.T) {
	t.Parallel()
	inner := Usagef("no kind").WithHint("see %s", Command{"why", "x"})
	for name, test := range map[string]struct {
		err  error
		want []string
	}{
		"none":            {errors.New("no"), nil},
		"nil":             {nil, nil},
		"wrapped":         {fmt.Errorf("x: %w", Failedf("y: %w", inner)), []string{"see branchenv --sandbox why x"}},
		"outermost":       {Failedf("x: %w", inner).WithHint("do it"), []string{"do it"}},
		"nested":          {Failedf("x: %w", inner).WithHint("%s; then %s", Hint(inner), Command{"list"}), []string{"see branchenv --sandbox why x; then branchenv --sandbox list"}},
		"joined":          {errors.Join(errors.New("no"), inner, Failedf("z").WithHint("do it")), []string{"see branchenv --sandbox why x", "do it"}},
		"joined, wrapped": {fmt.Errorf("all: %w", errors.Join(Failedf("none"), inner)), []string{"see branchenv --sandbox why x"}},
	} {
		var got []string
		for _, hint := range Hints(test.err) {
			got = append(got, hint.Render(inSandbox))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// TestTextJSON: a text is its plain string in JSON, as a command is.
func TestTextJSON(t *testing.T) {
	t.Parallel()
	type document struct {
		Remedy Text    `json:"remedy"`
		Empty  Text    `json:"empty"`
		Left   Text    `json:"left,omitzero"`
		Next   Command `json:"next"`
	}
	written, err := json.Marshal(document{Remedy: Textf("then: %s", Command{"up", "a b"}), Next: Command{"destroy", "x", "--yes"}})
	want := `{"remedy":"then: branchenv up 'a b'","empty":"","next":"branchenv destroy x --yes"}`
	if err != nil || string(written) != want {
		t.Errorf("%s, want %s, %v", written, want, err)
	}
	var read struct{ Remedy Text }
	if err := json.Unmarshal(written, &read); err != nil || read.Remedy.String() != "then: branchenv up 'a b'" {
		t.Errorf("%q, %v", read.Remedy, err)
	}
}

// TestEqual: texts that read the same and name different commands are different.
func TestEqual(t *testing.T) {
	t.Parallel()
	command := Textf("try %s", Command{"why", "x"})
	for name, test := range map[string]struct {
		other Text
		want  bool
	}{
		"itself":          {command, true},
		"made otherwise":  {Textf("%s %s", "try", Textf("%s", Command{"why", "x"})), true},
		"prose":           {Textf("try branchenv why x"), false},
		"another command": {Textf("try %s", Command{"why x"}), false},
	} {
		if got := command.Equal(test.other); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
