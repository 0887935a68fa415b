package stacks

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/fault"
)

// ManagerOptions say what a Manager works on.
type ManagerOptions struct {
	File    *config.File        // the settings
	Env     func(string) string // the environment's variables; required
	Observe Observer            // told what happens; may be nil
	Stop    *Stopper            // may be nil
	// Source is the repository that the settings name. nil: stacks neither record nor compare whose branches they follow.
	Source Source
	// Extra are variables (NAME=value) that count before the environment's, for pulumi and for branchenv's own AWS
	// calls: those of an AWS that is not the real one.
	Extra []string
	// Backend counts before the settings' backend and may be a file even in CI: the state of an AWS that is not the
	// real one must not mix with the team's. Empty: the settings' backend.
	Backend string
}

// Manager creates, updates, reads and destroys the stacks of one project. It may be used by several goroutines.
type Manager struct {
	ManagerOptions
	backend    backend
	backendURL string
	aws        *aws.Client
	now        func() time.Time
	started    func() // told of each process of pulumi, for counting; may be nil
	naming     sync.Mutex
	asking     sync.Mutex // for what is asked once:
	account    string     // the credentials' AWS account
	source     Identity   // of Source
	pulumi     *process   // the pulumi that was found
}

// Open opens the backend; it starts no process and asks AWS nothing. Close the Manager after use.
func Open(ctx context.Context, o ManagerOptions) (*Manager, error) {
	o.Observe = o.Observe.oneAtATime()
	m := &Manager{ManagerOptions: o, now: time.Now}
	var err error
	if m.backendURL, err = chooseBackend(o); err != nil {
		return nil, err
	}
	if m.backend, err = openBackend(ctx, m.backendURL, o.File.Project, m.variable); err != nil {
		return nil, err
	}
	if m.aws, err = aws.Open(ctx, aws.Options{Region: o.File.Region, Endpoint: extraEndpoint(o.Extra)}); err != nil {
		return nil, errors.Join(err, m.backend.close())
	}
	return m, nil
}

// Close ends what Open began.
func (m *Manager) Close() error { return m.backend.close() }

// variable is an environment variable, those of Extra first.
func (m *Manager) variable(name string) string {
	if value := lookup(m.Extra, name); value != "" {
		return value
	}
	return m.Env(name)
}

