package provider_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"pgregory.net/rapid"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/platforms"
	"github.com/branchenv/branchenv/internal/sandbox/sandboxtest"
	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/branchenv/branchenv/internal/sandbox/services"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{})
	tests := []struct {
		name, typ string
		inputs    map[string]any
		want      []string // parts of the failures, in order
	}{
		{"fine", services.TypeBucket, map[string]any{"bucket": "assets"}, nil},
		{"unknown property", services.TypeBucket, map[string]any{"bukcet": "assets"}, []string{`unknown property "bukcet", did you mean "bucket"?`}},
		{"nested unknown property", services.TypeBucketVersioning, map[string]any{"bucket": "b", "versioningConfiguration": map[string]any{"state": "Enabled", "status": "Enabled"}},
			[]string{`versioningConfiguration.state: unknown property "state"`}},
		{"missing", services.TypeBucketVersioning, map[string]any{"bucket": "b"}, []string{`missing required property "versioningConfiguration"`}},
		{"wrong type", services.TypeDatabase, sandboxtest.Database("db", map[string]any{"allocatedStorage": "twenty"}), []string{"allocatedStorage must be a whole number, not string"}},
		{"fraction", services.TypeDatabase, sandboxtest.Database("db", map[string]any{"allocatedStorage": 20.5}), []string{"allocatedStorage must be a whole number"}},
		{"item of a list", services.TypeDatabase, sandboxtest.Database("db", map[string]any{"vpcSecurityGroupIds": []any{true}}), []string{"vpcSecurityGroupIds[0] must be a string, not bool"}},
		{"bucket with capitals", services.TypeBucket, map[string]any{"bucket": "Assets"}, []string{"a bucket's name must have 3 to 63"}},
		{"bucket like an address", services.TypeBucket, map[string]any{"bucket": "192.168.0.1"}, []string{"a bucket's name"}},
		{"bucket reserved", services.TypeBucket, map[string]any{"bucket": "xn--a"}, []string{"a bucket's name"}},
		{"environment too short", platforms.TypeEnvironment, sandboxtest.Environment("abc", nil), []string{"expected length to be in the range (4 - 40)"}},
		{"environment with underscore", platforms.TypeEnvironment, sandboxtest.Environment("a_bcd", nil), []string{"only letters, digits and hyphens"}},
		{"database with two hyphens", services.TypeDatabase, sandboxtest.Database("a--b", nil), []string{"no two hyphens in a row"}},
		{"database with hyphen last", services.TypeDatabase, sandboxtest.Database("a-", nil), []string{"no hyphen last"}},
		{"password too short", services.TypeDatabase, sandboxtest.Database("db", map[string]any{"password": "short"}), []string{"expected length to be in the range (8 - 128)"}},
		{"password with at", services.TypeDatabase, sandboxtest.Database("db", map[string]any{"password": "p@ssword1"}), []string{"only printable characters"}},
		{"two passwords", services.TypeDatabase, sandboxtest.Database("db", map[string]any{"manageMasterUserPassword": true}), []string{"conflicts with manageMasterUserPassword"}},
		{"class", services.TypeDatabase, sandboxtest.Database("db", map[string]any{"instanceClass": "t4g.micro"}), []string{"an instance class such as"}},
		{"enumeration", services.TypeBalancer, map[string]any{"name": "lb", "loadBalancerType": "classic", "subnets": []any{"subnet-1", "subnet-2"}}, []string{"expected one of application, network, gateway"}},
		{"number of a list", services.TypeLogGroup, map[string]any{"name": "g", "retentionInDays": 8}, []string{"expected one of 0, 1, 3, 5, 7, 14"}},
		{"number allowed", services.TypeLogGroup, map[string]any{"name": "g", "retentionInDays": 7}, nil},
		{"label too long", services.TypeRecord, map[string]any{"zoneId": "Z", "name": strings.Repeat("a", 64), "type": "A", "ttl": 60, "records": []any{"192.0.2.1"}}, []string{"labels of 1 to 63"}},
		{"record without ttl", services.TypeRecord, map[string]any{"zoneId": "Z", "name": "a", "type": "A", "records": []any{"192.0.2.1"}}, []string{"ttl must be specified"}},
		{"tag characters", services.TypeBucket, map[string]any{"tags": map[string]any{"a": "b*c"}}, []string{`the value of "a" must have at most 256`}},
		{"reserved tag", services.TypeBucket, map[string]any{"tags": map[string]any{"aws:a": "b"}}, []string{"begins with aws:"}},
		{"rule without source", services.TypeSecurityGroupRule, map[string]any{"securityGroupId": "sg", "type": "ingress", "protocol": "tcp", "fromPort": 80, "toPort": 80}, []string{"one of cidrBlocks"}},
		{"cidr", services.TypeSecurityGroupRule, map[string]any{"securityGroupId": "sg", "type": "ingress", "protocol": "tcp", "fromPort": 80, "toPort": 80, "cidrBlocks": []any{"10.0.0.1/8"}}, []string{"an IPv4 range"}},
		{"unknown values are not judged", services.TypeBucket, map[string]any{"bucket": resource.MakeComputed(resource.NewStringProperty(""))}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, got := sandboxtest.Over(t, c.Provider, c.Cloud).Check(test.typ, "x", test.inputs, nil)
			if len(got) != len(test.want) {
				t.Fatalf("got %q, want %q", got, test.want)
			}
			for i := range got {
				if !strings.Contains(got[i], test.want[i]) {
					t.Errorf("got %q, want %q in it", got[i], test.want[i])
				}
			}
		})
	}
}

