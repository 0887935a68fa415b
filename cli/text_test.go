package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/stacks"
)

// TestTexts holds what people read against golden files; names from outside are hostile.
func TestTexts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)
	before := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	environments := []stacks.Environment{
		{
			Branch: "main", Stack: "main", Kind: "production", URL: "https://main.preview.example.com", Host: "main",
			Status: backend.StatusReady, Version: "registry.example.com/app:1", Platform: "beanstalk", Database: "acme-main",
			Bucket: "acme-main-x1y2z3", CreatedAt: before(90 * 24 * time.Hour), UpdatedAt: before(3 * time.Hour), Protected: true,
		},
		{
			Branch: "ui/\x1b[31m\u202ered", Stack: "ui-red-0123456789", Kind: "branch", URL: "https://ui-red.preview.example.com",
			Status: backend.StatusIncomplete, CreatedAt: before(5 * time.Minute), ExpiresAt: before(-70 * time.Hour),
		},
		{Branch: "old", Stack: "old", Kind: "branch", Status: backend.StatusReady, CreatedAt: before(80 * time.Hour), ExpiresAt: before(time.Hour)},
	}
	resources := []stacks.Resource{
		{Type: "branchenv:index:BranchDNS", Name: "x"},
		{Type: "aws:route53/record:Record", Name: "ui-red.preview.example.com"},
		{Type: "aws:rds/instance:Instance", Name: "acme-ui-red"},
	}
	receipt := stacks.Receipt{
		Branch: "ui/red", Stack: "ui-red-0123456789", Deleted: resources[1:2], Objects: 2500, Seconds: 61.7,
		Remaining: []stacks.Resource{{Type: "aws:rds/instance:Instance", Name: "acme-ui-red", Note: "still deleting\nfor long"}},
	}
	preview := stacks.Preview{
		Branch: "ui/red", Stack: "ui-red", Changes: map[string]int{"create": 2, "update": 1, "same": 9},
		Steps: []stacks.PreviewStep{
			{Op: "create", Type: "aws:rds/instance:Instance", Name: "ui-red-database"},
			{Op: "update", Type: "aws:elasticbeanstalk/environment:Environment", Name: "ui-red-app", Diff: []string{"version", "settings[3]"}},
			{Op: "create", Type: "branchenv:index:BranchDNS", Name: "ui-red-dns"},
		},
	}
	application := applicationText(stacks.ApplicationReport{
		Stack: "application", Status: backend.StatusReady,
		Outputs: map[string]any{
			"zone": "Z1", "subnets": []any{"subnet-1", "subnet-2"}, "certificate": "",
			"applications": map[string]any{"staging": map[string]any{"name": "acme-staging"}},
		},
	})
	sections := []struct{ title, text string }{
		{"list", listText(environments, now)},
		{"show", showText(environments[0], now)},
		{"show, unfinished", showText(environments[1], now)},
		{"before destroy", destructionText("the environment of branch ui/red", stacks.Destruction{Environment: environments[1], Resources: resources})},
		{"receipt", receiptText(receipt)},
		{"preview", previewText(preview)},
		{"preview, nothing", previewText(stacks.Preview{Changes: map[string]int{"same": 3}})},
		{"application", application},
	}
	var all strings.Builder
	for _, section := range sections {
		all.WriteString("== " + section.title + "\n" + section.text)
	}
	golden(t, "texts.txt", all.String())
}
