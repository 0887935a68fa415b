package stacks

import (
	"os"
	"testing"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/fault/faulttest"
	"github.com/branchenv/branchenv/internal/stackstest"
	"github.com/branchenv/branchenv/stacks/names"
	"github.com/branchenv/branchenv/stacks/program"
)

// keepApplication puts an application stack, as it is after application up, in a backend.
func keepApplication(t *testing.T, folder string, tags map[string]string) {
	t.Helper()
	s := stackstest.State(names.ApplicationStack, map[string]any{program.OutVersionsBucket: "b"}, aws.TypeBucket)
	stackstest.WriteState(t, folder, names.ApplicationStack, s, tags)
}

// A destroy of the application stack and an up that makes an environment, at once: whoever sees the other ends.
func TestApplicationIsShared(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	m := folderManager(t, folder)
	up := func() error {
		return m.checkApplication(t.Context(), &updatePlan{before: &backend.Facts{Name: "login"}})
	}
	if err := up(); faulttest.Message(err) != "stack application was just removed by another process" || !fault.IsConflict(err) {
		t.Errorf("removed: %v", err)
	}
	keepApplication(t, folder, map[string]string{names.TagStack: names.ApplicationStack})
	if err := up(); err != nil {
		t.Error(err)
	}
	before, err := m.backend.Read(t.Context(), names.ApplicationStack)
	if err != nil {
		t.Fatal(err)
	}
	noted := map[string]string{names.TagStack: names.ApplicationStack, names.TagDestroying: "x"}
	keepApplication(t, folder, noted)
	err = up()
	faulttest.Check(t, err, fault.Failed, "a destroy of the application stack, which environments share, was begun by another process")
	if !fault.IsConflict(err) {
		t.Error("no conflict")
	}
	if err := m.checkApplication(t.Context(), &updatePlan{before: &backend.Facts{State: stackstest.State("x", nil, aws.TypeBucket)}}); err != nil {
		t.Errorf("an environment that is there: %v", err)
	}

	destroy := &teardown{Manager: m, stack: before, expected: *before}
	destroy.expected.Tags = noted
	if err := destroy.checkUnchanged(t.Context()); err != nil {
		t.Errorf("alone: %v", err)
	}
	stackstest.Write(t, folder, "login")
	if err := destroy.checkUnchanged(t.Context()); faulttest.Message(err) != "stack login was just made by another process" || !fault.IsConflict(err) {
		t.Errorf("with an environment: %v", err)
	}
	if err := up(); err != nil {
		t.Errorf("after the destroy gave up: %v", err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
}
