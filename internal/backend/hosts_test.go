package backend

import (
	"testing"

	"github.com/branchenv/branchenv/internal/fault/faulttest"
	"github.com/branchenv/branchenv/stacks/names"
)

// Of the host names that a branch may have the first free one is chosen. A stack whose tags cannot be read may have any of them, but not
// the last, which has the branch's own hash.
func TestChooseHost(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		taken      map[string]string // label by stack; "?" for one whose tags cannot be read
		want, says string
	}{
		"free":                    {nil, "login", ""},
		"held by another":         {map[string]string{"a": "cart", "b": "login"}, "login-0123456789", ""},
		"held by itself":          {map[string]string{"self": "login"}, "login", ""},
		"held by both":            {map[string]string{"self": "login", "z": "login"}, "login-0123456789", ""},
		"another without any":     {map[string]string{"a": "", "b": ""}, "login", ""},
		"another that is unknown": {map[string]string{"a": "?"}, "login-0123456789", "host name login may be that of stack a, whose tags cannot be read"},
		"taken, and unknown":      {map[string]string{"a": "?", "b": "login"}, "login-0123456789", ""},
		"one's own is unreadable": {map[string]string{"self": "?"}, "login", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var h Hosts
			for stack, label := range test.taken {
				h.add(stack, map[string]string{names.TagHost: label}, label == "?")
			}
			got, says, err := h.Choose([]string{"login", "login-0123456789"}, "self")
			if err != nil || got != test.want || says != test.says {
				t.Errorf("%q, %q, %v; want %q, %q", got, says, err, test.want, test.says)
			}
		})
	}
	var h Hosts
	h.add("a", map[string]string{names.TagHost: "login"}, false)
	h.add("b", map[string]string{names.TagHost: "l-1"}, false)
	_, _, err := h.Choose([]string{"login", "l-1"}, "self")
	if want := "no host name is free: login, l-1 are all taken"; faulttest.Message(err) != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
