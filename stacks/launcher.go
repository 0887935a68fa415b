package stacks

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/engine"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks/names"
)

// launcher finds pulumi and prepares what it is run with: its variables and the configuration of stacks.
type launcher struct {
	file    *config.File
	env     func(string) string
	extra   []string // variables that take precedence over env
	path    string   // of pulumi; "" for the one that is found
	address string   // of the backend
	backend backend.Backend
	found   onceOK[*engine.Process]
	started func() // called for each process of pulumi, for counting; may be nil
}

// variable returns a variable: the extra one, else the environment's.
func (l *launcher) variable(name string) string {
	if value := engine.Variable(l.extra, name); value != "" {
		return value
	}
	return l.env(name)
}

// engine returns an engine over the backend, or over another one at address if that is not empty.
func (l *launcher) engine(ctx context.Context, c operation.Control, address string) (*engine.Engine, error) {
	own := address == ""
	if own {
		address = l.address
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fault.Usagef("backend %s is not a URL: %w", address, err)
	}
	env := slices.Concat(l.extra, []string{"PULUMI_BACKEND_URL=" + backend.WithoutAttributes(u).String()})
	e := &engine.Engine{
		Project: l.file.Project, LockedError: func(stack string) error { return l.backend.Location().LockedError(stack) }, Observe: c.Observe,
		SecretsProvider: l.file.SecretsProvider, RestoreCommand: l.backend.RestoreCommand,
	}
	// Without a passphrase variable pulumi fails; an empty one is what a person's own machine starts with.
	if e.SecretsProvider == "" && l.backend.SelfManaged() {
		e.SecretsProvider = engine.Passphrase
		if l.variable("PULUMI_CONFIG_PASSPHRASE") == "" && l.variable("PULUMI_CONFIG_PASSPHRASE_FILE") == "" {
			env = append(env, "PULUMI_CONFIG_PASSPHRASE=")
			e.EmptyPassphrase = true
		}
	}
	found, err := l.found.get(func() (*engine.Process, error) { return engine.Find(ctx, l.path, env, c.Stop) })
	if err != nil {
		return nil, err
	}
	p := *found
	p.Env, p.Stop, p.OnStart = env, c.Stop, l.started
	if own {
		p.Hold = l.backend.Hold
	}
	e.Pulumi = &p
	return e, nil
}

// config returns the configuration of a stack whose program is given spec under key; spec may be nil. s is the stack's
// state, which says how its secrets are encrypted. branch is "" for the application stack.
func (l *launcher) config(stack, branch, key string, spec any, s backend.State) (engine.Config, error) {
	tags := maps.Clone(l.file.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[names.TagProject], tags[names.TagStack] = l.file.Project, stack
	if branch != "" {
		tags[names.TagBranch] = names.TagValue(branch)
	}
	c := map[string]any{
		"aws:region":      l.file.Region,
		"aws:defaultTags": map[string]any{"tags": tags},
	}
	if l.variable("AWS_ENDPOINT_URL") != "" || l.variable("AWS_ENDPOINT_URL_S3") != "" {
		c["aws:s3UsePathStyle"] = true // an endpoint of one's own rarely has a DNS name for each bucket
	}
	if spec != nil {
		text, err := json.Marshal(spec)
		if err != nil {
			return engine.Config{}, err
		}
		c[l.file.Project+":"+key] = json.RawMessage(text)
	}
	return engine.Config{Config: c}.WithSecretsProvider(s.SecretsProviders.Type, s.SecretsProviders.State)
}

// lastConfig returns the configuration with which a stack was last updated, for what is done to it without its program: the
// specification must stay in the stack's history, where the next update looks for the version.
func (l *launcher) lastConfig(f *backend.Facts) (engine.Config, error) {
	if s := SpecOf(f, l.file.Project); s != nil {
		return l.config(f.Name, s.Branch, names.SpecKey, s, f.State)
	}
	return l.config(f.Name, "", "", nil, f.State)
}
