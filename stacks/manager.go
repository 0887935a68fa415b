// Package stacks manages the stacks of one project: up, preview, destroy, list, show, keep, adopt and doctor.
//
// An operation first reads the facts, then decides by pure functions, and only then acts. Every step may be interrupted;
// the next run of the same command continues after the last completed one.
package stacks

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks/names"
)

// ManagerOptions say what a Manager works on.
type ManagerOptions struct {
	File    *config.File        // the settings
	Env     func(string) string // the environment's variables; required
	Observe operation.Observer  // told what happens; may be nil
	Stop    *operation.Stopper  // may be nil
	// Source is the repository that the settings name. nil: stacks neither record nor compare whose branches they follow.
	Source Source
	// Extra are variables (NAME=value) that count before the environment's, for pulumi and for branchenv's own AWS
	// calls: those of an AWS that is not the real one.
	Extra []string
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Pulumi is the path of the pulumi to run. Default: the one on PATH, else the one beside the running program.
	Pulumi string
	// State is used instead of opening a backend, and closed with the Manager; may be nil.
	State backend.Backend
	// Backend counts before the settings' backend and may be a file even in CI: the state of an AWS that is not the
	// real one must not mix with the team's. Empty: the settings' backend.
	Backend string
}

// Manager creates, updates, reads and destroys the stacks of one project. It may be used by several goroutines.
type Manager struct {
	ManagerOptions
	backend    backend.Backend
	backendURL string
	aws        *aws.Client
	started    func() // told of each process of pulumi, for counting; may be nil
	naming     sync.Mutex
	asking     sync.Mutex       // for what is asked once:
	account    string           // the credentials' AWS account
	source     names.Repository // of Source
	pulumi     *engine.Process  // the pulumi that was found
}

// Open opens the backend; it starts no process and asks AWS nothing. Close the Manager after use.
func Open(ctx context.Context, o ManagerOptions) (*Manager, error) {
	o.Observe = o.Observe.OneAtATime()
	if o.Now == nil {
		o.Now = time.Now
	}
	m := &Manager{ManagerOptions: o, backend: o.State}
	var err error
	if m.backendURL, err = chooseBackend(o); err != nil {
		return nil, err
	}
	if m.backend == nil {
		if m.backend, err = backend.Open(ctx, m.backendURL, o.File.Project, m.variable); err != nil {
			return nil, err
		}
	}
	if m.aws, err = aws.Open(ctx, aws.Options{Region: o.File.Region, Endpoint: extraEndpoint(o.Extra)}); err != nil {
		return nil, errors.Join(err, m.backend.Close())
	}
	return m, nil
}

// Close ends what Open began.
func (m *Manager) Close() error { return m.backend.Close() }

// variable is an environment variable, those of Extra first.
func (m *Manager) variable(name string) string {
	if value := engine.Variable(m.Extra, name); value != "" {
		return value
	}
	return m.Env(name)
}

// extraEndpoint is the AWS that the extra variables name, or nil where they name none.
func extraEndpoint(extra []string) *aws.Endpoint {
	address := engine.Variable(extra, "AWS_ENDPOINT_URL")
	if address == "" {
		return nil
	}
	return &aws.Endpoint{URL: address, AccessKey: engine.Variable(extra, "AWS_ACCESS_KEY_ID"), SecretKey: engine.Variable(extra, "AWS_SECRET_ACCESS_KEY")}
}

// chooseBackend decides where the state lies.
func chooseBackend(o ManagerOptions) (string, error) {
	switch {
	case o.Backend != "":
		return o.Backend, nil
	case o.File.Backend != "":
		return backend.Resolve(o.File.Backend, o.File.Dir)
	case o.Env("PULUMI_BACKEND_URL") != "":
		return backend.Resolve(o.Env("PULUMI_BACKEND_URL"), o.File.Dir)
	case o.Env("CI") != "":
		return "", fault.Usagef("no backend in %s: the default, a folder beside it, would be lost with this CI machine, and every environment with it", o.File.Path).
			WithHint("write backend: s3://BUCKET (a bucket of yours), or https://api.pulumi.com")
	}
	return backend.FolderURL(filepath.Join(o.File.Dir, ".branchenv", "state"))
}

