package stacks

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/fault"
)

// noon is the clock of the deciders.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// manager decides by a settings file; it has no backend.
func manager(t *testing.T, settings string) *Manager {
	t.Helper()
	file, err := config.Parse("branchenv.yaml", []byte("project: shop\nregion: eu-central-1\ndomain: preview.example.com\nsource: {git: .}\n"+settings))
	if err != nil {
		t.Fatal(err)
	}
	return &Manager{ManagerOptions: ManagerOptions{File: file, Env: func(string) string { return "" }}, now: func() time.Time { return noon }}
}

// updated is the last update of an environment that was made from spec.
func updated(t *testing.T, spec *Spec) *update {
	t.Helper()
	u := &update{Kind: "update", Result: "succeeded", StartTime: noon.Add(-time.Hour).Unix(), EndTime: noon.Add(-50 * time.Minute).Unix()}
	if spec != nil {
		text, err := json.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		u.Config = map[string]json.RawMessage{"shop:" + specKey: text}
	}
	return u
}

// stateOf is a state of stack x with resources of the given types and the stack's outputs.
func stateOf(outputs map[string]any, types ...string) state { return stateIn("x", outputs, types...) }

func stateIn(stack string, outputs map[string]any, types ...string) (s state) {
	prefix := "urn:pulumi:" + stack + "::shop::"
	s.Resources = append(s.Resources, stateResource{URN: prefix + rootType + "::shop-" + stack, Type: rootType, Outputs: outputs})
	for _, typ := range types {
		s.Resources = append(s.Resources, stateResource{URN: prefix + typ + "::it", Type: typ, Custom: true, ID: "id", Inputs: map[string]any{"forceDestroy": true}})
	}
	return s
}

// pending is s with an operation that did not end.
func pending(s state) state {
	data := `{"pending_operations": [{"type": "creating", "resource": {"type": "aws:s3/bucketV2:BucketV2"}}]}`
	if err := json.Unmarshal([]byte(data), &s); err != nil {
		panic(err)
	}
	return s
}

// fails checks an error's text, its code and that it has a hint.
func fails(t *testing.T, err error, code int, want string) {
	t.Helper()
	if err == nil || err.Error() != want || fault.Code(err) != code || fault.Hint(err) == "" {
		t.Errorf("got error %v, code %d, hint %q\nwant      %s, code %d and a hint", err, fault.Code(err), fault.Hint(err), want, code)
	}
}

