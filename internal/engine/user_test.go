package engine

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/branchenv/branchenv/internal/backend"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/internal/stackstest"
	"github.com/branchenv/branchenv/stacks/names"
)

// nobody is a uid that no user has.
const nobody = 54321

// TestWithoutUser runs itself once more under a uid without a name, with neither USER nor HOME, as containers do: a stack
// is locked and made, and pulumi works on it.
func TestWithoutUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() == nobody {
		asNobody(t)
		return
	}
	if testing.Short() {
		t.Skip("starts pulumi")
	}
	if os.Getuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	dir, err := os.MkdirTemp("", "branchenv-nobody-") // not t.TempDir, whose parents are closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "engine.test")
	pulumi := filepath.Join(dir, "pulumi")
	for to, from := range map[string]string{program: self, pulumi: pulumitest.Path(t)} {
		if err := copyProgram(to, from); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(dir, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^TestWithoutUser$", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + dir, "TMPDIR=" + dir, "NOBODY_DIR=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func asNobody(t *testing.T) {
	if u, err := user.Current(); err == nil {
		t.Fatalf("uid %d is %s", nobody, u.Username)
	}
	dir := os.Getenv("NOBODY_DIR")
	b := stackstest.Open(t, filepath.Join(dir, "state"))
	if err := b.Create(t.Context(), "topic", map[string]string{names.TagBranch: "topic"}, func(backend.Lock) bool { return false }); err != nil {
		t.Fatal(err)
	}
	p, err := checkPulumi(t.Context(), filepath.Join(dir, "pulumi"), []string{"PULUMI_BACKEND_URL=" + "file://" + filepath.Join(dir, "state"), "PULUMI_CONFIG_PASSPHRASE="}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if out, stderr, _, err := p.Run(t.Context(), dir, nil, nil, nil, nil, "cancel", "--yes", "--stack", "organization/shop/topic"); err != nil {
		t.Errorf("%v\n%s%s", err, out, stderr)
	}
	// A pulumi that was built with cgo asks the system for the user's name before it locks a stack, and takes no variable for it.
	w := &Workspace{Name: "topic", engine: &Engine{}}
	told := w.explainText("update", errors.New("exit status 255"), "error: user: unknown userid 54321", nil)
	if fault.Hint(told).IsZero() || !strings.Contains(fault.Hint(told).String(), "/etc/passwd") {
		t.Errorf("%v, hint %q", told, fault.Hint(told).String())
	}
}

func copyProgram(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
