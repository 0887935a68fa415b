// Package engine runs Pulumi on one stack at a time: work directories, processes, events and errors.
//
// It is the only package that imports the Automation API. It knows nothing of branches, settings or backends.
package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
)

// Engine makes work directories for stacks. It is the only part of branchenv that knows the Automation API.
type Engine struct {
	Pulumi          *Process
	Project         string
	LockedError     func(stack string) error // the error that another process works on the stack
	SecretsProvider string                   // passphrase, a key's URL, or "" for the service's own
	EmptyPassphrase bool                     // the passphrase is empty
	Observe         operation.Observer
	RestoreCommand  func(stack string) string // how to put the copy of a state back; may be nil
}

// ErrExists is the error of a stack that was to be created and exists.
var ErrExists = errors.New("the stack exists")

// Passphrase is the secrets provider that encrypts by PULUMI_CONFIG_PASSPHRASE.
const Passphrase = "passphrase"

// Config is a stack's configuration as it is written to its settings file: no value becomes an argument of a
// process.
type Config struct {
	SecretsProvider string         `json:"secretsprovider,omitempty"`
	EncryptedKey    string         `json:"encryptedkey,omitempty"`
	EncryptionSalt  string         `json:"encryptionsalt,omitempty"`
	Config          map[string]any `json:"config,omitempty"`
}

// WithSecretsProvider takes over the secrets provider that the stack's state was encrypted with.
func (c Config) WithSecretsProvider(provider string, state json.RawMessage) (Config, error) {
	var p struct {
		Salt         string `json:"salt"`
		URL          string `json:"url"`
		EncryptedKey string `json:"encryptedkey"`
	}
	if len(state) > 0 {
		if err := json.Unmarshal(state, &p); err != nil {
			return c, fmt.Errorf("read the state's secrets provider: %w", err)
		}
	}
	switch provider {
	case Passphrase:
		c.EncryptionSalt = p.Salt
	case "cloud":
		c.SecretsProvider, c.EncryptedKey = p.URL, p.EncryptedKey
	}
	return c, nil
}

// Workspace is one stack's work directory and what can be done with the stack. It is used by one goroutine.
type Workspace struct {
	engine *Engine
	Name   string
	dir    string
	work   WorkDir
	stack  auto.Stack
	// programErr is the program's own error. The engine passes on only its text; the program runs in this process, so its
	// exit code and hint need not be lost.
	programErr atomic.Pointer[error]
}

// Open makes a work directory of its own for a stack: the Automation API's `select` and `init` change the directory's
// current stack, so two stacks must never share one. Close removes it.
func (e *Engine) Open(ctx context.Context, name string, c Config, program pulumi.RunFunc) (*Workspace, error) {
	if c.EncryptionSalt == "" && c.SecretsProvider == "" && e.SecretsProvider != Passphrase { // as for a new stack
		c.SecretsProvider = e.SecretsProvider
	}
	return e.start(ctx, name, c, program, auto.SelectStack)
}

// Create makes an empty stack.
func (e *Engine) Create(ctx context.Context, name string) error {
	w, err := e.start(ctx, name, Config{}, nil, auto.NewStack)
	if err != nil {
		return err
	}
	return w.Close()
}

type opener func(context.Context, string, auto.Workspace) (auto.Stack, error)

func (e *Engine) start(ctx context.Context, name string, c Config, program pulumi.RunFunc, open opener) (*Workspace, error) {
	work, err := MakeWorkDir(e.Project, name)
	if err != nil {
		return nil, err
	}
	w := &Workspace{engine: e, Name: name, dir: work.Path, work: work}
	if err := w.prepare(ctx, c, program, open); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *Workspace) prepare(ctx context.Context, c Config, program pulumi.RunFunc, open opener) error {
	// JSON is YAML, and the one in which the program reads its spec back.
	project, err := json.Marshal(map[string]any{"name": w.engine.Project, "runtime": "go"})
	if err != nil {
		return err
	}
	settings, err := json.Marshal(c)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{"Pulumi.yaml": project, "Pulumi." + w.Name + ".yaml": settings} {
		if err := os.WriteFile(filepath.Join(w.dir, name), data, 0o600); err != nil {
			return fault.Failedf("write the stack's settings: %w", err)
		}
	}
	options := []auto.LocalWorkspaceOption{auto.Pulumi(w.engine.Pulumi), auto.WorkDir(w.dir)}
	if program != nil {
		options = append(options, auto.Program(func(ctx *pulumi.Context) error {
			err := program(ctx)
			if err != nil {
				w.programErr.Store(&err)
			}
			return err
		}))
	}
	if w.engine.SecretsProvider != "" {
		options = append(options, auto.SecretsProvider(w.engine.SecretsProvider))
	}
	local, err := auto.NewLocalWorkspace(ctx, options...)
	if err != nil {
		return fault.Failedf("open stack %s: %w", w.Name, err)
	}
	w.stack, err = open(ctx, w.Name, local)
	if auto.IsCreateStack409Error(err) {
		return ErrExists
	}
	return w.explain("open", err, nil)
}

func (w *Workspace) Close() error { return w.work.Close() }

// Up runs the program and makes the stack so.
func (w *Workspace) Up(ctx context.Context, watch func(Event)) error {
	return w.observed("update", watch, func(stream chan<- events.EngineEvent) error {
		_, err := w.stack.Up(ctx, optup.EventStreams(stream), optup.SuppressProgress(), optup.SuppressOutputs())
		return err
	})
}

