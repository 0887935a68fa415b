package stacks

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
)

// engine makes work directories for stacks. It is the only part of branchenv that knows the Automation API.
type engine struct {
	pulumi          *process
	project         string
	locked          func(stack string) error // the error that another process works on the stack
	secretsProvider string                   // passphrase, a key's URL, or "" for the service's own
	plainPassphrase bool                     // the passphrase is empty
	observe         Observer
	restoring       func(stack string) string // how to put the copy of a state back; may be nil
}

// errStackThere is the error of a stack that was to be created and exists.
var errStackThere = errors.New("the stack exists")

// passphrase is the secrets provider that encrypts by PULUMI_CONFIG_PASSPHRASE.
const passphrase = "passphrase"

// stackConfig is a stack's configuration as it is written to its settings file: no value becomes an argument of a
// process.
type stackConfig struct {
	SecretsProvider string         `json:"secretsprovider,omitempty"`
	EncryptedKey    string         `json:"encryptedkey,omitempty"`
	EncryptionSalt  string         `json:"encryptionsalt,omitempty"`
	Config          map[string]any `json:"config,omitempty"`
}

// withSecrets takes over the secrets provider that the stack's state was encrypted with.
func (c stackConfig) withSecrets(provider string, state json.RawMessage) (stackConfig, error) {
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
	case passphrase:
		c.EncryptionSalt = p.Salt
	case "cloud":
		c.SecretsProvider, c.EncryptedKey = p.URL, p.EncryptedKey
	}
	return c, nil
}

// workspace is one stack's work directory and what can be done with the stack. It is used by one goroutine.
type workspace struct {
	engine *engine
	name   string
	dir    string
	work   workDir
	stack  auto.Stack
	// refused is the program's own error. The engine passes on only its text; the program runs in this process, so its
	// exit code and hint need not be lost.
	refused atomic.Pointer[error]
}

// open makes a work directory of its own for a stack: the Automation API's `select` and `init` change the directory's
// current stack, so two stacks must never share one. Close removes it.
func (e *engine) open(ctx context.Context, name string, c stackConfig, program pulumi.RunFunc) (*workspace, error) {
	if c.EncryptionSalt == "" && c.SecretsProvider == "" && e.secretsProvider != passphrase { // as for a new stack
		c.SecretsProvider = e.secretsProvider
	}
	return e.start(ctx, name, c, program, auto.SelectStack)
}

// create makes an empty stack.
func (e *engine) create(ctx context.Context, name string) error {
	w, err := e.start(ctx, name, stackConfig{}, nil, auto.NewStack)
	if err != nil {
		return err
	}
	return w.close()
}

type opener func(context.Context, string, auto.Workspace) (auto.Stack, error)

func (e *engine) start(ctx context.Context, name string, c stackConfig, program pulumi.RunFunc, open opener) (*workspace, error) {
	work, err := makeWorkDir(e.project, name)
	if err != nil {
		return nil, err
	}
	w := &workspace{engine: e, name: name, dir: work.path, work: work}
	if err := w.prepare(ctx, c, program, open); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *workspace) prepare(ctx context.Context, c stackConfig, program pulumi.RunFunc, open opener) error {
	// JSON is YAML, and the one in which the program reads its spec back.
	project, err := json.Marshal(map[string]any{"name": w.engine.project, "runtime": "go"})
	if err != nil {
		return err
	}
	settings, err := json.Marshal(c)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{"Pulumi.yaml": project, "Pulumi." + w.name + ".yaml": settings} {
		if err := os.WriteFile(filepath.Join(w.dir, name), data, 0o600); err != nil {
			return fault.Failedf("write the stack's settings: %w", err)
		}
	}
	options := []auto.LocalWorkspaceOption{auto.Pulumi(w.engine.pulumi), auto.WorkDir(w.dir)}
	if program != nil {
		options = append(options, auto.Program(func(ctx *pulumi.Context) error {
			err := program(ctx)
			if err != nil {
				w.refused.Store(&err)
			}
			return err
		}))
	}
	if w.engine.secretsProvider != "" {
		options = append(options, auto.SecretsProvider(w.engine.secretsProvider))
	}
	local, err := auto.NewLocalWorkspace(ctx, options...)
	if err != nil {
		return fault.Failedf("open stack %s: %w", w.name, err)
	}
	w.stack, err = open(ctx, w.name, local)
	if auto.IsCreateStack409Error(err) {
		return errStackThere
	}
	return w.explain("open", err, nil)
}

func (w *workspace) close() error { return w.work.close() }

// up runs the program and makes the stack so.
func (w *workspace) up(ctx context.Context, watch func(apiEvent)) error {
	return w.observed("update", watch, func(stream chan<- events.EngineEvent) error {
		_, err := w.stack.Up(ctx, optup.EventStreams(stream), optup.SuppressProgress(), optup.SuppressOutputs())
		return err
	})
}

