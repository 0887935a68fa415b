package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/github"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks"
)

// settingsName is the settings file's usual name.
const settingsName = "branchenv.yaml"

// settingsPath is the settings file: the one named by --config, else branchenv.yaml in the current folder or one above,
// up to the root of the git checkout. Where there is none, it is the one that the current folder should have.
func (s *session) settingsPath() (string, error) {
	if s.config != "" {
		return s.config, nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		if exists(filepath.Join(dir, settingsName)) {
			if dir == here {
				return settingsName, nil
			}
			return filepath.Join(dir, settingsName), nil
		}
		if exists(filepath.Join(dir, ".git")) || dir == filepath.Dir(dir) {
			return settingsName, nil
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func (s *session) settings() (*config.File, error) {
	path, err := s.settingsPath()
	if err != nil {
		return nil, err
	}
	file, err := config.Load(path)
	var e *fault.Error
	if s.config == "" && !exists(path) && errors.As(err, &e) {
		return nil, fault.Usagef("there is no settings file %s in this folder or one above", settingsName).WithHint("%s", fault.Hint(err))
	}
	return file, err
}

// manage opens a manager on file's project, runs do with it, and closes it. With --sandbox the AWS it works with is the
// embedded one, for as long.
func (s *session) manage(ctx context.Context, file *config.File, control operation.Control, do func(stacks.Manager) error) (err error) {
	o := stacks.Options{File: file, Env: s.env}
	o.Source = sourceIdentity{func() (github.Source, error) { return s.source(file, commandWait) }}
	if s.sandbox {
		embedded, err := s.startSandbox(ctx, file, "")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, embedded.Close()) }()
		o.Extra, o.Backend = embedded.Env(), embedded.Backend()
	}
	m, err := stacks.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if err := s.guest.check(ctx, m); err != nil {
		return err
	}
	return do(m.With(control))
}

// read runs do, which changes nothing, with a manager.
func (s *session) read(ctx context.Context, file *config.File, do func(stacks.Manager) error) error {
	calm := &quietProgress{err: s.err}
	return s.manage(ctx, file, operation.Control{Observe: calm.observe}, do)
}

// change runs do, which changes something, with a manager: progress is shown, and an interrupt stops it between steps.
// What do is about is printed after it, when progress has ended. The watchers see every event as well.
func (s *session) change(ctx context.Context, file *config.File, do func(stacks.Manager) error, watchers ...operation.Observer) error {
	stop := operation.NewStopper()
	s.signals.changing(stop, s.warn)
	p := s.startProgress()
	defer p.close()
	observe := func(e operation.Event) {
		p.observe(e)
		for _, watch := range watchers {
			watch(e)
		}
	}
	return s.manage(ctx, file, operation.Control{Observe: observe, Stop: stop}, do)
}

// oneOf refuses more than one of several flags that exclude each other.
func oneOf(c *urfave.Context, names ...string) error {
	first := ""
	for _, name := range names {
		switch {
		case !c.IsSet(name):
		case first == "":
			first = name
		default:
			return fault.Usagef("--%s and --%s exclude each other", first, name).WithHint("leave one of them out")
		}
	}
	return nil
}