func lookup(variables []string, name string) string {
	for _, v := range slices.Backward(variables) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// extraEndpoint is the AWS that the extra variables name, or nil where they name none.
func extraEndpoint(extra []string) *aws.Endpoint {
	address := lookup(extra, "AWS_ENDPOINT_URL")
	if address == "" {
		return nil
	}
	return &aws.Endpoint{URL: address, AccessKey: lookup(extra, "AWS_ACCESS_KEY_ID"), SecretKey: lookup(extra, "AWS_SECRET_ACCESS_KEY")}
}

// chooseBackend decides where the state lies.
func chooseBackend(o ManagerOptions) (string, error) {
	switch {
	case o.Backend != "":
		return o.Backend, nil
	case o.File.Backend != "":
		return resolveBackend(o.File.Backend, o.File.Dir)
	case o.Env("PULUMI_BACKEND_URL") != "":
		return resolveBackend(o.Env("PULUMI_BACKEND_URL"), o.File.Dir)
	case o.Env("CI") != "":
		return "", fault.Usagef("no backend in %s: the default, a folder beside it, would be lost with this CI machine, and every environment with it", o.File.Path).
			WithHint("write backend: s3://BUCKET (a bucket of yours), or https://api.pulumi.com")
	}
	return fileBackend(filepath.Join(o.File.Dir, ".branchenv", "state"))
}

// resolveBackend makes a relative file:// URL absolute, from the settings' folder.
func resolveBackend(backend, dir string) (string, error) {
	path, ok := strings.CutPrefix(backend, "file://")
	if !ok {
		return backend, nil
	}
	path, query, _ := strings.Cut(path, "?")
	path, err := url.PathUnescape(path)
	if err != nil {
		return "", fault.Usagef("backend %s is not a URL: %w", backend, err).WithHint("write %%25 for a %% in the folder's name")
	}
	if rest, home := strings.CutPrefix(path, "~"); home {
		base, err := os.UserHomeDir()
		if err != nil {
			return "", fault.Usagef("backend %s: %w", backend, err)
		}
		path = filepath.Join(base, rest)
	} else if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	absolute, err := fileBackend(path)
	if query != "" {
		absolute += "?" + query
	}
	return absolute, err
}

func fileBackend(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String(), nil
}

// openBackend opens what a backend's URL names.
func openBackend(ctx context.Context, address, project string, env func(string) string) (backend, error) {
	scheme, _, _ := strings.Cut(address, "://")
	switch scheme {
	case "file", "s3":
		return openDIY(ctx, address, project)
	case "https", "http":
		return openCloud(address, project, env)
	}
	return nil, fault.Usagef("backend %s is not of a kind that branchenv reads", address).WithHint("use s3://BUCKET, https://api.pulumi.com or file://FOLDER")
}

// engine finds pulumi and prepares its environment.
func (m *Manager) engine(ctx context.Context) (*engine, error) { return m.engineOn(ctx, m.backendURL) }

func (m *Manager) engineOn(ctx context.Context, backendURL string) (*engine, error) {
	address, err := url.Parse(backendURL)
	if err != nil {
		return nil, fault.Usagef("backend %s is not a URL: %w", backendURL, err)
	}
	env := slices.Concat(m.Extra, []string{"PULUMI_BACKEND_URL=" + withoutAttributes(address).String()})
	e := &engine{project: m.File.Project, place: m.where(), observe: m.Observe, secretsProvider: m.File.SecretsProvider, restoring: m.restoring}
	// Without a passphrase variable pulumi fails; an empty one is what a person's own machine starts with.
	if e.secretsProvider == "" && m.backend.selfManaged() {
		e.secretsProvider = passphrase
		if m.variable("PULUMI_CONFIG_PASSPHRASE") == "" && m.variable("PULUMI_CONFIG_PASSPHRASE_FILE") == "" {
			env = append(env, "PULUMI_CONFIG_PASSPHRASE=")
			e.plainPassphrase = true
		}
	}
	if e.pulumi, err = m.findPulumi(ctx, env); err != nil {
		return nil, err
	}
	e.pulumi.started = m.started
	if backendURL == m.backendURL {
		e.pulumi.hold = m.backend.hold
	}
	return e, nil
}

// findPulumi looks for pulumi once; many environments may be worked on.
func (m *Manager) findPulumi(ctx context.Context, env []string) (*process, error) {
	m.asking.Lock()
	defer m.asking.Unlock()
	if m.pulumi == nil {
		found, err := findPulumi(ctx, env, m.Stop)
		if err != nil {
			return nil, err
		}
		m.pulumi = found
	}
	p := *m.pulumi
	p.env = env
	return &p, nil
}

func (m *Manager) tell(stack string, e Event) {
	if m.Observe != nil {
		e.Stack, e.Time = stack, m.now()
		e.Message = fault.Line(e.Message)
		m.Observe(e)
	}
}

// stackConfig is the configuration of a stack whose program is given its spec under key.
func (m *Manager) stackConfig(stack, branch, key string, spec any, s state) (stackConfig, error) {
	tags := maps.Clone(m.File.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[tagProject], tags[tagStack] = m.File.Project, stack
	if branch != "" {
		tags[tagBranch] = TagValue(branch)
	}
	c := map[string]any{
		"aws:region":      m.File.Region,
		"aws:defaultTags": map[string]any{"tags": tags},
	}
	if m.variable("AWS_ENDPOINT_URL") != "" || m.variable("AWS_ENDPOINT_URL_S3") != "" {
		c["aws:s3UsePathStyle"] = true // an endpoint of one's own rarely has a DNS name for each bucket
	}
	if spec != nil {
		text, err := json.Marshal(spec)
		if err != nil {
			return stackConfig{}, err
		}
		c[m.File.Project+":"+key] = json.RawMessage(text)
	}
	return stackConfig{Config: c}.withSecrets(s)
}

// randomSuffix makes a name new: 6 characters a-z0-9, 2 billion of them.
func randomSuffix() (string, error) {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	var b strings.Builder
	for range 6 {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			return "", fault.Failedf("read random numbers: %w", err)
		}
		b.WriteByte(letters[n.Int64()])
	}
	return b.String(), nil
}
