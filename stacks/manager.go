// Package stacks manages the stacks of one project: up, preview, destroy, list, show, keep, adopt and doctor.
//
// An operation first reads the facts, then decides by pure functions, and only then acts. Every step may be interrupted;
// the next run of the same command continues after the last completed one.
package stacks

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/platform"
)

// Options say what a Manager works on.
type Options struct {
	// File holds the settings. Required.
	File *config.File
	// Env returns the environment's variables. Required.
	Env func(string) string
	// Source is the repository that the settings name. Default: none; stacks then neither record nor compare whose branches
	// they follow.
	Source Source
	// Extra are variables (NAME=value) that take precedence over the environment's, for pulumi and for branchenv's own AWS
	// calls. They name an AWS that is not the real one.
	Extra []string
	// Backend is the URL of a backend that replaces the settings' one. It may be a file even in CI: the state of an AWS that
	// is not the real one must not mix with the team's. Default: the settings' backend.
	Backend string
	// State is used instead of opening a backend, and closed with the Manager. Default: the backend is opened by its URL.
	State backend.Backend
	// Pulumi is the path of the pulumi to run. Default: the one on PATH, else the one beside the running program.
	Pulumi string
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Manager runs operations on the stacks of one project. It is a thin value: what the operations share, and the observer
// and stopper of its own ones (see With). Any number of operations may run at once.
type Manager struct {
	*project
	operation.Control
}

// project is what the operations on one project share. It is safe for several goroutines.
type project struct {
	file     *config.File
	backend  backend.Backend
	aws      *aws.Client
	platform platform.Platform
	source   *source
	launcher *launcher
	now      func() time.Time
	account  onceOK[string] // the AWS account of the credentials
	naming   sync.Mutex     // held while a host label is chosen and recorded
}

// Open opens the backend. It starts no process and asks AWS nothing. The Manager must be closed after use.
func Open(ctx context.Context, o Options) (Manager, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	address, err := chooseBackend(o)
	if err != nil {
		return Manager{}, err
	}
	l := &launcher{file: o.File, env: o.Env, extra: o.Extra, path: o.Pulumi, address: address}
	if l.backend = o.State; l.backend == nil {
		if l.backend, err = backend.Open(ctx, address, o.File.Project, l.variable); err != nil {
			return Manager{}, err
		}
	}
	client, err := aws.Open(ctx, aws.Options{Region: o.File.Region, Endpoint: extraEndpoint(o.Extra)})
	if err != nil {
		return Manager{}, errors.Join(err, l.backend.Close())
	}
	return Manager{project: &project{
		file: o.File, backend: l.backend, aws: client, platform: platform.Beanstalk{AWS: client, Project: o.File.Project},
		source: &source{Source: o.Source}, launcher: l, now: o.Now,
	}}, nil
}

// With returns a Manager whose operations tell c.Observe what happens and end early when c.Stop asks for it. It shares all
// else with m; only one of them must be closed.
func (m Manager) With(c operation.Control) Manager {
	c.Observe = c.Observe.Serialized()
	return Manager{project: m.project, Control: c}
}

// Close closes the backend.
func (m Manager) Close() error { return m.backend.Close() }

// Location returns where the stacks are kept.
func (m Manager) Location() backend.Location { return m.backend.Location() }

// State returns the backend that keeps the stacks.
func (m Manager) State() backend.Backend { return m.backend }

// Settings returns the settings.
func (m Manager) Settings() *config.File { return m.file }

// Now returns the time by the Manager's clock.
func (m Manager) Now() time.Time { return m.now() }

// Facts returns what the backend knows of every stack. It warns if there is no stack and the backend has other projects.
func (m Manager) Facts(ctx context.Context) ([]backend.Facts, error) {
	all, err := m.backend.List(ctx)
	if err == nil && len(all) == 0 {
		m.warnOfOtherProjects(ctx)
	}
	return all, err
}

// SweepWorkDirs removes what killed runs left behind for stacks that do not exist.
func (m Manager) SweepWorkDirs(exists map[string]bool) error {
	return engine.SweepDeletedStacks(m.file.Project, exists)
}

// Tell tells the observer about a stack.
func (m Manager) Tell(stack string, e operation.Event) {
	if m.Observe != nil {
		e.Stack, e.Time = stack, m.now()
		e.Message = e.Message.Line()
		m.Observe(e)
	}
}

func (m Manager) warn(stack, message string) {
	m.Tell(stack, operation.Event{Kind: operation.Warning, Message: fault.Textf("%s", message)})
}

func (m Manager) note(stack, message string) {
	m.Tell(stack, operation.Event{Kind: operation.Note, Message: fault.Textf("%s", message)})
}

func (m Manager) step(stack, name string) {
	m.Tell(stack, operation.Event{Kind: operation.Step, Op: name})
}

// chooseBackend returns the URL of the backend that keeps the state.
func chooseBackend(o Options) (string, error) {
	switch {
	case o.Backend != "":
		return o.Backend, nil
	case o.File.Backend != "":
		return backend.ResolveURL(o.File.Backend, o.File.Dir)
	case o.Env("PULUMI_BACKEND_URL") != "":
		return backend.ResolveURL(o.Env("PULUMI_BACKEND_URL"), o.File.Dir)
	case o.Env("CI") != "":
		return "", fault.Usagef("no backend in %s: the default, a folder beside it, would be lost with this CI machine, and every environment with it", o.File.Path).
			WithHint("write backend: s3://BUCKET (a bucket of yours), or https://api.pulumi.com")
	}
	return backend.FolderURL(filepath.Join(o.File.Dir, ".branchenv", "state"))
}

// extraEndpoint returns the AWS that the extra variables name, or nil if they name none.
func extraEndpoint(extra []string) *aws.Endpoint {
	address := engine.Variable(extra, "AWS_ENDPOINT_URL")
	if address == "" {
		return nil
	}
	return &aws.Endpoint{
		URL: address, AccessKey: engine.Variable(extra, "AWS_ACCESS_KEY_ID"), SecretKey: engine.Variable(extra, "AWS_SECRET_ACCESS_KEY"),
	}
}

// onceOK keeps the first value that was read without an error.
type onceOK[T any] struct {
	mu    sync.Mutex
	known bool
	value T
}

// get returns the kept value, or reads it. Only one goroutine reads at a time.
func (o *onceOK[T]) get(read func() (T, error)) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known {
		return o.value, nil
	}
	value, err := read()
	if err == nil {
		o.value, o.known = value, true
	}
	return value, err
}
