package sandbox

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/branchenv/branchenv/internal/sandbox/value"
	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"pgregory.net/rapid"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	c := newCaller(t, cloudConfig{})
	tests := []struct {
		name, typ string
		inputs    map[string]any
		want      []string // each a part of a problem, in order
	}{
		{"fine", typeBucket, map[string]any{"bucket": "assets"}, nil},
		{"unknown property", typeBucket, map[string]any{"bukcet": "assets"}, []string{`unknown property "bukcet", did you mean "bucket"?`}},
		{"nested unknown property", typeBucketVersioning, map[string]any{"bucket": "b", "versioningConfiguration": map[string]any{"state": "Enabled", "status": "Enabled"}},
			[]string{`versioningConfiguration.state: unknown property "state"`}},
		{"missing", typeBucketVersioning, map[string]any{"bucket": "b"}, []string{`missing required property "versioningConfiguration"`}},
		{"wrong type", typeDatabase, database("db", map[string]any{"allocatedStorage": "twenty"}), []string{"allocatedStorage must be a whole number, not string"}},
		{"fraction", typeDatabase, database("db", map[string]any{"allocatedStorage": 20.5}), []string{"allocatedStorage must be a whole number"}},
		{"item of a list", typeDatabase, database("db", map[string]any{"vpcSecurityGroupIds": []any{true}}), []string{"vpcSecurityGroupIds[0] must be a string, not bool"}},
		{"bucket with capitals", typeBucket, map[string]any{"bucket": "Assets"}, []string{"a bucket's name must have 3 to 63"}},
		{"bucket like an address", typeBucket, map[string]any{"bucket": "192.168.0.1"}, []string{"a bucket's name"}},
		{"bucket reserved", typeBucket, map[string]any{"bucket": "xn--a"}, []string{"a bucket's name"}},
		{"environment too short", typeEnvironment, environment("abc", nil), []string{"expected length to be in the range (4 - 40)"}},
		{"environment with underscore", typeEnvironment, environment("a_bcd", nil), []string{"only letters, digits and hyphens"}},
		{"database with two hyphens", typeDatabase, database("a--b", nil), []string{"no two hyphens in a row"}},
		{"database with hyphen last", typeDatabase, database("a-", nil), []string{"no hyphen last"}},
		{"password too short", typeDatabase, database("db", map[string]any{"password": "short"}), []string{"expected length to be in the range (8 - 128)"}},
		{"password with at", typeDatabase, database("db", map[string]any{"password": "p@ssword1"}), []string{"only printable characters"}},
		{"two passwords", typeDatabase, database("db", map[string]any{"manageMasterUserPassword": true}), []string{"conflicts with manageMasterUserPassword"}},
		{"class", typeDatabase, database("db", map[string]any{"instanceClass": "t4g.micro"}), []string{"an instance class such as"}},
		{"enumeration", typeBalancer, map[string]any{"name": "lb", "loadBalancerType": "classic", "subnets": []any{"subnet-1", "subnet-2"}}, []string{"expected one of application, network, gateway"}},
		{"number of a list", typeLogGroup, map[string]any{"name": "g", "retentionInDays": 8}, []string{"expected one of 0, 1, 3, 5, 7, 14"}},
		{"number allowed", typeLogGroup, map[string]any{"name": "g", "retentionInDays": 7}, nil},
		{"label too long", typeRecord, map[string]any{"zoneId": "Z", "name": strings.Repeat("a", 64), "type": "A", "ttl": 60, "records": []any{"192.0.2.1"}}, []string{"labels of 1 to 63"}},
		{"record without ttl", typeRecord, map[string]any{"zoneId": "Z", "name": "a", "type": "A", "records": []any{"192.0.2.1"}}, []string{"ttl must be specified"}},
		{"tag characters", typeBucket, map[string]any{"tags": map[string]any{"a": "b*c"}}, []string{`the value of "a" must have at most 256`}},
		{"reserved tag", typeBucket, map[string]any{"tags": map[string]any{"aws:a": "b"}}, []string{"begins with aws:"}},
		{"rule without source", typeSecurityGroupRule, map[string]any{"securityGroupId": "sg", "type": "ingress", "protocol": "tcp", "fromPort": 80, "toPort": 80}, []string{"one of cidrBlocks"}},
		{"cidr", typeSecurityGroupRule, map[string]any{"securityGroupId": "sg", "type": "ingress", "protocol": "tcp", "fromPort": 80, "toPort": 80, "cidrBlocks": []any{"10.0.0.1/8"}}, []string{"an IPv4 range"}},
		{"unknown values are not judged", typeBucket, map[string]any{"bucket": resource.MakeComputed(resource.NewStringProperty(""))}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, got := newCallerOf(t, c.p, c.aws).check(test.typ, "x", test.inputs, nil)
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
	c := newCaller(t, cloudConfig{})
	if _, err := c.p.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: props(t, map[string]any{
		"region": "eu-west-1", "defaultTags": `{"tags": {"project": "p", "owner": "default"}}`,
	})}); err != nil {
		t.Fatal(err)
	}
	in, _ := c.check(typeBucket, "MyAssets", map[string]any{"tags": map[string]any{"owner": "me"}}, nil)
	got := values(t, in)
	want := map[string]any{"bucket": got["bucket"], "tags": map[string]any{"project": "p", "owner": "me"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	name := value.Text(got["bucket"])
	if !strings.HasPrefix(name, "myassets-") || len(name) != len("myassets-")+7 {
		t.Errorf("automatic name %q", name)
	}

	olds, err := decode(in)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.p.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urnOf(typeBucket, "MyAssets"), Olds: in, News: props(t, map[string]any{}), RandomSeed: []byte("another seed")})
	if err != nil {
		t.Fatal(err)
	}
	if again := values(t, res.GetInputs())["bucket"]; again != name {
		t.Errorf("the name changed from %q to %q", name, again)
	}
	olds["bucket"] = resource.NewStringProperty("given")
	delete(olds, defaultsKey)
	given, err := encode(olds, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err = c.p.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urnOf(typeBucket, "MyAssets"), Olds: given, News: props(t, map[string]any{}), RandomSeed: []byte("another seed")})
	if err != nil {
		t.Fatal(err)
	}
	if fresh := value.Text(values(t, res.GetInputs())["bucket"]); fresh == "given" || !strings.HasPrefix(fresh, "myassets-") {
		t.Errorf("a name that is no longer given became %q", fresh)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	c := newCaller(t, cloudConfig{})
	tests := []struct {
		name, typ   string
		olds, news  map[string]any
		diffs       []string
		replaces    []string
		deleteFirst bool
	}{
		{"nothing", typeDatabase, database("db", nil), database("db", nil), nil, nil, false},
		{"update", typeDatabase, database("db", nil), database("db", map[string]any{"multiAz": true}), []string{"multiAz"}, nil, false},
		{"restore elsewhere", typeDatabase, database("db", nil), database("db", map[string]any{"snapshotIdentifier": "s"}), []string{"snapshotIdentifier"}, []string{"snapshotIdentifier"}, true},
		{"rename an environment", typeEnvironment, environment("one-env", nil), environment("two-env", nil), []string{"name"}, []string{"name"}, true},
		{"one setting", typeEnvironment, environment("an-env", nil), environment("an-env", map[string]any{"settings": []any{option("a", "b", "c")}}), []string{"settings"}, nil, false},
		{"certificate", typeCertificate, map[string]any{"domainName": "a.example.com"}, map[string]any{"domainName": "b.example.com"}, []string{"domainName"}, []string{"domainName"}, false},
		{"rule of a group", typeSecurityGroup, map[string]any{"name": "g"}, map[string]any{"name": "g", "ingress": []any{map[string]any{"fromPort": 1}}}, []string{"ingress"}, nil, false},
		{"what AWS computes, no longer given", typeDatabase, database("db", map[string]any{"multiAz": true, "snapshotIdentifier": "s"}), database("db", nil), nil, nil, false},
		{"what it does not", typeDatabase, database("db", map[string]any{"deletionProtection": true}), database("db", nil), []string{"deletionProtection"}, nil, false},
		{"record in another zone", typeRecord, map[string]any{"zoneId": "Z1", "name": "a"}, map[string]any{"zoneId": "Z2", "name": "a"}, []string{"zoneId"}, []string{"zoneId"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			res, err := c.p.Diff(t.Context(), &pulumirpc.DiffRequest{Urn: urnOf(test.typ, "x"), OldInputs: props(t, test.olds), News: props(t, test.news)})
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

// Whatever is in the inputs, checking and comparing them says something and does not panic, and what is compared with
// itself does not differ.
func TestCheckAnything(t *testing.T) {
	t.Parallel()
	c := newCaller(t, cloudConfig{})
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
		in, _ := c.check(typ, "x", inputs, nil)
		res, err := c.p.Diff(t.Context(), &pulumirpc.DiffRequest{Urn: urnOf(typ, "x"), OldInputs: in, News: in})
		if err != nil || len(res.GetDiffs()) > 0 {
			rt.Fatalf("inputs differ from themselves: %v, %v", res.GetDiffs(), err)
		}
	})
}
