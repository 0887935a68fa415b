package github

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/branchenv/branchenv/internal/fault"
)

// nobody is a uid that no user has.
const nobody = 54321

// TestUnreadableBranches checks that a branch which the user may not read is not gone. Root may read everything, so the test
// runs itself again with another uid.
func TestUnreadableBranches(t *testing.T) {
	if os.Getuid() == 0 {
		asNobody(t)
		return
	}
	tests := map[string]struct {
		path string
		mode fs.FileMode
		want string // "" if all branches can be read
	}{
		"all readable":       {"refs/heads/feature", 0o755, ""},
		"closed folder":      {"refs/heads/feature", 0, "refs/heads/feature: permission denied"},
		"not to be listed":   {"refs/heads/feature", 0o311, "refs/heads/feature: permission denied"},
		"not to be entered":  {"refs/heads/feature", 0o644, "refs/heads/feature/a: permission denied"},
		"closed file":        {"refs/heads/feature/a", 0, "refs/heads/feature/a: permission denied"},
		"lock of another":    {"refs/heads/feature/b.lock", 0, ""},
		"all of the folders": {"refs/heads", 0o311, "refs/heads: permission denied"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir, _ := repositoryWith(t, "main", "feature/a")
			path := filepath.Join(dir, test.path)
			if strings.HasSuffix(path, ".lock") {
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(path, 0o700) })
			s := openGit(t, dir, nil)
			list, err := s.Branches(t.Context())
			_, _, single := s.Branch(t.Context(), "feature/gone")
			for _, err := range []error{err, single} {
				switch {
				case test.want == "" && (err != nil || len(list.Branches) != 2):
					t.Errorf("%+v, %v; want two branches", list, err)
				case test.want != "" && (fault.Code(err) != fault.Refused || !strings.Contains(err.Error(), test.want) || !strings.Contains(fault.Hint(err).String(), "uid")):
					t.Errorf("%+v, %v; want %q", list, err, test.want)
				}
			}
		})
	}
}

// asNobody runs the test in a process with the uid nobody.
func asNobody(t *testing.T) {
	dir, err := os.MkdirTemp("", "branchenv-nobody-") // not t.TempDir, whose parents are closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "github.test")
	content, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, content, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^TestUnreadableBranches$", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir, "HOME=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
