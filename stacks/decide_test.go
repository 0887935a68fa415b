package stacks

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/fault/faulttest"
	"github.com/branchenv/branchenv/internal/platform"
	"github.com/branchenv/branchenv/internal/stackstest"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// manager decides by a settings file; its backend is empty.
func manager(t *testing.T, settings string) Manager {
	t.Helper()
	file, err := config.Parse("branchenv.yaml", []byte("project: shop\nregion: eu-central-1\ndomain: preview.example.com\nsource: {git: .}\n"+settings))
	if err != nil {
		t.Fatal(err)
	}
	return testManager(file, stackstest.Open(t, t.TempDir()))
}

// pending is s with an operation that did not end.
func pending(s backend.State) backend.State {
	data := `{"pending_operations": [{"type": "creating", "resource": {"type": "aws:s3/bucketV2:BucketV2"}}]}`
	if err := json.Unmarshal([]byte(data), &s); err != nil {
		panic(err)
	}
	return s
}

func TestOwns(t *testing.T) {
	t.Parallel()
	tagged := map[string]string{names.TagBranch: "feature/login"}
	bucket := stackstest.State("x", nil, aws.TypeBucket)
	of := func(project, stack string) backend.State { // a state whose bucket has such AWS tags
		s := stackstest.State("x", nil, aws.TypeBucket)
		s.Resources[1].Inputs = map[string]any{"bucket": "b", "tagsAll": map[string]any{names.TagProject: project, names.TagStack: stack}}
		return s
	}
	edited := of("shop", "x")
	edited.Resources[1].Outputs = map[string]any{"tagsAll": map[string]any{names.TagProject: "shop", names.TagStack: "y"}}
	ours := map[string]string{names.TagBranch: "feature/login"}
	const record = "aws:route53/record:Record" // it has no AWS tags
	moved, blog := stackstest.State("x", nil, record), stackstest.State("x", nil, record)
	moved.Resources[1].URN, blog.Resources[1].URN = "urn:pulumi:y::shop::"+record+"::it", "urn:pulumi:x::blog::"+record+"::it"
	movedPending := pending(stackstest.State("x", nil, record))
	movedPending.Pending[0].Resource.URN = "urn:pulumi:y::shop::" + record + "::it"
	tests := map[string]struct {
		facts backend.Facts
		want  string
	}{
		"own resources":             {backend.Facts{Tags: ours, State: of("shop", "x")}, ""},
		"another stack's resources": {backend.Facts{Tags: ours, State: of("shop", "y")}, "the state of stack x has a resource of stack y: b"},
		"another project's":         {backend.Facts{Tags: ours, State: of("blog", "x")}, "the state of stack x has a resource of stack blog/x: b"},
		"tags as last read":         {backend.Facts{Tags: ours, State: edited}, "the state of stack x has a resource of stack y: b"},
		"another stack's URN":       {backend.Facts{Tags: ours, State: stackstest.State("y", nil, "aws:route53/record:Record")}, "the state of stack x has a resource of stack y: urn:pulumi:y::shop::pulumi:pulumi:Stack::shop-y"},
		"one without tags":          {backend.Facts{Tags: ours, State: moved}, "the state of stack x has a resource of stack y: id"},
		"pending, of another stack": {backend.Facts{Tags: ours, State: movedPending}, "the state of stack x has a resource of stack y: urn:pulumi:y::shop::aws:route53/record:Record::it"},
		"another project's URN":     {backend.Facts{Tags: ours, State: blog}, "the state of stack x has a resource of stack blog/x: id"},
		"own":                       {backend.Facts{Tags: tagged, State: bucket}, ""},
		"just made, not tagged":     {backend.Facts{}, ""},
		"only the stack itself":     {backend.Facts{State: stackstest.State("x", nil, "pulumi:providers:aws")}, ""},
		"another branch's":          {backend.Facts{Tags: map[string]string{names.TagBranch: "Feature/Login"}, State: bucket}, `stack x belongs to branch "Feature/Login", not to "feature/login"`},
		"another's, empty":          {backend.Facts{Tags: map[string]string{names.TagBranch: ""}}, `stack x belongs to branch "", not to "feature/login"`},
		"not tagged, AWS":           {backend.Facts{State: bucket}, "stack x has resources or outputs but no branchenv:branch tag: branchenv did not make it"},
		"not tagged, not AWS":       {backend.Facts{State: stackstest.State("x", nil, "gcp:storage/bucket:Bucket")}, "stack x has resources or outputs but no branchenv:branch tag: branchenv did not make it"},
		"not tagged, pending":       {backend.Facts{State: pending(backend.State{})}, "stack x has resources or outputs but no branchenv:branch tag: branchenv did not make it"},
		"only other tags, with RDS": {backend.Facts{Tags: map[string]string{"owner": "ada"}, State: stackstest.State("x", nil, "aws:rds/instance:Instance")}, "stack x has resources or outputs but no branchenv:branch tag: branchenv did not make it"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.facts.Name, test.facts.Project = "x", "shop"
			err := checkOwner(backend.Location{Project: "shop"}, test.facts, "feature/login")
			if got := faulttest.Message(err); got != test.want || test.want != "" && fault.Code(err) != fault.Refused {
				t.Errorf("got %q, code %d; want %q", got, fault.Code(err), test.want)
			}
		})
	}
}

