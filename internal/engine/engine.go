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

// Engine opens stacks of one project, each in a work directory of its own.
type Engine struct {
	Pulumi          *Process
	Project         string
	LockedError     func(stack string) error // returns the error for a stack that another process has locked
	SecretsProvider string                   // passphrase, the URL of a key, or "" for that of the Pulumi service
	EmptyPassphrase bool                     // the passphrase is empty
	Observe         operation.Observer
	RestoreCommand  func(stack string) string // returns the command that restores the copy of a state; may be nil
}

// ErrExists reports that a stack cannot be created because it exists.
var ErrExists = errors.New("the stack exists")

// Passphrase is the secrets provider that encrypts with PULUMI_CONFIG_PASSPHRASE.
const Passphrase = "passphrase"

// Config is the configuration of a stack. It is written to a settings file, so that no value becomes an argument of a
// process.
type Config struct {
	SecretsProvider string         `json:"secretsprovider,omitempty"`
	EncryptedKey    string         `json:"encryptedkey,omitempty"`
	EncryptionSalt  string         `json:"encryptionsalt,omitempty"`
	Config          map[string]any `json:"config,omitempty"`
}

// WithSecretsProvider returns c with the secrets provider that encrypted the stack's state.
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

// Workspace is an open stack with its work directory. It is used by one goroutine.
type Workspace struct {
	engine *Engine
	Name   string
	dir    string
	work   WorkDir
	stack  auto.Stack
	// programErr is the error that the program returned. The engine passes on only its text. The program runs in this process,
	// so its exit code and hint are kept here.
	programErr atomic.Pointer[error]
}

// Open opens a stack in a new work directory, which Close removes. The Automation API's `select` and `init` change the
// current stack of the directory, so two stacks must never share one.
func (e *Engine) Open(ctx context.Context, name string, c Config, program pulumi.RunFunc) (*Workspace, error) {
	if c.EncryptionSalt == "" && c.SecretsProvider == "" && e.SecretsProvider != Passphrase { // as for a new stack
		c.SecretsProvider = e.SecretsProvider
	}
	return e.start(ctx, name, c, program, auto.SelectStack)
}

// Create creates an empty stack. It returns ErrExists if the stack exists.
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
	// JSON is valid YAML, and the program reads its spec back as JSON.
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

// Close removes the work directory.
func (w *Workspace) Close() error { return w.work.Close() }

// Up runs the program and updates the stack to match it. watch sees every event of the engine; it may be nil.
func (w *Workspace) Up(ctx context.Context, watch func(Event)) error {
	return w.observed("update", watch, func(stream chan<- events.EngineEvent) error {
		_, err := w.stack.Up(ctx, optup.EventStreams(stream), optup.SuppressProgress(), optup.SuppressOutputs())
		return err
	})
}

// Preview runs the program and reports, as events, the changes that Up would make.
func (w *Workspace) Preview(ctx context.Context, watch func(Event)) error {
	return w.observed("preview", watch, func(stream chan<- events.EngineEvent) error {
		_, err := w.stack.Preview(ctx, optpreview.EventStreams(stream), optpreview.SuppressProgress())
		return err
	})
}

// PulumiPreview runs `pulumi preview` in another folder, with this stack's configuration. The Automation API can only run
// programs of its own process or of the work directory.
func (w *Workspace) PulumiPreview(ctx context.Context, dir string, out io.Writer) error {
	settings := filepath.Join(w.dir, "Pulumi."+w.Name+".yaml")
	_, stderr, _, err := w.engine.Pulumi.Run(ctx, dir, nil, []io.Writer{out}, nil, nil, "preview", "--stack", w.Name, "--config-file", settings, "--diff")
	if err != nil {
		return w.explainText("preview", err, stderr, nil)
	}
	return nil
}

// Destroy deletes the resources of the state, except those with the URNs in exclude. It does not run the program.
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

// Recover brings a state with pending creates in line with AWS. A pending create with an id in imports becomes a resource of
// the state, which the refresh then reads from AWS. All others are removed from the state.
//
// `pulumi refresh --import-pending-creates` promises the import but drops the resources (3.250, tried). So the state is
// exported, edited and imported; its secrets stay encrypted. message is stored in the stack's history.
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

// pulumi runs a command for which the Automation API has no function, or only one that shows secrets.
func (w *Workspace) pulumi(ctx context.Context, what string, stdin io.Reader, args ...string) (string, error) {
	stdout, stderr, _, err := w.engine.Pulumi.Run(ctx, w.dir, stdin, nil, nil, nil, args...)
	if err != nil {
		if strings.TrimSpace(stderr) == "" { // the engine prints its own errors to stdout
			stderr = errorLines(stdout)
		}
		return "", w.explainText(what, err, stderr, nil)
	}
	return stdout, nil
}

// Remove deletes the stack itself. pulumi refuses to delete a stack that still has resources.
func (w *Workspace) Remove(ctx context.Context) error {
	return w.explain("remove", w.stack.Workspace().RemoveStack(ctx, w.Name), nil)
}

// observed runs an operation of the engine, passes its events on, and explains its error.
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

// explain turns an error of the Automation API into one that states the cause. The text of the API's error is everything
// that the process printed. failures are the errors that the engine reported while it worked.
func (w *Workspace) explain(what string, err error, failures []string) error {
	if err == nil {
		return nil
	}
	if auto.IsConcurrentUpdateError(err) { // a bare type assertion: before any wrapping
		return w.engine.LockedError(w.Name)
	}
	// A program also returns an error if the engine ends it because a resource failed.
	ended := func(err error) bool {
		return status.Code(err) == codes.Canceled || status.Code(err) == codes.Unavailable
	}
	if own := w.programErr.Load(); own != nil && (len(failures) == 0 || !ended(*own)) {
		if !fault.Hint(*own).IsZero() {
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