// Preview runs the program and tells what `up` would change.
func (w *Workspace) Preview(ctx context.Context, watch func(Event)) error {
	return w.observed("preview", watch, func(stream chan<- events.EngineEvent) error {
		_, err := w.stack.Preview(ctx, optpreview.EventStreams(stream), optpreview.SuppressProgress())
		return err
	})
}

// PulumiPreview runs `pulumi preview` in another folder, with this stack's configuration: the Automation API knows only
// programs of its own process or of the work directory.
func (w *Workspace) PulumiPreview(ctx context.Context, dir string, out io.Writer) error {
	settings := filepath.Join(w.dir, "Pulumi."+w.Name+".yaml")
	_, stderr, _, err := w.engine.Pulumi.Run(ctx, dir, nil, []io.Writer{out}, nil, nil, "preview", "--stack", w.Name, "--config-file", settings, "--diff")
	if err != nil {
		return w.explainText("preview", err, stderr, nil)
	}
	return nil
}

// Destroy deletes what the state has, but for the excluded URNs, with no need of the program.
func (w *Workspace) Destroy(ctx context.Context, exclude []string, watch func(Event)) error {
	return w.observed("destroy", watch, func(stream chan<- events.EngineEvent) error {
		options := []optdestroy.Option{optdestroy.EventStreams(stream), optdestroy.SuppressProgress(), optdestroy.RunProgram(false)}
		if len(exclude) > 0 {
			options = append(options, optdestroy.Exclude(exclude))
		}
		_, err := w.stack.Destroy(ctx, options...)
		return err
	})
}

// Recover brings a state with pending creates in line with AWS: those with an id become resources of the state, which
// the refresh then reads from AWS; the others are forgotten. `pulumi refresh --import-pending-creates` promises the
// first but drops them (3.250, tried), so the state is exported, edited and imported. Secrets stay encrypted meanwhile.
// message is kept in the stack's history.
func (w *Workspace) Recover(ctx context.Context, imports map[string]string, message string) error {
	if len(imports) > 0 {
		deployment, err := w.pulumi(ctx, "export", nil, "stack", "export", "--stack", w.Name)
		if err != nil {
			return err
		}
		edited, err := ImportPending([]byte(deployment), imports)
		if err != nil {
			return fault.Failedf("read the state of stack %s: %w", w.Name, err)
		}
		if _, err := w.pulumi(ctx, "import", bytes.NewReader(edited), "stack", "import", "--stack", w.Name); err != nil {
			return err
		}
	}
	_, err := w.pulumi(ctx, "refresh", nil, "refresh", "--yes", "--skip-preview", "--message", message, "--suppress-progress",
		"--suppress-outputs", "--run-program=false", "--clear-pending-creates", "--stack", w.Name)
	return err
}

// pulumi runs what the Automation API has no function for, or only one that shows secrets.
func (w *Workspace) pulumi(ctx context.Context, what string, stdin io.Reader, args ...string) (string, error) {
	stdout, stderr, _, err := w.engine.Pulumi.Run(ctx, w.dir, stdin, nil, nil, nil, args...)
	if err != nil {
		if strings.TrimSpace(stderr) == "" { // the engine's own errors are in what it displays
			stderr = errorLines(stdout)
		}
		return "", w.explainText(what, err, stderr, nil)
	}
	return stdout, nil
}

// Remove deletes the stack itself. pulumi refuses one that still has resources.
func (w *Workspace) Remove(ctx context.Context) error {
	return w.explain("remove", w.stack.Workspace().RemoveStack(ctx, w.Name), nil)
}

// observed runs an operation of the engine, hands its events on, and words its error.
func (w *Workspace) observed(what string, watch func(Event), operation func(chan<- events.EngineEvent) error) error {
	stream, done, drained := make(chan events.EngineEvent), make(chan struct{}), make(chan struct{})
	translate := newTranslator(w.Name, w.engine.Observe, watch)
	go func() {
		defer close(drained)
		for {
			select {
			case e, ok := <-stream:
				if !ok {
					return
				}
				translate.event(e.EngineEvent)
			case <-done: // pulumi ended before it opened the stream, which then is never closed
				return
			}
		}
	}()
	err := operation(stream)
	close(done)
	<-drained
	return w.explain(what, err, translate.failures)
}

// explain turns an error of the Automation API, whose text is all that the process printed, into one that says what
// happened. failures are the errors that the engine reported while it worked.
func (w *Workspace) explain(what string, err error, failures []string) error {
	if err == nil {
		return nil
	}
	if auto.IsConcurrentUpdateError(err) { // a bare type assertion: before any wrapping
		return w.engine.LockedError(w.Name)
	}
	// A program also ends with an error when the engine ends it because a resource failed.
	ended := func(err error) bool {
		return status.Code(err) == codes.Canceled || status.Code(err) == codes.Unavailable
	}
	if own := w.programErr.Load(); own != nil && (len(failures) == 0 || !ended(*own)) {
		if fault.Hint(*own) != "" {
			return fmt.Errorf("%s stack %s: %w", what, w.Name, *own)
		}
		failures = []string{rpcPrefix.ReplaceAllString(engineLine((*own).Error()), "")}
	}
	_, stderr, found := strings.Cut(err.Error(), "\nstderr: ")
	if !found {
		stderr = err.Error()
	}
	return w.explainText(what, err, stderr, failures)
}