// A hint is there to be copied into a shell, and a branch's name is what somebody else chose.
func TestHintIsSafe(t *testing.T) {
	t.Parallel()
	hint := fault.Hint(checkOwner(backend.Location{}, backend.Facts{Name: "x", State: stackstest.State("x", nil, aws.TypeBucket)}, "a$(rm)")).String()
	if want := "if it is yours to give: pulumi stack tag set branchenv:branch 'a$(rm)' --stack x"; hint != want {
		t.Errorf("hint %s, want %s", hint, want)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	full := stackstest.State("x", nil, aws.TypeBucket)
	last := func(kind, result, message string) *backend.Update {
		return &backend.Update{Kind: kind, Result: result, Message: message}
	}
	tests := map[string]struct {
		facts backend.Facts
		want  backend.Status
	}{
		"updated":                      {backend.Facts{State: full, LastUpdate: last("update", "succeeded", "")}, backend.StatusReady},
		"refreshed by hand":            {backend.Facts{State: full, LastUpdate: last("refresh", "succeeded", "")}, backend.StatusReady},
		"locked":                       {backend.Facts{State: full, LastUpdate: last("update", "succeeded", ""), Locks: []backend.Lock{{}}}, backend.StatusUpdating},
		"new":                          {backend.Facts{}, backend.StatusEmpty},
		"new and locked":               {backend.Facts{Locks: []backend.Lock{{}}}, backend.StatusUpdating},
		"destroyed":                    {backend.Facts{State: stackstest.State("x", nil), LastUpdate: last("destroy", "succeeded", "")}, backend.StatusEmpty},
		"half destroyed":               {backend.Facts{State: full, LastUpdate: last("destroy", "succeeded", "")}, backend.StatusIncomplete},
		"failed":                       {backend.Facts{State: full, LastUpdate: last("update", "failed", "")}, backend.StatusIncomplete},
		"killed in the first":          {backend.Facts{State: full}, backend.StatusIncomplete},
		"killed with nothing made":     {backend.Facts{State: pending(backend.State{}), LastUpdate: nil}, backend.StatusIncomplete},
		"pending":                      {backend.Facts{State: pending(full), LastUpdate: last("update", "succeeded", "")}, backend.StatusIncomplete},
		"recovered, but never updated": {backend.Facts{State: full, LastUpdate: last("refresh", "succeeded", backend.RecoveryMessage)}, backend.StatusIncomplete},
	}
	for name, test := range tests {
		if got := test.facts.Status(); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func withRules(m Manager, f backend.Facts) Environment {
	return describeStack(m.file, config.RulesOf(m.file), f)
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) *time.Time { v := stackstest.Noon.Add(d); return &v }
	spec := stackstest.BranchSpec(t)
	spec.Settings.TTL = config.Duration(72 * time.Hour)
	tags := map[string]string{names.TagBranch: "feature/login", names.TagKind: "branch", names.TagHost: "login", names.TagCreated: "2026-03-01T10:00:00Z"}
	outputs := map[string]any{"url": "https://login.preview.example.com", "database": "shop-login", "bucket": "shop-login-x1y2z3"}
	full := Environment{
		Branch: "feature/login", Stack: "x", Kind: "branch", URL: "https://login.preview.example.com", Host: "login.preview.example.com",
		Status: backend.StatusReady, Version: "registry.example.com/shop:1a2b3c", Platform: "beanstalk", Database: "shop-login", Bucket: "shop-login-x1y2z3",
		CreatedAt: at(-2 * time.Hour), UpdatedAt: at(-50 * time.Minute), ExpiresAt: at(-50*time.Minute + 73*time.Hour),
	}
	with := func(change func(*Environment)) Environment { e := full; change(&e); return e }
	long := spec
	long.Branch = strings.Repeat("ü", 150)
	running := stackstest.Updated(t, &spec)
	running.EndTime, running.Result = 0, "in-progress"
	failed := stackstest.Updated(t, &spec)
	failed.Result = "failed"
	plus := func(name string, d time.Duration) map[string]string {
		more := maps.Clone(tags)
		more[name] = stackstest.Noon.Add(d).Format(time.RFC3339)
		return more
	}
	kept, keptShort, tagged := plus(names.TagKeep, 100*time.Hour), plus(names.TagKeep, time.Hour), plus(names.TagUpdated, -30*time.Hour)
	tests := map[string]struct {
		settings string
		facts    backend.Facts
		want     Environment
	}{
		"complete":      {"", backend.Facts{Tags: tags, State: stackstest.State("x", outputs, aws.TypeBucket), LastUpdate: stackstest.Updated(t, &spec)}, full},
		"protected now": {"protected: [feature/*]", backend.Facts{Tags: tags, State: stackstest.State("x", outputs, aws.TypeBucket), LastUpdate: stackstest.Updated(t, &spec)}, with(func(e *Environment) { e.Protected, e.ExpiresAt = true, nil })},
		"running in the cloud": {"", backend.Facts{Tags: tags, State: stackstest.State("x", outputs, aws.TypeBucket), LastUpdate: running}, with(func(e *Environment) {
			e.Status, e.UpdatedAt, e.ExpiresAt = backend.StatusIncomplete, at(-time.Hour), at(-2*time.Hour+73*time.Hour)
		})},
		"name too long for tag": {"", backend.Facts{Tags: map[string]string{names.TagBranch: names.BranchTag(long.Branch)}, LastUpdate: stackstest.Updated(t, &long)}, Environment{Branch: long.Branch, Stack: "x", Status: backend.StatusEmpty, Platform: "beanstalk", Version: full.Version, UpdatedAt: full.UpdatedAt, ExpiresAt: full.ExpiresAt}},
		"killed in the first update": {"", backend.Facts{Tags: tags, State: stackstest.State("x", nil, aws.TypeBucket), Changed: stackstest.Noon.In(time.FixedZone("CET", 3600))}, Environment{
			Branch: "feature/login", Stack: "x", Kind: "branch", Host: "login.preview.example.com", Status: backend.StatusIncomplete, Platform: "beanstalk", CreatedAt: full.CreatedAt, UpdatedAt: at(0),
			ExpiresAt: at(-2*time.Hour + 73*time.Hour),
		}},
		"kept":                        {"", backend.Facts{Tags: kept, State: stackstest.State("x", outputs, aws.TypeBucket), LastUpdate: stackstest.Updated(t, &spec)}, with(func(e *Environment) { e.ExpiresAt = at(101 * time.Hour) })},
		"kept for less than it lives": {"", backend.Facts{Tags: keptShort, State: stackstest.State("x", outputs, aws.TypeBucket), LastUpdate: stackstest.Updated(t, &spec)}, full},
		"its last update failed": {"", backend.Facts{Tags: tagged, State: stackstest.State("x", outputs, aws.TypeBucket), LastUpdate: failed}, with(func(e *Environment) {
			e.Status, e.ExpiresAt = backend.StatusIncomplete, at(-30*time.Hour+73*time.Hour)
		})},
		"empty": {"", backend.Facts{}, Environment{Stack: "x", Status: backend.StatusEmpty, Platform: "beanstalk"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.facts.Name = "x"
			got := withRules(manager(t, test.settings), test.facts)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got.UpdatedAt != nil && got.UpdatedAt.Location() != time.UTC {
				t.Errorf("updated at %s, want UTC", got.UpdatedAt)
			}
		})
	}
}

func TestChooseVersion(t *testing.T) {
	t.Parallel()
	runs := func(v program.Version) *backend.Facts {
		s := stackstest.BranchSpec(t)
		s.Version = v
		return &backend.Facts{LastUpdate: stackstest.Updated(t, &s), State: stackstest.State("x", nil, aws.TypeBucket)}
	}
	image, bundle := program.Version{Image: "app:old"}, program.Version{Label: "x-1", BundleKey: "x/1.zip"}
	template := config.Settings{Image: "app:{sha}"}
	tests := map[string]struct {
		request      UpRequest
		before, like *backend.Facts
		settings     config.Settings
		want         platform.Source
		err          string
	}{
		"image before all":              {UpRequest{Image: "app:1", Commit: "abc", Like: "main"}, runs(image), runs(bundle), template, platform.Source{Version: program.Version{Image: "app:1"}}, ""},
		"bundle before all":             {UpRequest{Bundle: "a.zip", Commit: "abc", Like: "main"}, runs(image), runs(bundle), template, platform.Source{Bundle: "a.zip"}, ""},
		"label before all":              {UpRequest{Version: "build-7", Commit: "abc", Like: "main"}, runs(image), runs(bundle), template, platform.Source{Label: "build-7"}, ""},
		"settings' image":               {UpRequest{Commit: "abcdef1", Like: "main"}, runs(image), runs(bundle), template, platform.Source{Version: program.Version{Image: "app:abcdef1"}}, ""},
		"like's before settings' image": {UpRequest{Commit: "abcdef1", Like: "main"}, nil, runs(image), template, platform.Source{Version: image}, ""},
		"fixed image without commit":    {UpRequest{Branch: "a"}, runs(image), nil, config.Settings{Image: "app:{branch}"}, platform.Source{Version: program.Version{Image: "app:a"}}, ""},
		"template without commit": {UpRequest{Branch: "a", CommitUnknown: "git is not installed"}, runs(image), nil, template, platform.Source{},
			`the settings' image, app:{sha}, needs the commit at the head of branch "a", which is not known: git is not installed`},
		"a copy half made, without commit": {UpRequest{Branch: "a", Like: "main"}, runs(image), runs(bundle), template, platform.Source{Version: image, Kept: true}, ""},
		"no image tag": {UpRequest{Branch: "---", Commit: stackstest.Head}, runs(image), nil, config.Settings{Image: "app:{branch}"}, platform.Source{},
			`the image "app:" of branch "---" is not an image reference: invalid reference format`},
		"commit without template":        {UpRequest{Commit: "abc"}, runs(bundle), nil, config.Settings{}, platform.Source{Version: bundle, Kept: true}, ""},
		"its own before like's":          {UpRequest{Like: "main"}, runs(bundle), runs(image), config.Settings{}, platform.Source{Version: bundle, Kept: true}, ""},
		"like's image":                   {UpRequest{Like: "main"}, nil, runs(image), config.Settings{}, platform.Source{Version: image}, ""},
		"like's bundle":                  {UpRequest{Like: "main"}, nil, runs(bundle), config.Settings{}, platform.Source{Key: "x/1.zip"}, ""},
		"like's, itself being half made": {UpRequest{Like: "main"}, &backend.Facts{}, runs(image), config.Settings{}, platform.Source{Version: image}, ""},
		"like runs nothing":              {UpRequest{Branch: "a", Like: "main"}, nil, &backend.Facts{}, config.Settings{}, platform.Source{}, `the environment of "main" has no version that could be taken over`},
		"like is not there":              {UpRequest{Branch: "a", Like: "main"}, nil, nil, config.Settings{}, platform.Source{}, `branch "main" has no environment to copy`},
		"nothing":                        {UpRequest{Branch: "a"}, nil, nil, config.Settings{}, platform.Source{}, `no version given for branch "a"`},
		"half made":                      {UpRequest{Branch: "a"}, &backend.Facts{LastUpdate: stackstest.Updated(t, nil)}, nil, config.Settings{}, platform.Source{}, `no version given for branch "a"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := chooseVersion(test.request, test.before, test.like, test.settings, "shop")
			if test.err != "" {
				faulttest.Check(t, err, fault.Usage, test.err)
				return
			}
			if err != nil || got != test.want {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

func TestChooseBackend(t *testing.T) {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	home = filepath.ToSlash(home)
	t.Parallel()
	tests := map[string]struct{ backend, dir, given, ci, want, err string }{
		"default":             {"", "/repo", "", "", "file:///repo/.branchenv/state", ""},
		"default, odd folder": {"", "/my repo/100%#?", "", "", "file:///my%20repo/100%25%23%3F/.branchenv/state", ""},
		"default in CI":       {"", "/repo", "", "true", "", "no backend in /repo/branchenv.yaml: the default, a folder beside it, would be lost with this CI machine, and every environment with it"},
		"given in CI":         {"", "/repo", "file:///sandbox", "true", "file:///sandbox", ""},
		"given before named":  {"s3://team", "/repo", "file:///sandbox", "", "file:///sandbox", ""},
		"file named in CI":    {"file:///mnt/state", "/repo", "", "true", "file:///mnt/state", ""},
		"bucket":              {"s3://team?region=eu-central-1", "/repo", "", "true", "s3://team?region=eu-central-1", ""},
		"relative":            {"file://state", "/repo", "", "", "file:///repo/state", ""},
		"relative, upwards":   {"file://../state", "/repo/app", "", "", "file:///repo/state", ""},
		"home":                {"file://~/state", "/repo", "", "", "file://" + home + "/state", ""},
		"only home":           {"file://~", "/repo", "", "", "file://" + home, ""},
		"query":               {"file://state?no_tmp_dir=false", "/repo", "", "", "file:///repo/state?no_tmp_dir=false", ""},
		"escaped":             {"file:///my%20state", "/repo", "", "", "file:///my%20state", ""},
		"not a URL":           {"file:///100%", "/repo", "", "", "", `backend file:///100% is not a URL: invalid URL escape "%"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := chooseBackend(Options{
				File:    &config.File{Backend: test.backend, Dir: test.dir, Path: test.dir + "/branchenv.yaml"},
				Backend: test.given,
				Env:     func(name string) string { return map[string]string{"CI": test.ci}[name] },
			})
			if test.err != "" {
				faulttest.Check(t, err, fault.Usage, test.err)
				return
			}
			if err != nil || got != test.want {
				t.Errorf("%q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestOpenBackendRefuses(t *testing.T) {
	t.Parallel()
	_, err := backend.Open(t.Context(), "gs://bucket", "shop", nil)
	faulttest.Check(t, err, fault.Usage, "backend gs://bucket is not of a kind that branchenv reads")
}

func TestStackConfig(t *testing.T) {
	t.Parallel()
	spec := map[string]any{"branch": "a"}
	own := map[string]any{"branchenv:project": "shop", "branchenv:stack": "x"}
	tests := map[string]struct {
		settings, branch string
		extra            []string
		spec             any
		state            string // secrets_providers
		want             engine.Config
	}{
		"bare": {state: "{}", want: engine.Config{Config: map[string]any{"aws:region": "eu-central-1", "aws:defaultTags": map[string]any{"tags": own}}}},
		"all": {
			settings: "tags: {team: web}", branch: "Ünï#1", extra: []string{"AWS_ENDPOINT_URL=http://127.0.0.1:1"}, spec: spec,
			state: `{"type": "passphrase", "state": {"salt": "v1:abc"}}`,
			want: engine.Config{EncryptionSalt: "v1:abc", Config: map[string]any{
				"aws:region": "eu-central-1", "aws:s3UsePathStyle": true, "shop:environment": spec,
				"aws:defaultTags": map[string]any{"tags": map[string]any{"branchenv:project": "shop", "branchenv:stack": "x", "branchenv:branch": "Ünï_1", "team": "web"}},
			}},
		},
		"S3 alone elsewhere": {
			extra: []string{"AWS_ENDPOINT_URL_S3=http://127.0.0.1:1"}, state: `{"type": "cloud", "state": {"url": "awskms://alias/b", "encryptedkey": "k"}}`,
			want: engine.Config{SecretsProvider: "awskms://alias/b", EncryptedKey: "k", Config: map[string]any{
				"aws:region": "eu-central-1", "aws:s3UsePathStyle": true, "aws:defaultTags": map[string]any{"tags": own},
			}},
		},
		"the service's secrets": {state: `{"type": "service", "state": {"url": "https://api.pulumi.com"}}`, want: engine.Config{Config: map[string]any{"aws:region": "eu-central-1", "aws:defaultTags": map[string]any{"tags": own}}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := manager(t, test.settings)
			m.launcher.extra = test.extra
			var s backend.State
			if test.state != "" {
				if err := json.Unmarshal([]byte(test.state), &s.SecretsProviders); err != nil {
					t.Fatal(err)
				}
			}
			got, err := m.launcher.config("x", test.branch, names.SpecKey, test.spec, s)
			if err != nil {
				t.Fatal(err)
			}
			got.Config = plain(t, got.Config)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	var s backend.State
	s.SecretsProviders.Type, s.SecretsProviders.State = "passphrase", json.RawMessage(`[`)
	if _, err := (engine.Config{}).WithSecretsProvider(s.SecretsProviders.Type, s.SecretsProviders.State); !strings.HasPrefix(faulttest.Message(err), "read the state's secrets provider: ") {
		t.Errorf("error %v", err)
	}
}

// plain is a value as JSON has it.
func plain(t *testing.T, v map[string]any) (out map[string]any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// What is done to a stack without its program keeps the spec in its history: the next update looks for the version there.
func TestLastConfigKeepsTheSpec(t *testing.T) {
	t.Parallel()
	m, spec := manager(t, ""), stackstest.BranchSpec(t)
	c, err := m.launcher.lastConfig(&backend.Facts{Name: spec.Stack, LastUpdate: stackstest.Updated(t, &spec)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(plain(t, c.Config)["shop:"+names.SpecKey])
	if err != nil {
		t.Fatal(err)
	}
	var kept program.Spec
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(spec, kept); diff != "" {
		t.Errorf("(-was +kept):\n%s", diff)
	}
	if c, err = m.launcher.lastConfig(&backend.Facts{Name: spec.Stack}); err != nil || len(c.Config) != 2 {
		t.Errorf("without an update: %+v, %v", c, err)
	}
}

func TestBuildSpec(t *testing.T) {
	t.Parallel()
	m := manager(t, "branches: [{match: main, kind: production}, {match: big, instances: {type: m7g.large}}]")
	like := backend.Facts{Name: "big", Tags: map[string]string{names.TagBranch: "big", names.TagHost: "big"}}
	copied := backend.Facts{Name: "copy", Tags: map[string]string{names.TagBranch: "copy", names.TagHost: "copy", names.TagLike: "big"}}
	kept := map[string]string{
		names.TagBranch: "login", names.TagHost: "chosen-once", names.TagBucket: "aaaaaa", names.TagCreated: "2026-01-01T00:00:00Z", names.TagLike: "big",
		"owner": "ada", names.TagKind: "old", names.TagProtected: "true",
	}
	tests := map[string]struct {
		request  UpRequest
		before   *backend.Facts
		tags     map[string]string
		instance string
	}{
		"new": {UpRequest{Image: "i"}, nil, map[string]string{
			names.TagProject: "shop", names.TagStack: "login", names.TagBranch: "login", names.TagHost: "login", names.TagBucket: "*", names.TagCreated: "2026-03-01T12:00:00Z",
			names.TagKind: "branch", names.TagProtected: "false",
		}, "t3.micro"},
		"new, like another": {UpRequest{Image: "i", Like: "big"}, nil, map[string]string{
			names.TagProject: "shop", names.TagStack: "login", names.TagBranch: "login", names.TagHost: "login", names.TagBucket: "*", names.TagCreated: "2026-03-01T12:00:00Z",
			names.TagKind: "branch", names.TagProtected: "false", names.TagLike: "big",
		}, "m7g.large"},
		"new, like a copy": {UpRequest{Image: "i", Like: "copy"}, nil, map[string]string{
			names.TagProject: "shop", names.TagStack: "login", names.TagBranch: "login", names.TagHost: "login", names.TagBucket: "*", names.TagCreated: "2026-03-01T12:00:00Z",
			names.TagKind: "branch", names.TagProtected: "false", names.TagLike: "big",
		}, "m7g.large"},
		"decided once stays": {UpRequest{Image: "i", Like: "main"}, &backend.Facts{Name: "login", Tags: kept}, map[string]string{
			names.TagProject: "shop", names.TagStack: "login", names.TagBranch: "login", names.TagHost: "chosen-once", names.TagBucket: "aaaaaa",
			names.TagCreated: "2026-01-01T00:00:00Z", names.TagUpdated: "2026-01-01T00:00:00Z", names.TagKind: "branch", names.TagProtected: "false", names.TagLike: "big", "owner": "ada",
		}, "m7g.large"},
		"like only at creation": {UpRequest{Image: "i", Like: "big"}, &backend.Facts{Name: "login", Tags: map[string]string{names.TagBranch: "login", names.TagHost: "h", names.TagBucket: "b", names.TagCreated: "c"}}, map[string]string{
			names.TagProject: "shop", names.TagStack: "login", names.TagBranch: "login", names.TagHost: "h", names.TagBucket: "b", names.TagCreated: "c", names.TagKind: "branch", names.TagProtected: "false",
		}, "t3.micro"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := test.request
			r.Branch, r.Timeout = "login", 10*time.Minute
			u, err := buildSpec(m.file, r, updateFacts{
				stack: "login", before: test.before, like: map[string]*backend.Facts{"big": &like, "copy": &copied}[r.Like],
				location: awsLocation{"123456789012", "eu-central-1"}, host: "login", suffix: "newnew", now: stackstest.Noon,
			})
			if err != nil {
				t.Fatal(err)
			}
			if test.tags[names.TagBucket] == "*" {
				test.tags[names.TagBucket] = "newnew"
			}
			test.tags[names.TagAccount], test.tags[names.TagRegion] = "123456789012", "eu-central-1"
			if diff := cmp.Diff(test.tags, u.tags); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
			want := program.Spec{
				Project: "shop", Region: "eu-central-1", Branch: "login", Stack: "login", Kind: "branch", Host: u.tags[names.TagHost],
				Domain: "preview.example.com", BucketSuffix: u.tags[names.TagBucket], Settings: u.spec.Settings,
			}
			if diff := cmp.Diff(want, u.spec); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
			if s := u.spec.Settings; s.Instances.Type != test.instance || s.Timeout != config.Duration(10*time.Minute) {
				t.Errorf("settings %+v", s)
			}
		})
	}
	if kept[names.TagKind] != "old" {
		t.Error("the facts' own tags were changed")
	}
}

func TestCheckProtection(t *testing.T) {
	t.Parallel()
	settings := "protected: [main, release-*]"
	tests := map[string]struct{ stack, branch, tag, want string }{
		"not":                 {"login", "login", "false", ""},
		"no tag":              {"login", "login", "", ""},
		"branch":              {"main", "main", "false", `environment main is protected by "main" in branchenv.yaml`},
		"stack":               {"release-1", "Release/1", "", `environment release-1 is protected by "release-*" in branchenv.yaml`},
		"when it was updated": {"qa", "qa", "true", "environment qa is protected: its kind is staging"},
	}
	for name, test := range tests {
		f := backend.Facts{Name: test.stack, Tags: map[string]string{names.TagProtected: test.tag, names.TagKind: "staging"}}
		err := checkProtection(manager(t, settings).file, f, test.branch)
		if test.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		faulttest.Check(t, err, fault.Refused, test.want)
	}
}

// A bucket that keeps what is in it is found before anything of its stack is destroyed.
func TestCheckMayEmpty(t *testing.T) {
	t.Parallel()
	bucket := func(id string, inputs map[string]any) backend.Resource {
		return backend.Resource{ID: id, Type: aws.TypeBucket, Inputs: inputs}
	}
	good := bucket("a", map[string]any{"forceDestroy": true})
	if err := checkMayEmpty("x", []backend.Resource{good}); err != nil {
		t.Error(err)
	}
	for _, inputs := range []map[string]any{nil, {"forceDestroy": false}, {"forceDestroy": "true"}} {
		err := checkMayEmpty("x", []backend.Resource{good, bucket("b", inputs)})
		faulttest.Check(t, err, fault.Refused, "bucket b of stack x may not be emptied: it was made without forceDestroy")
	}
}

func TestApplicationReady(t *testing.T) {
	t.Parallel()
	ready := backend.Facts{Name: names.ApplicationStack, State: stackstest.State("x", map[string]any{program.OutVersionsBucket: "b", program.OutDomain: "example.com"})}
	if err := applicationReady(&ready, "example.com"); err != nil {
		t.Error(err)
	}
	faulttest.Check(t, applicationReady(&ready, "example.org"), fault.Usage,
		"the application stack, with its certificate, was made for domain example.com, and the settings name example.org")
	for _, f := range []*backend.Facts{nil, {Name: names.ApplicationStack}, {Name: names.ApplicationStack, State: stackstest.State("x", nil)}} {
		faulttest.Check(t, applicationReady(f, "example.com"), fault.Usage, "the application stack, which all environments share, does not exist yet")
	}
}

func TestOwnsApplication(t *testing.T) {
	t.Parallel()
	theirs := stackstest.State(names.ApplicationStack, nil, aws.TypeBucket)
	theirs.Resources[1].Outputs = map[string]any{"tagsAll": map[string]any{names.TagProject: "shop", names.TagStack: "x"}}
	for name, test := range map[string]struct {
		facts backend.Facts
		owned bool
	}{
		"own":             {backend.Facts{Tags: map[string]string{names.TagStack: names.ApplicationStack}, State: stackstest.State(names.ApplicationStack, nil, aws.TypeBucket)}, true},
		"another's state": {backend.Facts{Tags: map[string]string{names.TagStack: names.ApplicationStack}, State: theirs}, false},
		"empty, untagged": {backend.Facts{}, true},
		"untagged":        {backend.Facts{State: stackstest.State(names.ApplicationStack, nil, aws.TypeBucket)}, false},
		"not AWS":         {backend.Facts{State: stackstest.State(names.ApplicationStack, nil, "random:index/randomId:RandomId")}, false},
	} {
		test.facts.Name, test.facts.Project = names.ApplicationStack, "shop"
		if err := checkApplicationOwner(backend.Location{Project: "shop"}, test.facts); (err == nil) != test.owned || err != nil && fault.Code(err) != fault.Refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// testManager is a Manager at stackstest.Noon, without AWS.
func testManager(file *config.File, b backend.Backend) Manager {
	return Manager{project: &project{
		file: file, backend: b, source: &source{}, platform: platform.Beanstalk{Project: file.Project},
		launcher: &launcher{file: file, env: func(string) string { return "" }, backend: b},
		now:      func() time.Time { return stackstest.Noon },
	}}
}

// folderManager is a Manager over a backend in a folder; it has no AWS and must not get as far as asking it.
func folderManager(t *testing.T, folder string) Manager {
	t.Helper()
	m := manager(t, "kinds: {branch: {create: auto, image: 'registry.example.com/app:{sha}'}}\n")
	return testManager(m.file, stackstest.Open(t, folder))
}
