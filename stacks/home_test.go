package stacks

import (
	"testing"

	"github.com/branchenv/branchenv/internal/fault"
)

func TestLivesIn(t *testing.T) {
	t.Parallel()
	here := home{"111111111111", "eu-central-1"}
	for name, test := range map[string]struct {
		tags map[string]string
		want string
	}{
		"here":            {map[string]string{tagAccount: "111111111111", tagRegion: "eu-central-1"}, ""},
		"made before":     {nil, ""},
		"another account": {map[string]string{tagAccount: "222222222222", tagRegion: "eu-central-1"}, "stack x lives in AWS account 222222222222, and the credentials are of account 111111111111"},
		"another region":  {map[string]string{tagAccount: "111111111111", tagRegion: "us-east-1"}, "stack x lives in region us-east-1, and b.yaml names region eu-central-1"},
	} {
		err := facts{name: "x", tags: test.tags}.livesIn(here, "b.yaml")
		if got := message(err); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
		if err != nil && (fault.Code(err) != fault.Refused || fault.Hint(err) == "") {
			t.Errorf("%s: code %d, hint %q", name, fault.Code(err), fault.Hint(err))
		}
	}
}

// Where a stack lives is decided when it is made: an update from elsewhere is refused, and must not move it either.
func TestHomeIsTaggedOnce(t *testing.T) {
	t.Parallel()
	tags := map[string]string{}
	home{"1", "a"}.tag(tags)
	home{"2", "b"}.tag(tags)
	if tags[tagAccount] != "1" || tags[tagRegion] != "a" {
		t.Errorf("%v", tags)
	}
}