// engine finds pulumi and prepares its environment.
func (m *Manager) engine(ctx context.Context) (*engine.Engine, error) {
	return m.engineOn(ctx, m.backendURL)
}

func (m *Manager) engineOn(ctx context.Context, backendURL string) (*engine.Engine, error) {
	address, err := url.Parse(backendURL)
	if err != nil {
		return nil, fault.Usagef("backend %s is not a URL: %w", backendURL, err)
	}
	env := slices.Concat(m.Extra, []string{"PULUMI_BACKEND_URL=" + backend.WithoutAttributes(address).String()})
	e := &engine.Engine{Project: m.File.Project, Locked: func(stack string) error { return m.Where().Locked(stack) }, Observe: m.Observe, SecretsProvider: m.File.SecretsProvider, Restoring: m.backend.RestoreCommand}
	// Without a passphrase variable pulumi fails; an empty one is what a person's own machine starts with.
	if e.SecretsProvider == "" && m.backend.SelfManaged() {
		e.SecretsProvider = engine.Passphrase
		if m.variable("PULUMI_CONFIG_PASSPHRASE") == "" && m.variable("PULUMI_CONFIG_PASSPHRASE_FILE") == "" {
			env = append(env, "PULUMI_CONFIG_PASSPHRASE=")
			e.PlainPassphrase = true
		}
	}
	if e.Pulumi, err = m.findPulumi(ctx, env); err != nil {
		return nil, err
	}
	e.Pulumi.Started = m.started
	if backendURL == m.backendURL {
		e.Pulumi.Hold = m.backend.Hold
	}
	return e, nil
}

// findPulumi looks for pulumi once; many environments may be worked on.
func (m *Manager) findPulumi(ctx context.Context, env []string) (*engine.Process, error) {
	m.asking.Lock()
	defer m.asking.Unlock()
	if m.pulumi == nil {
		found, err := engine.Find(ctx, m.Pulumi, env, m.Stop)
		if err != nil {
			return nil, err
		}
		m.pulumi = found
	}
	p := *m.pulumi
	p.Env = env
	return &p, nil
}

// Facts returns what the backend knows of every stack. It warns if there is none and the backend has other projects.
func (m *Manager) Facts(ctx context.Context) ([]backend.Facts, error) {
	all, err := m.backend.List(ctx)
	if err == nil && len(all) == 0 {
		m.warnOfOthers(ctx)
	}
	return all, err
}

// FactsOf returns what the backend knows of one stack; nil if there is none.
func (m *Manager) FactsOf(ctx context.Context, stack string) (*backend.Facts, error) {
	return m.backend.Read(ctx, stack)
}

// SweepWorkDirs removes what killed runs left behind for stacks that do not exist.
func (m *Manager) SweepWorkDirs(exists map[string]bool) error {
	return engine.SweepGone(m.File.Project, exists)
}

// StateBackend is where the stacks are kept.
func (m *Manager) StateBackend() backend.Backend { return m.backend }

// Location is where the stacks are kept, for people and for pulumi's own commands.
func (m *Manager) Location() backend.Location { return m.backend.Where() }

// Tell tells the Manager's observer about a stack.
func (m *Manager) Tell(stack string, e operation.Event) { m.tell(stack, e) }

func (m *Manager) tell(stack string, e operation.Event) {
	if m.Observe != nil {
		e.Stack, e.Time = stack, m.Now()
		e.Message = fault.Line(e.Message)
		m.Observe(e)
	}
}

// stackConfig is the configuration of a stack whose program is given its spec under key.
func (m *Manager) stackConfig(stack, branch, key string, spec any, s backend.State) (engine.Config, error) {
	tags := maps.Clone(m.File.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[names.TagProject], tags[names.TagStack] = m.File.Project, stack
	if branch != "" {
		tags[names.TagBranch] = names.TagValue(branch)
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
			return engine.Config{}, err
		}
		c[m.File.Project+":"+key] = json.RawMessage(text)
	}
	return engine.Config{Config: c}.WithSecrets(s.SecretsProviders.Type, s.SecretsProviders.State)
}