func TestCheckCompletes(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{})
	if _, err := c.Provider.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: sandboxtest.Props(t, map[string]any{
		"region": "eu-west-1", "defaultTags": `{"tags": {"project": "p", "owner": "default"}}`,
	})}); err != nil {
		t.Fatal(err)
	}
	in, _ := c.Check(services.TypeBucket, "MyAssets", map[string]any{"tags": map[string]any{"owner": "me"}}, nil)
	got := sandboxtest.Values(t, in)
	want := map[string]any{"bucket": got["bucket"], "tags": map[string]any{"project": "p", "owner": "me"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	name := value.Text(got["bucket"])
	if !strings.HasPrefix(name, "myassets-") || len(name) != len("myassets-")+7 {
		t.Errorf("automatic name %q", name)
	}

	res, err := c.Provider.Check(t.Context(), &pulumirpc.CheckRequest{Urn: sandboxtest.URN(services.TypeBucket, "MyAssets"), Olds: in, News: sandboxtest.Props(t, map[string]any{}), RandomSeed: []byte("another seed")})
	if err != nil {
		t.Fatal(err)
	}
	if again := sandboxtest.Values(t, res.GetInputs())["bucket"]; again != name {
		t.Errorf("the name changed from %q to %q", name, again)
	}
	// Now the name is one that the program gave.
	olds := sandboxtest.Values(t, in)
	olds["bucket"] = "given"
	given := sandboxtest.Props(t, olds)
	res, err = c.Provider.Check(t.Context(), &pulumirpc.CheckRequest{Urn: sandboxtest.URN(services.TypeBucket, "MyAssets"), Olds: given, News: sandboxtest.Props(t, map[string]any{}), RandomSeed: []byte("another seed")})
	if err != nil {
		t.Fatal(err)
	}
	if fresh := value.Text(sandboxtest.Values(t, res.GetInputs())["bucket"]); fresh == "given" || !strings.HasPrefix(fresh, "myassets-") {
		t.Errorf("a name that is no longer given became %q", fresh)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{})
	tests := []struct {
		name, typ   string
		olds, news  map[string]any
		diffs       []string
		replaces    []string
		deleteFirst bool
	}{
		{"nothing", services.TypeDatabase, sandboxtest.Database("db", nil), sandboxtest.Database("db", nil), nil, nil, false},
		{"update", services.TypeDatabase, sandboxtest.Database("db", nil), sandboxtest.Database("db", map[string]any{"multiAz": true}), []string{"multiAz"}, nil, false},
		{"restore elsewhere", services.TypeDatabase, sandboxtest.Database("db", nil), sandboxtest.Database("db", map[string]any{"snapshotIdentifier": "s"}), []string{"snapshotIdentifier"}, []string{"snapshotIdentifier"}, true},
		{"rename an environment", platforms.TypeEnvironment, sandboxtest.Environment("one-env", nil), sandboxtest.Environment("two-env", nil), []string{"name"}, []string{"name"}, true},
		{"one setting", platforms.TypeEnvironment, sandboxtest.Environment("an-env", nil), sandboxtest.Environment("an-env", map[string]any{"settings": []any{sandboxtest.Option("a", "b", "c")}}), []string{"settings"}, nil, false},
		{"certificate", services.TypeCertificate, map[string]any{"domainName": "a.example.com"}, map[string]any{"domainName": "b.example.com"}, []string{"domainName"}, []string{"domainName"}, false},
		{"rule of a group", services.TypeSecurityGroup, map[string]any{"name": "g"}, map[string]any{"name": "g", "ingress": []any{map[string]any{"fromPort": 1}}}, []string{"ingress"}, nil, false},
		{"what AWS computes, no longer given", services.TypeDatabase, sandboxtest.Database("db", map[string]any{"multiAz": true, "snapshotIdentifier": "s"}), sandboxtest.Database("db", nil), nil, nil, false},
		{"what it does not", services.TypeDatabase, sandboxtest.Database("db", map[string]any{"deletionProtection": true}), sandboxtest.Database("db", nil), []string{"deletionProtection"}, nil, false},
		{"record in another zone", services.TypeRecord, map[string]any{"zoneId": "Z1", "name": "a"}, map[string]any{"zoneId": "Z2", "name": "a"}, []string{"zoneId"}, []string{"zoneId"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			res, err := c.Provider.Diff(t.Context(), &pulumirpc.DiffRequest{Urn: sandboxtest.URN(test.typ, "x"), OldInputs: sandboxtest.Props(t, test.olds), News: sandboxtest.Props(t, test.news)})
			if err != nil {
				t.Fatal(err)
			}
			type outcome struct {
				Diffs, Replaces []string
				DeleteFirst     bool
			}
			want := outcome{test.diffs, test.replaces, test.deleteFirst}
			if diff := cmp.Diff(want, outcome{res.GetDiffs(), res.GetReplaces(), res.GetDeleteBeforeReplace()}); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// Check and Diff do not panic for any inputs, and no inputs differ from themselves.
func TestCheckAnything(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{})
	types := schema.Types()
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		options := []*rapid.Generator[any]{
			rapid.Map(rapid.String(), func(s string) any { return s }), rapid.Map(rapid.Float64(), func(f float64) any { return f }),
			rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		}
		if depth > 0 {
			options = append(options,
				rapid.Map(rapid.SliceOfN(value(depth-1), 0, 3), func(l []any) any { return l }),
				rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-z]{1,8}`), value(depth-1), 0, 3), func(m map[string]any) any { return m }))
		}
		return rapid.OneOf(options...)
	}
	rapid.Check(t, func(rt *rapid.T) {
		typ := rapid.SampledFrom(types).Draw(rt, "type")
		inputs := map[string]any{}
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(slices.Sorted(maps.Keys(schema.AWS().Resources[typ].Inputs))), 0, 5).Draw(rt, "names") {
			inputs[name] = value(2).Draw(rt, name)
		}
		in, _ := c.Check(typ, "x", inputs, nil)
		res, err := c.Provider.Diff(t.Context(), &pulumirpc.DiffRequest{Urn: sandboxtest.URN(typ, "x"), OldInputs: in, News: in})
		if err != nil || len(res.GetDiffs()) > 0 {
			rt.Fatalf("inputs differ from themselves: %v, %v", res.GetDiffs(), err)
		}
	})
}
