package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/github"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/stacks"
)

// settingsName is the default name of the settings file.
const settingsName = "branchenv.yaml"

// settingsPath returns the path of the settings file: --config, else branchenv.yaml in the current folder or in one above, up to the
// root of the git checkout. If there is none, it returns the path in the current folder.
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

// manage opens a manager for file's project, runs do with it, and closes it. With --sandbox it also starts and stops the embedded
// AWS.
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
	if err := s.foreign.check(ctx, m); err != nil {
		return err
	}
	return do(m.With(control))
}

// read runs do with a manager. do shows no progress and cannot be stopped between steps.
func (s *session) read(ctx context.Context, file *config.File, do func(stacks.Manager) error) error {
	quiet := s.quietProgress()
	return s.manage(ctx, file, operation.Control{Observe: quiet.observe}, do)
}

// change runs do, which changes something, with a manager. It shows progress, and an interrupt stops do between two steps. Print
// results only after change has returned: progress has ended then. The watchers receive every event, too.
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
