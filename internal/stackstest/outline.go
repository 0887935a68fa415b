package stackstest

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/stacks/names"
)

// Outlines returns stacks with all kinds of states: in outline, as List returns them, and whole, as Read returns them.
func Outlines(t testing.TB) (outlines, wholes []backend.Facts) {
	t.Helper()
	const (
		root    = `{"urn":"urn:pulumi:x::shop::pulumi:pulumi:Stack::shop-x","type":"pulumi:pulumi:Stack","outputs":{"url":"https://x","bucket":"b"}}`
		bare    = `{"urn":"urn:pulumi:x::shop::pulumi:pulumi:Stack::shop-x","type":"pulumi:pulumi:Stack"}`
		aws     = `{"urn":"urn:pulumi:x::shop::pulumi:providers:aws::default","custom":true,"id":"1","type":"pulumi:providers:aws","inputs":{"region":"r"}}`
		part    = `{"urn":"urn:pulumi:x::shop::branchenv:index:Bucket::assets","type":"branchenv:index:Bucket","parent":"urn:pulumi:x::shop::pulumi:pulumi:Stack::shop-x"}`
		bucket  = `{"urn":"urn:pulumi:x::shop::aws:s3/bucketV2:BucketV2::b","custom":true,"id":"b","type":"aws:s3/bucketV2:BucketV2","inputs":{"bucket":"b"},"outputs":{"bucket":"b","tagsAll":{"branchenv:project":"shop","branchenv:stack":"x"}}}`
		record  = `{"urn":"urn:pulumi:x::shop::aws:route53/record:Record::r","custom":true,"id":"r","type":"aws:route53/record:Record","outputs":{"name":"x"}}`
		another = `{"urn":"urn:pulumi:x::shop::aws:rds/instance:Instance::d","custom":true,"id":"d","type":"aws:rds/instance:Instance","inputs":{"identifier":"shop-y"},"outputs":{"tagsAll":{"branchenv:project":"shop","branchenv:stack":"y"}}}`
		inputs  = `{"urn":"urn:pulumi:x::shop::aws:rds/instance:Instance::d","custom":true,"id":"d","type":"aws:rds/instance:Instance","inputs":{"tagsAll":{"branchenv:project":"other","branchenv:stack":"x"}}}`
		moved   = `{"urn":"urn:pulumi:y::shop::aws:route53/record:Record::r","custom":true,"id":"r2","type":"aws:route53/record:Record"}`
		read    = `{"urn":"urn:pulumi:x::shop::aws:ec2/vpc:Vpc::v","custom":true,"external":true,"id":"v","type":"aws:ec2/vpc:Vpc","outputs":{"tagsAll":{"branchenv:project":"shop","branchenv:stack":"application"}}}`
		random  = `{"urn":"urn:pulumi:x::shop::random:index/randomId:RandomId::i","custom":true,"id":"i","type":"random:index/randomId:RandomId"}`
	)
	resources := []string{root, bare, aws, part, bucket, record, another, inputs, moved, read, random}
	choose := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- the same choices in every run
	for range 200 {
		var some []string
		for _, r := range resources {
			if choose.IntN(3) == 0 {
				some = append(some, r)
			}
		}
		choose.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		pending := ""
		if choose.IntN(4) == 0 {
			pending = `,"pending_operations":[{"type":"creating","resource":` + bucket + `}]`
		}
		dir := t.TempDir()
		pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/meta.yaml"), "version: 1")
		pulumitest.WriteJSON(t, filepath.Join(dir, ".pulumi/history/shop/x/x-1.history.json"), backend.Update{Kind: "update", Result: "succeeded"})
		pulumitest.WriteFile(t, filepath.Join(dir, ".pulumi/stacks/shop/x.json"), `{"version":3,"checkpoint":{"latest":{"manifest":{"time":"2026-01-01T00:00:00Z"},"resources":[`+strings.Join(some, ",")+`]`+pending+`}}}`)
		b := Open(t, dir)
		all, err := b.List(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		whole, err := b.Read(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		all[0].Tags, whole.Tags = map[string]string{names.TagBranch: "x"}, map[string]string{names.TagBranch: "x"}
		outlines, wholes = append(outlines, all[0]), append(wholes, *whole)
	}
	return outlines, wholes
}