func TestOwns(t *testing.T) {
	t.Parallel()
	tagged := map[string]string{tagBranch: "feature/login"}
	bucket := stateOf(nil, typeBucket)
	of := func(project, stack string) state { // a state whose bucket has such AWS tags
		s := stateOf(nil, typeBucket)
		s.Resources[1].Inputs = map[string]any{"bucket": "b", "tagsAll": map[string]any{tagProject: project, tagStack: stack}}
		return s
	}
	edited := of("shop", "x")
	edited.Resources[1].Outputs = map[string]any{"tagsAll": map[string]any{tagProject: "shop", tagStack: "y"}}
	ours := map[string]string{tagBranch: "feature/login"}
	const record = "aws:route53/record:Record" // it has no AWS tags
	moved, blog := stateOf(nil, record), stateOf(nil, record)
	moved.Resources[1].URN, blog.Resources[1].URN = "urn:pulumi:y::shop::"+record+"::it", "urn:pulumi:x::blog::"+record+"::it"
	movedPending := pending(stateOf(nil, record))
	movedPending.Pending[0].Resource.URN = "urn:pulumi:y::shop::" + record + "::it"
	tests := map[string]struct {
		facts facts
		want  string
	}{
		"own resources":             {facts{tags: ours, state: of("shop", "x")}, ""},
		"another stack's resources": {facts{tags: ours, state: of("shop", "y")}, "the state of stack x has a resource of stack y: b"},
		"another project's":         {facts{tags: ours, state: of("blog", "x")}, "the state of stack x has a resource of stack blog/x: b"},
		"tags as last read":         {facts{tags: ours, state: edited}, "the state of stack x has a resource of stack y: b"},
		"another stack's URN":       {facts{tags: ours, state: stateIn("y", nil, "aws:route53/record:Record")}, "the state of stack x has a resource of stack y: urn:pulumi:y::shop::pulumi:pulumi:Stack::shop-y"},
		"one without tags":          {facts{tags: ours, state: moved}, "the state of stack x has a resource of stack y: id"},
		"pending, of another stack": {facts{tags: ours, state: movedPending}, "the state of stack x has a resource of stack y: urn:pulumi:y::shop::aws:route53/record:Record::it"},
		"another project's URN":     {facts{tags: ours, state: blog}, "the state of stack x has a resource of stack blog/x: id"},
		"own":                       {facts{tags: tagged, state: bucket}, ""},
		"just made, not tagged":     {facts{}, ""},
		"only the stack itself":     {facts{state: stateOf(nil, "pulumi:providers:aws")}, ""},
		"another branch's":          {facts{tags: map[string]string{tagBranch: "Feature/Login"}, state: bucket}, `stack x belongs to branch "Feature/Login", not to "feature/login"`},
		"another's, empty":          {facts{tags: map[string]string{tagBranch: ""}}, `stack x belongs to branch "", not to "feature/login"`},
		"not tagged, AWS":           {facts{state: bucket}, "stack x has resources or outputs but no branchenv:branch tag: branchenv did not make it"},
		"not tagged, not AWS":       {facts{state: stateOf(nil, "gcp:storage/bucket:Bucket")}, "stack x has resources or outputs but no branchenv:branch tag: branchenv did not make it"},
		"not tagged, pending":       {facts{state: pending(state{})}, "stack x has resources or outputs but no branchenv:branch tag: branchenv did not make it"},
		"only other tags, with RDS": {facts{tags: map[string]string{"owner": "ada"}, state: stateOf(nil, "aws:rds/instance:Instance")}, "stack x has resources or outputs but no branchenv:branch tag: branchenv did not make it"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.facts.name, test.facts.project = "x", "shop"
			err := owns(place{project: "shop"}, test.facts, "feature/login")
			if got := message(err); got != test.want || test.want != "" && fault.Code(err) != fault.Refused {
				t.Errorf("got %q, code %d; want %q", got, fault.Code(err), test.want)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A hint is there to be copied into a shell, and a branch's name is what somebody else chose.
func TestHintIsSafe(t *testing.T) {
	t.Parallel()
	hint := fault.Hint(owns(place{}, facts{name: "x", state: stateOf(nil, typeBucket)}, "a$(rm)"))
	if want := "if it is yours to give: pulumi stack tag set branchenv:branch 'a$(rm)' --stack x"; hint != want {
		t.Errorf("hint %s, want %s", hint, want)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	full := stateOf(nil, typeBucket)
	last := func(kind, result, message string) *update {
		return &update{Kind: kind, Result: result, Message: message}
	}
	tests := map[string]struct {
		facts facts
		want  Status
	}{
		"updated":                      {facts{state: full, last: last("update", "succeeded", "")}, StatusReady},
		"refreshed by hand":            {facts{state: full, last: last("refresh", "succeeded", "")}, StatusReady},
		"locked":                       {facts{state: full, last: last("update", "succeeded", ""), locks: []lock{{}}}, StatusUpdating},
		"new":                          {facts{}, StatusEmpty},
		"new and locked":               {facts{locks: []lock{{}}}, StatusUpdating},
		"destroyed":                    {facts{state: stateOf(nil), last: last("destroy", "succeeded", "")}, StatusEmpty},
		"half destroyed":               {facts{state: full, last: last("destroy", "succeeded", "")}, StatusIncomplete},
		"failed":                       {facts{state: full, last: last("update", "failed", "")}, StatusIncomplete},
		"killed in the first":          {facts{state: full}, StatusIncomplete},
		"killed with nothing made":     {facts{state: pending(state{}), last: nil}, StatusIncomplete},
		"pending":                      {facts{state: pending(full), last: last("update", "succeeded", "")}, StatusIncomplete},
		"recovered, but never updated": {facts{state: full, last: last("refresh", "succeeded", recovery)}, StatusIncomplete},
	}
	for name, test := range tests {
		if got := test.facts.status(); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func withRules(m *Manager, f facts) Environment { return m.environment(f, RulesOf(m.File)) }

func TestEnvironment(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) *time.Time { v := noon.Add(d); return &v }
	spec := branchSpec()
	spec.Settings.TTL = config.Duration(72 * time.Hour)
	tags := map[string]string{tagBranch: "feature/login", tagKind: "branch", tagHost: "login", tagCreated: "2026-03-01T10:00:00Z"}
	outputs := map[string]any{"url": "https://login.preview.example.com", "database": "shop-login", "bucket": "shop-login-x1y2z3"}
	full := Environment{
		Branch: "feature/login", Stack: "x", Kind: "branch", URL: "https://login.preview.example.com", Host: "login.preview.example.com",
		Status: StatusReady, Version: "registry.example.com/shop:1a2b3c", Platform: "beanstalk", Database: "shop-login", Bucket: "shop-login-x1y2z3",
		CreatedAt: at(-2 * time.Hour), UpdatedAt: at(-50 * time.Minute), ExpiresAt: at(-50*time.Minute + 73*time.Hour),
	}
	with := func(change func(*Environment)) Environment { e := full; change(&e); return e }
	long := spec
	long.Branch = strings.Repeat("ü", 150)
	running := updated(t, &spec)
	running.EndTime, running.Result = 0, "in-progress"
	failed := updated(t, &spec)
	failed.Result = "failed"
	plus := func(name string, d time.Duration) map[string]string {
		more := maps.Clone(tags)
		more[name] = noon.Add(d).Format(time.RFC3339)
		return more
	}
	kept, keptShort, tagged := plus(tagKeep, 100*time.Hour), plus(tagKeep, time.Hour), plus(tagUpdated, -30*time.Hour)
	tests := map[string]struct {
		settings string
		facts    facts
		want     Environment
	}{
		"complete":      {"", facts{tags: tags, state: stateOf(outputs, typeBucket), last: updated(t, &spec)}, full},
		"protected now": {"protected: [feature/*]", facts{tags: tags, state: stateOf(outputs, typeBucket), last: updated(t, &spec)}, with(func(e *Environment) { e.Protected, e.ExpiresAt = true, nil })},
		"running in the cloud": {"", facts{tags: tags, state: stateOf(outputs, typeBucket), last: running}, with(func(e *Environment) {
			e.Status, e.UpdatedAt, e.ExpiresAt = StatusIncomplete, at(-time.Hour), at(-2*time.Hour+73*time.Hour)
		})},
		"name too long for tag": {"", facts{tags: map[string]string{tagBranch: BranchTag(long.Branch)}, last: updated(t, &long)}, Environment{Branch: long.Branch, Stack: "x", Status: StatusEmpty, Platform: "beanstalk", Version: full.Version, UpdatedAt: full.UpdatedAt, ExpiresAt: full.ExpiresAt}},
		"killed in the first update": {"", facts{tags: tags, state: stateOf(nil, typeBucket), changed: noon.In(time.FixedZone("CET", 3600))}, Environment{
			Branch: "feature/login", Stack: "x", Kind: "branch", Host: "login.preview.example.com", Status: StatusIncomplete, Platform: "beanstalk", CreatedAt: full.CreatedAt, UpdatedAt: at(0),
			ExpiresAt: at(-2*time.Hour + 73*time.Hour),
		}},
		"kept":                        {"", facts{tags: kept, state: stateOf(outputs, typeBucket), last: updated(t, &spec)}, with(func(e *Environment) { e.ExpiresAt = at(101 * time.Hour) })},
		"kept for less than it lives": {"", facts{tags: keptShort, state: stateOf(outputs, typeBucket), last: updated(t, &spec)}, full},
		"its last update failed": {"", facts{tags: tagged, state: stateOf(outputs, typeBucket), last: failed}, with(func(e *Environment) {
			e.Status, e.ExpiresAt = StatusIncomplete, at(-30*time.Hour+73*time.Hour)
		})},
		"empty": {"", facts{}, Environment{Stack: "x", Status: StatusEmpty, Platform: "beanstalk"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.facts.name = "x"
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
	runs := func(v Version) *facts {
		s := branchSpec()
		s.Version = v
		return &facts{last: updated(t, &s), state: stateOf(nil, typeBucket)}
	}
	image, bundle := Version{Image: "app:old"}, Version{Label: "x-1", BundleKey: "x/1.zip"}
	template := config.Settings{Image: "app:{sha}"}
	tests := map[string]struct {
		request      UpRequest
		before, like *facts
		settings     config.Settings
		want         versionSource
		err          string
	}{
		"image before all":              {UpRequest{Image: "app:1", Commit: "abc", Like: "main"}, runs(image), runs(bundle), template, versionSource{version: Version{Image: "app:1"}}, ""},
		"bundle before all":             {UpRequest{Bundle: "a.zip", Commit: "abc", Like: "main"}, runs(image), runs(bundle), template, versionSource{bundle: "a.zip"}, ""},
		"label before all":              {UpRequest{Version: "build-7", Commit: "abc", Like: "main"}, runs(image), runs(bundle), template, versionSource{label: "build-7"}, ""},
		"settings' image":               {UpRequest{Commit: "abcdef1", Like: "main"}, runs(image), runs(bundle), template, versionSource{version: Version{Image: "app:abcdef1"}}, ""},
		"like's before settings' image": {UpRequest{Commit: "abcdef1", Like: "main"}, nil, runs(image), template, versionSource{version: image}, ""},
		"fixed image without commit":    {UpRequest{Branch: "a"}, runs(image), nil, config.Settings{Image: "app:{branch}"}, versionSource{version: Version{Image: "app:a"}}, ""},
		"template without commit": {UpRequest{Branch: "a", CommitUnknown: "git is not installed"}, runs(image), nil, template, versionSource{},
			`the settings' image, app:{sha}, needs the commit at the head of branch "a", which is not known: git is not installed`},
		"a copy half made, without commit": {UpRequest{Branch: "a", Like: "main"}, runs(image), runs(bundle), template, versionSource{version: image, kept: true}, ""},
		"no image tag": {UpRequest{Branch: "---", Commit: headA}, runs(image), nil, config.Settings{Image: "app:{branch}"}, versionSource{},
			`the image "app:" of branch "---" is not an image reference: invalid reference format`},
		"commit without template":        {UpRequest{Commit: "abc"}, runs(bundle), nil, config.Settings{}, versionSource{version: bundle, kept: true}, ""},
		"its own before like's":          {UpRequest{Like: "main"}, runs(bundle), runs(image), config.Settings{}, versionSource{version: bundle, kept: true}, ""},
		"like's image":                   {UpRequest{Like: "main"}, nil, runs(image), config.Settings{}, versionSource{version: image}, ""},
		"like's bundle":                  {UpRequest{Like: "main"}, nil, runs(bundle), config.Settings{}, versionSource{key: "x/1.zip"}, ""},
		"like's, itself being half made": {UpRequest{Like: "main"}, &facts{}, runs(image), config.Settings{}, versionSource{version: image}, ""},
		"like runs nothing":              {UpRequest{Branch: "a", Like: "main"}, nil, &facts{}, config.Settings{}, versionSource{}, `the environment of "main" has no version that could be taken over`},
		"like is not there":              {UpRequest{Branch: "a", Like: "main"}, nil, nil, config.Settings{}, versionSource{}, `branch "main" has no environment to copy`},
		"nothing":                        {UpRequest{Branch: "a"}, nil, nil, config.Settings{}, versionSource{}, `no version given for branch "a"`},
		"half made":                      {UpRequest{Branch: "a"}, &facts{last: updated(t, nil)}, nil, config.Settings{}, versionSource{}, `no version given for branch "a"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := chooseVersion(test.request, test.before, test.like, test.settings, "shop")
			if test.err != "" {
				fails(t, err, fault.Usage, test.err)
				return
			}
			if err != nil || got != test.want {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

func TestResolveBundle(t *testing.T) {
	t.Parallel()
	const sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // of "abc", FIPS 180-2
	file := filepath.Join(t.TempDir(), "App.ZIP")
	write(t, file, "abc")
	copied := digest("main/1.zip", 64)
	tests := map[string]struct {
		source versionSource
		want   Version
		from   aws.Object
	}{
		"file":      {versionSource{bundle: file}, Version{Label: "login-ba7816bf8f01", BundleKey: "login/" + sum + ".zip"}, aws.Object{}},
		"another's": {versionSource{key: "main/1.zip"}, Version{Label: "login-" + copied[:12], BundleKey: "login/" + copied + ".zip"}, aws.Object{Key: "main/1.zip"}},
		"image":     {versionSource{version: Version{Image: "app:1"}}, Version{Image: "app:1"}, aws.Object{}},
		"kept":      {versionSource{version: Version{Label: "l", BundleKey: "login/k"}}, Version{Label: "l", BundleKey: "login/k"}, aws.Object{}},
	}
	for name, test := range tests {
		spec := Spec{Stack: "login"}
		from, err := test.source.resolve(t.Context(), nil, &spec)
		if err != nil || from != test.from || spec.Version != test.want {
			t.Errorf("%s: %+v from %+v, %v; want %+v from %+v", name, spec.Version, from, err, test.want, test.from)
		}
	}
	for _, bad := range []string{filepath.Join(t.TempDir(), "none.zip"), t.TempDir()} {
		_, err := versionSource{bundle: bad}.resolve(t.Context(), nil, &Spec{Stack: "login"})
		if fault.Code(err) != fault.Usage || !strings.HasPrefix(message(err), "read the bundle: ") {
			t.Errorf("%s: error %v, code %d", bad, err, fault.Code(err))
		}
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
			got, err := chooseBackend(ManagerOptions{
				File:    &config.File{Backend: test.backend, Dir: test.dir, Path: test.dir + "/branchenv.yaml"},
				Backend: test.given,
				Env:     func(name string) string { return map[string]string{"CI": test.ci}[name] },
			})
			if test.err != "" {
				fails(t, err, fault.Usage, test.err)
				return
			}
			if err != nil || got != test.want {
				t.Errorf("%q, %v; want %q", got, err, test.want)
			}
		})
	}
}

// A folder's name may hold what has a meaning in a URL: what is written there is read back.
func TestOddFolder(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "100% #1?")
	address, err := fileBackend(folder)
	if err != nil {
		t.Fatal(err)
	}
	b, err := openDIY(t.Context(), address, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.setTags(t.Context(), "x", map[string]string{"a": "b"}); err != nil {
		t.Error(err)
	}
	if err := b.close(); err != nil {
		t.Error(err)
	}
	u, err := os.ReadDir(filepath.Dir(folder))
	if err != nil || len(u) != 1 || u[0].Name() != "100% #1?" {
		t.Errorf("folders %v, %v", u, err)
	}
}

func TestOpenBackendRefuses(t *testing.T) {
	t.Parallel()
	_, err := openBackend(t.Context(), "gs://bucket", "shop", nil)
	fails(t, err, fault.Usage, "backend gs://bucket is not of a kind that branchenv reads")
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
		want             stackConfig
	}{
		"bare": {state: "{}", want: stackConfig{Config: map[string]any{"aws:region": "eu-central-1", "aws:defaultTags": map[string]any{"tags": own}}}},
		"all": {
			settings: "tags: {team: web}", branch: "Ünï#1", extra: []string{"AWS_ENDPOINT_URL=http://127.0.0.1:1"}, spec: spec,
			state: `{"type": "passphrase", "state": {"salt": "v1:abc"}}`,
			want: stackConfig{EncryptionSalt: "v1:abc", Config: map[string]any{
				"aws:region": "eu-central-1", "aws:s3UsePathStyle": true, "shop:environment": spec,
				"aws:defaultTags": map[string]any{"tags": map[string]any{"branchenv:project": "shop", "branchenv:stack": "x", "branchenv:branch": "Ünï_1", "team": "web"}},
			}},
		},
		"S3 alone elsewhere": {
			extra: []string{"AWS_ENDPOINT_URL_S3=http://127.0.0.1:1"}, state: `{"type": "cloud", "state": {"url": "awskms://alias/b", "encryptedkey": "k"}}`,
			want: stackConfig{SecretsProvider: "awskms://alias/b", EncryptedKey: "k", Config: map[string]any{
				"aws:region": "eu-central-1", "aws:s3UsePathStyle": true, "aws:defaultTags": map[string]any{"tags": own},
			}},
		},
		"the service's secrets": {state: `{"type": "service", "state": {"url": "https://api.pulumi.com"}}`, want: stackConfig{Config: map[string]any{"aws:region": "eu-central-1", "aws:defaultTags": map[string]any{"tags": own}}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := manager(t, test.settings)
			m.Extra = test.extra
			var s state
			if test.state != "" {
				if err := json.Unmarshal([]byte(test.state), &s.SecretsProviders); err != nil {
					t.Fatal(err)
				}
			}
			got, err := m.stackConfig("x", test.branch, specKey, test.spec, s)
			if err != nil {
				t.Fatal(err)
			}
			got.Config = plain(t, got.Config)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	var s state
	s.SecretsProviders.Type, s.SecretsProviders.State = "passphrase", json.RawMessage(`[`)
	if _, err := (stackConfig{}).withSecrets(s.SecretsProviders.Type, s.SecretsProviders.State); !strings.HasPrefix(message(err), "read the state's secrets provider: ") {
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
func TestStandingConfigKeepsTheSpec(t *testing.T) {
	t.Parallel()
	m, spec := manager(t, ""), branchSpec()
	c, err := m.standing(&facts{name: spec.Stack, last: updated(t, &spec)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(plain(t, c.Config)["shop:"+specKey])
	if err != nil {
		t.Fatal(err)
	}
	var kept Spec
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(spec, kept); diff != "" {
		t.Errorf("(-was +kept):\n%s", diff)
	}
	if c, err = m.standing(&facts{name: spec.Stack}); err != nil || len(c.Config) != 2 {
		t.Errorf("without an update: %+v, %v", c, err)
	}
}

func TestSpecify(t *testing.T) {
	t.Parallel()
	m := manager(t, "branches: [{match: main, kind: production}, {match: big, instances: {type: m7g.large}}]")
	like := facts{name: "big", tags: map[string]string{tagBranch: "big", tagHost: "big"}}
	copied := facts{name: "copy", tags: map[string]string{tagBranch: "copy", tagHost: "copy", tagLike: "big"}}
	kept := map[string]string{
		tagBranch: "login", tagHost: "chosen-once", tagBucket: "aaaaaa", tagCreated: "2026-01-01T00:00:00Z", tagLike: "big",
		"owner": "ada", tagKind: "old", tagProtected: "true",
	}
	tests := map[string]struct {
		request  UpRequest
		before   *facts
		tags     map[string]string
		instance string
	}{
		"new": {UpRequest{Image: "i"}, nil, map[string]string{
			tagProject: "shop", tagStack: "login", tagBranch: "login", tagHost: "login", tagBucket: "*", tagCreated: "2026-03-01T12:00:00Z",
			tagKind: "branch", tagProtected: "false",
		}, "t3.micro"},
		"new, like another": {UpRequest{Image: "i", Like: "big"}, nil, map[string]string{
			tagProject: "shop", tagStack: "login", tagBranch: "login", tagHost: "login", tagBucket: "*", tagCreated: "2026-03-01T12:00:00Z",
			tagKind: "branch", tagProtected: "false", tagLike: "big",
		}, "m7g.large"},
		"new, like a copy": {UpRequest{Image: "i", Like: "copy"}, nil, map[string]string{
			tagProject: "shop", tagStack: "login", tagBranch: "login", tagHost: "login", tagBucket: "*", tagCreated: "2026-03-01T12:00:00Z",
			tagKind: "branch", tagProtected: "false", tagLike: "big",
		}, "m7g.large"},
		"decided once stays": {UpRequest{Image: "i", Like: "main"}, &facts{name: "login", tags: kept}, map[string]string{
			tagProject: "shop", tagStack: "login", tagBranch: "login", tagHost: "chosen-once", tagBucket: "aaaaaa",
			tagCreated: "2026-01-01T00:00:00Z", tagUpdated: "2026-01-01T00:00:00Z", tagKind: "branch", tagProtected: "false", tagLike: "big", "owner": "ada",
		}, "m7g.large"},
		"like only at creation": {UpRequest{Image: "i", Like: "big"}, &facts{name: "login", tags: map[string]string{tagBranch: "login", tagHost: "h", tagBucket: "b", tagCreated: "c"}}, map[string]string{
			tagProject: "shop", tagStack: "login", tagBranch: "login", tagHost: "h", tagBucket: "b", tagCreated: "c", tagKind: "branch", tagProtected: "false",
		}, "t3.micro"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := test.request
			r.Branch, r.Timeout = "login", 10*time.Minute
			u := &undertaking{before: test.before}
			if err := m.specify(u, r, "login", map[string]*facts{"big": &like, "copy": &copied}[r.Like], "login"); err != nil {
				t.Fatal(err)
			}
			if test.tags[tagBucket] == "*" && regexp.MustCompile(`^[a-z0-9]{6}$`).MatchString(u.tags[tagBucket]) {
				test.tags[tagBucket] = u.tags[tagBucket]
			}
			if diff := cmp.Diff(test.tags, u.tags); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
			want := Spec{
				Project: "shop", Region: "eu-central-1", Branch: "login", Stack: "login", Kind: "branch", Host: u.tags[tagHost],
				Domain: "preview.example.com", BucketSuffix: u.tags[tagBucket], Settings: u.spec.Settings,
			}
			if diff := cmp.Diff(want, u.spec); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
			if s := u.spec.Settings; s.Instances.Type != test.instance || s.Timeout != config.Duration(10*time.Minute) {
				t.Errorf("settings %+v", s)
			}
		})
	}
	if kept[tagKind] != "old" {
		t.Error("the facts' own tags were changed")
	}
}

func TestUnprotected(t *testing.T) {
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
		f := facts{name: test.stack, tags: map[string]string{tagProtected: test.tag, tagKind: "staging"}}
		err := manager(t, settings).unprotected(f, test.branch)
		if test.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		fails(t, err, fault.Refused, test.want)
	}
}

// A bucket that keeps what is in it is found before anything of its stack is destroyed.
func TestMayEmpty(t *testing.T) {
	t.Parallel()
	bucket := func(id string, inputs map[string]any) stateResource {
		return stateResource{ID: id, Type: typeBucket, Inputs: inputs}
	}
	good := bucket("a", map[string]any{"forceDestroy": true})
	if err := mayEmpty("x", []stateResource{good}); err != nil {
		t.Error(err)
	}
	for _, inputs := range []map[string]any{nil, {"forceDestroy": false}, {"forceDestroy": "true"}} {
		err := mayEmpty("x", []stateResource{good, bucket("b", inputs)})
		fails(t, err, fault.Refused, "bucket b of stack x may not be emptied: it was made without forceDestroy")
	}
}

func TestApplicationReady(t *testing.T) {
	t.Parallel()
	ready := facts{name: ApplicationStack, state: stateOf(map[string]any{outVersionsBucket: "b", outDomain: "example.com"})}
	if err := applicationReady(&ready, "example.com"); err != nil {
		t.Error(err)
	}
	fails(t, applicationReady(&ready, "example.org"), fault.Usage,
		"the application stack, with its certificate, was made for domain example.com, and the settings name example.org")
	for _, f := range []*facts{nil, {name: ApplicationStack}, {name: ApplicationStack, state: stateOf(nil)}} {
		fails(t, applicationReady(f, "example.com"), fault.Usage, "the application stack, which all environments share, does not exist yet")
	}
}

func TestOwnsApplication(t *testing.T) {
	t.Parallel()
	theirs := stateIn(ApplicationStack, nil, typeBucket)
	theirs.Resources[1].Outputs = map[string]any{"tagsAll": map[string]any{tagProject: "shop", tagStack: "x"}}
	for name, test := range map[string]struct {
		facts facts
		owned bool
	}{
		"own":             {facts{tags: map[string]string{tagStack: ApplicationStack}, state: stateIn(ApplicationStack, nil, typeBucket)}, true},
		"another's state": {facts{tags: map[string]string{tagStack: ApplicationStack}, state: theirs}, false},
		"empty, untagged": {facts{}, true},
		"untagged":        {facts{state: stateIn(ApplicationStack, nil, typeBucket)}, false},
		"not AWS":         {facts{state: stateIn(ApplicationStack, nil, "random:index/randomId:RandomId")}, false},
	} {
		test.facts.name, test.facts.project = ApplicationStack, "shop"
		if err := ownsApplication(place{project: "shop"}, test.facts); (err == nil) != test.owned || err != nil && fault.Code(err) != fault.Refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}
