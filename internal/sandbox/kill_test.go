//go:build unix

package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/services"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// childDir is a variable. If it names a directory, the test binary serves a sandbox over it and runs an up.
const childDir = "SANDBOX_TEST_CHILD_DIR"

func runDatabase(ctx *pulumi.Context) error {
	_, err := rds.NewInstance(ctx, "db", &rds.InstanceArgs{
		Identifier: pulumi.String("web-db"), Engine: pulumi.String("postgres"), InstanceClass: pulumi.String("db.t4g.micro"), AllocatedStorage: pulumi.Int(20),
		Username: pulumi.String("app"), Password: pulumi.String("correct-horse"), SkipFinalSnapshot: pulumi.Bool(true),
	})
	return err
}

// TestChild is not a test. The other tests here start it in processes that they kill.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		return
	}
	s := start(t, Options{Dir: filepath.Join(dir, "aws"), Waits: &cloud.Waits{Database: time.Hour}})
	p := newProgramIn(t, s, filepath.Join(dir, "state"), runDatabase)
	_, err := p.tryUp(nil)
	t.Log(err)
}

// child starts TestChild in a process group of its own.
func child(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v")
	cmd.Env = append(os.Environ(), childDir+"="+dir, "TMPDIR="+dir) // a killed process does not remove its temporary folders
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	})
	return cmd
}

// until waits until another process has done something.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// adopt turns the only pending create into a resource of the state. Its id is the id that it is imported by; its outputs are
// its inputs. The engine's refresh --import-pending-creates only marks it as "importing", and then forgets it (3.250).
func (p *program) adopt(id string) {
	p.t.Helper()
	state, err := p.stack.Export(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	var deployment map[string]any
	if err := json.Unmarshal(state.Deployment, &deployment); err != nil {
		p.t.Fatal(err)
	}
	pending := value.List(deployment["pending_operations"])
	if len(pending) != 1 {
		p.t.Fatalf("pending operations: %v", pending)
	}
	made := value.ObjectOf(pending[0]).Object("resource")
	made["id"], made["outputs"] = id, cloud.WithoutNotes(made.Object("inputs"))
	deployment["resources"] = append(value.List(deployment["resources"]), made)
	delete(deployment, "pending_operations")
	if state.Deployment, err = json.Marshal(deployment); err != nil {
		p.t.Fatal(err)
	}
	if err := p.stack.Import(p.t.Context(), state); err != nil {
		p.t.Fatal(err)
	}
}

// If everything is killed during a create, the database goes on to be created, and the stack has a pending create. A refresh
// finds the database by its name, and the next up has nothing to do.
func TestKilledInCreate(t *testing.T) {
	notShort(t)
	t.Parallel()
	dir := t.TempDir()
	for _, d := range []string{"aws", "state"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	aws := filepath.Join(dir, "aws")
	cmd := child(t, dir)
	until(t, "the database is being created", func() bool { return slices.Contains(names(t, aws), "Instance web-db") })
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if got, err := Resources(aws); err != nil || got[0].Status != "creating" {
		t.Fatalf("after the kill: %v, %v", got, err)
	}

	s := start(t, Options{Dir: aws})
	later := time.Now().Add(2 * time.Hour)
	s.cloud.Store.Now = func() time.Time { return later } // the creation has ended by then
	p := newProgramIn(t, s, filepath.Join(dir, "state"), runDatabase)
	if err := p.stack.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.adopt("web-db")
	if _, err := p.stack.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"same": 2}, p.up(nil)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Instance web-db"}, names(t, aws)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A fault can kill the serving process during an operation.
func TestFaultKill(t *testing.T) {
	notShort(t)
	t.Parallel()
	dir := t.TempDir()
	for _, d := range []string{"aws", "state"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	fault := fmt.Sprintf(`[{"on": "create", "type": %q, "kind": "kill"}]`, services.TypeDatabase)
	if err := os.WriteFile(filepath.Join(dir, "aws", cloud.FaultsFile), []byte(fault), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := child(t, dir)
	cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Errorf("the process ended otherwise: %v", cmd.ProcessState)
	}
	if diff := cmp.Diff([]string{"Instance web-db"}, names(t, filepath.Join(dir, "aws"))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
