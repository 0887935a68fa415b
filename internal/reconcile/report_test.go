package reconcile

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/fault/faulttest"
	"github.com/branchenv/branchenv/internal/reconcile/plan"
)

func TestSummary(t *testing.T) {
	t.Parallel()
	step := func(branch string, action plan.Action, reason string) plan.Step {
		return plan.Step{Branch: branch, Stack: branch, Action: action, Reason: fault.Textf("%s", reason)}
	}
	gone, moved := step("a|b", plan.Destroy, "its branch is gone"), step("x", plan.Update, "its head moved")
	made := plan.Plan{Steps: []plan.Step{gone, moved, step("k", plan.Keep, "its branch exists")}}
	const heading = "### branchenv reconcile\n\n"
	for name, test := range map[string]struct {
		report  Report
		problem error
		want    string
	}{
		"nothing to do":   {Report{Plan: plan.Plan{}, Outcome: &Outcome{}}, nil, "Nothing to do.\n\n"},
		"not carried out": {Report{Plan: made}, nil, "Nothing to do.\n\n"},
		"refused":         {Report{Plan: made}, errors.New("<b> & *c*"), `**Not good:** &lt;b> &amp; \*c\*` + "\n\n"},
		"carried out": {
			Report{Plan: made, Outcome: &Outcome{
				Done: []plan.Step{gone}, Kept: []plan.Step{step("back", plan.Destroy, "its branch exists")}, NotBegun: []plan.Step{step("late", plan.Create, "new")},
				Failed: []Failure{{Step: moved, Error: "no `luck`"}},
			}}, errors.New("1 environment of 4 failed"),
			"**Not good:** 1 environment of 4 failed\n\n| result | action | branch | detail |\n|---|---|---|---|\n" +
				`| done | destroy | a\|b | its branch is gone |` + "\n| left alone | destroy | back | its branch exists |\n| not begun | create | late |  |\n" +
				"| **failed** | update | x | no \\`luck\\` |\n\n",
		},
	} {
		if diff := cmp.Diff(heading+test.want, test.report.summary(test.problem)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		if r.URL.Path == "/secret/bad" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	dir := t.TempDir()
	file := filepath.Join(dir, "summary.md")
	for name, test := range map[string]struct {
		file, url string
		problem   error
		want      string
		requests  int
	}{
		"nobody":                {},
		"a good run":            {url: server.URL + "/secret", requests: 1},
		"a bad run":             {url: server.URL + "/secret", problem: errors.New("no")},
		"an answer that is bad": {url: server.URL + "/secret/bad", want: "pingUrl was not reached: " + host + " answers HTTP 418", requests: 1},
		"no URL":                {url: "http://[", want: "pingUrl was not reached: it is not a URL"},
		"no file":               {file: filepath.Join(dir, "absent", "summary.md"), want: "the summary was not written: "},
		"a file":                {file: file},
	} {
		requests = 0
		err := Report{}.Publish(t.Context(), test.file, test.url, test.problem)
		if got := faulttest.Message(err); !strings.HasPrefix(got, test.want) || (got == "") != (test.want == "") || strings.Contains(got, "secret") || requests != test.requests {
			t.Errorf("%s: %q, %d requests", name, got, requests)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "### branchenv reconcile\n\nNothing to do.\n\n" {
		t.Errorf("%q, %v", text, err)
	}
}
