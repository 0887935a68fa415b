package cli

import (
	"bytes"
	"testing"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/stacks"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	file, err := config.Parse("branchenv.yaml", []byte(`project: shop
region: eu-central-1
domain: preview.example.com
source: {github: acme/shop}
protected: [main]
kinds:
  demo: {extends: branch, protected: true, ttl: 0}
branches:
  - match: "ui/*"
    health: {path: /up}
  - match: "ui/**"
    kind: staging
  - match: demo
    kind: demo
`))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)
	created, expires := now.Add(-26*time.Hour), now.Add(49*time.Hour)
	made := func(branch string) *stacks.Environment {
		return &stacks.Environment{Branch: branch, Status: backend.StatusReady, CreatedAt: &created, ExpiresAt: &expires}
	}
	var written bytes.Buffer
	s := &session{out: &printer{to: &written}}
	for _, test := range []struct {
		branch      string
		environment *stacks.Environment
	}{
		{"topic", nil}, {"topic", made("topic")}, {"x-no-infra", nil}, {"x-no-infra", made("x-no-infra")}, {"main", made("main")},
		{"ui/new", made("ui/new")}, {"demo", nil}, {"$(reboot)\u202e", nil},
	} {
		resolved, err := file.Resolve(test.branch)
		if err != nil {
			t.Fatal(err)
		}
		facts := branchFacts{file: file, branch: test.branch, slug: "its-slug", resolved: resolved, environment: test.environment}
		if err := s.printExplanation(explain(facts, now)); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "why.txt", written.String())
}