// preview runs the program and tells what `up` would change.
func (w *workspace) preview(ctx context.Context, watch func(apiEvent)) error {
	return w.observed("preview", watch, func(stream chan<- events.EngineEvent) error {
		_, err := w.stack.Preview(ctx, optpreview.EventStreams(stream), optpreview.SuppressProgress())
		return err
	})
}

// pulumiPreview runs `pulumi preview` in another folder, with this stack's configuration: the Automation API knows only
// programs of its own process or of the work directory.
func (w *workspace) pulumiPreview(ctx context.Context, dir string, out io.Writer) error {
	settings := filepath.Join(w.dir, "Pulumi."+w.name+".yaml")
	_, stderr, _, err := w.engine.pulumi.Run(ctx, dir, nil, []io.Writer{out}, nil, nil, "preview", "--stack", w.name, "--config-file", settings, "--diff")
	if err != nil {
		return w.explainText("preview", err, stderr, nil)
	}
	return nil
}

// destroy deletes what the state has, but for the excluded URNs, with no need of the program.
func (w *workspace) destroy(ctx context.Context, exclude []string, watch func(apiEvent)) error {
	return w.observed("destroy", watch, func(stream chan<- events.EngineEvent) error {
		options := []optdestroy.Option{optdestroy.EventStreams(stream), optdestroy.SuppressProgress(), optdestroy.RunProgram(false)}
		if len(exclude) > 0 {
			options = append(options, optdestroy.Exclude(exclude))
		}
		_, err := w.stack.Destroy(ctx, options...)
		return err
	})
}

// recover brings a state with pending creates in line with AWS: those with an id become resources of the state, which
// the refresh then reads from AWS; the others are forgotten. `pulumi refresh --import-pending-creates` promises the
// first but drops them (3.250, tried), so the state is exported, edited and imported. Secrets stay encrypted meanwhile.
// message is kept in the stack's history.
func (w *workspace) recover(ctx context.Context, imports map[string]string, message string) error {
	if len(imports) > 0 {
		deployment, err := w.pulumi(ctx, "export", nil, "stack", "export", "--stack", w.name)
		if err != nil {
			return err
		}
		edited, err := importPending([]byte(deployment), imports)
		if err != nil {
			return fault.Failedf("read the state of stack %s: %w", w.name, err)
		}
		if _, err := w.pulumi(ctx, "import", bytes.NewReader(edited), "stack", "import", "--stack", w.name); err != nil {
			return err
		}
	}
	_, err := w.pulumi(ctx, "refresh", nil, "refresh", "--yes", "--skip-preview", "--message", message, "--suppress-progress",
		"--suppress-outputs", "--run-program=false", "--clear-pending-creates", "--stack", w.name)
	return err
}

// pulumi runs what the Automation API has no function for, or only one that shows secrets.
func (w *workspace) pulumi(ctx context.Context, what string, stdin io.Reader, args ...string) (string, error) {
	stdout, stderr, _, err := w.engine.pulumi.Run(ctx, w.dir, stdin, nil, nil, nil, args...)
	if err != nil {
		if strings.TrimSpace(stderr) == "" { // the engine's own errors are in what it displays
			stderr = errorLines(stdout)
		}
		return "", w.explainText(what, err, stderr, nil)
	}
	return stdout, nil
}

// remove deletes the stack itself. pulumi refuses one that still has resources.
func (w *workspace) remove(ctx context.Context) error {
	return w.explain("remove", w.stack.Workspace().RemoveStack(ctx, w.name), nil)
}

// observed runs an operation of the engine, hands its events on, and words its error.
func (w *workspace) observed(what string, watch func(apiEvent), operation func(chan<- events.EngineEvent) error) error {
	stream, done, drained := make(chan events.EngineEvent), make(chan struct{}), make(chan struct{})
	translate := newTranslator(w.name, w.engine.observe, watch)
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
func (w *workspace) explain(what string, err error, failures []string) error {
	if err == nil {
		return nil
	}
	if auto.IsConcurrentUpdateError(err) { // a bare type assertion: before any wrapping
		return w.engine.locked(w.name)
	}
	// A program also ends with an error when the engine ends it because a resource failed.
	ended := func(err error) bool {
		return status.Code(err) == codes.Canceled || status.Code(err) == codes.Unavailable
	}
	if own := w.refused.Load(); own != nil && (len(failures) == 0 || !ended(*own)) {
		if fault.Hint(*own) != "" {
			return fmt.Errorf("%s stack %s: %w", what, w.name, *own)
		}
		failures = []string{rpcPrefix.ReplaceAllString(engineLine((*own).Error()), "")}
	}
	_, stderr, found := strings.Cut(err.Error(), "\nstderr: ")
	if !found {
		stderr = err.Error()
	}
	return w.explainText(what, err, stderr, failures)
}
