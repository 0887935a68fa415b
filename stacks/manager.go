package stacks

import (
	"context"
	"time"

	"github.com/branchenv/branchenv/config"
)

// ManagerOptions say what a Manager works on.
type ManagerOptions struct {
	File    *config.File        // the settings
	Env     func(string) string // the environment's variables; required
	Observe Observer            // told what happens; may be nil
	Stop    *Stopper            // may be nil
	// Extra are variables (NAME=value) that count before the environment's, for pulumi and for branchenv's own AWS
	// calls: those of an AWS that is not the real one.
	Extra []string
	// Backend counts before the settings' backend and may be a file even in CI: the state of an AWS that is not the
	// real one must not mix with the team's. Empty: the settings' backend.
	Backend string
}

// Manager creates, updates, reads and destroys the stacks of one project.
type Manager struct{}

// Open checks the backend and the tools that a Manager needs. Close it after use.
func Open(ctx context.Context, o ManagerOptions) (*Manager, error) { panic("wip") }

// Close ends what Open began.
func (m *Manager) Close() error { return nil }

// UpRequest asks for one branch's environment.
type UpRequest struct {
	Branch   string
	Image    string        // container image to run, or
	Bundle   string        // path of a source bundle to upload and run, or
	Version  string        // label of an application version that exists
	Like     string        // branch whose settings and version to start from
	IfExists bool          // do nothing where there is no environment yet
	Timeout  time.Duration // bound for each wait for AWS; 0: the settings' timeout
}

// Up creates or updates an environment.
func (m *Manager) Up(ctx context.Context, r UpRequest) (Environment, error) { panic("wip") }

// Preview tells what Up would change.
func (m *Manager) Preview(ctx context.Context, r UpRequest) (Preview, error) { panic("wip") }

// Destruction is a destroy that has been looked at but not begun.
type Destruction struct {
	Environment Environment
	Resources   []Resource // what the state has
	Absent      bool       // there is no such stack: nothing to do
}

// PlanDestroy looks at what a destroy would remove and refuses where it must not happen.
func (m *Manager) PlanDestroy(ctx context.Context, branch string) (Destruction, error) { panic("wip") }

// Destroy carries out d.
func (m *Manager) Destroy(ctx context.Context, d Destruction) (Receipt, error) { panic("wip") }

// List returns every environment, sorted by branch.
func (m *Manager) List(ctx context.Context) ([]Environment, error) { panic("wip") }

// Show returns one environment.
func (m *Manager) Show(ctx context.Context, branch string) (Environment, error) { panic("wip") }

// ApplicationReport is what the application stack holds.
type ApplicationReport struct {
	Stack   string         `json:"stack"`
	Status  Status         `json:"status"`
	Outputs map[string]any `json:"outputs"`
}

// ApplicationUp creates or updates the application stack.
func (m *Manager) ApplicationUp(ctx context.Context) (ApplicationReport, error) { panic("wip") }

// ApplicationPreview tells what ApplicationUp would change.
func (m *Manager) ApplicationPreview(ctx context.Context) (Preview, error) { panic("wip") }

// ApplicationPlanDestroy looks at what ApplicationDestroy would remove; it refuses while environments exist.
func (m *Manager) ApplicationPlanDestroy(ctx context.Context) (Destruction, error) { panic("wip") }

// ApplicationDestroy carries out d.
func (m *Manager) ApplicationDestroy(ctx context.Context, d Destruction) (Receipt, error) {
	panic("wip")
}
