//go:build unix

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/sandbox"
)

// allPoints is the variable that asks for every point; make test-faults sets it.
const allPoints = "BRANCHENV_TEST_FAULTS"

// point is where a command is killed, with kill -9.
type point struct {
	name    string
	fault   *sandbox.Fault // while this operation is under way, or
	process string         // before or after one of pulumi's commands (see pulumiScript), or
	after   time.Duration  // by the clock, with waits as long as AWS's are in proportion
	victims victims
}

// victims are who is killed at a fault or by the clock.
type victims int

const (
	branchenv victims = iota
	pulumi            // and branchenv lives on
	both              // as when the machine goes down
)

func (v victims) String() string { return []string{"branchenv", "pulumi", "both"}[v] }

// scene is a command that is killed, and what its repetition must lead to.
type scene struct {
	from    string // the project it starts from
	fill    bool   // the bucket has versions in it
	command []string
	undo    []string // removes what the command made; nil for a destroy
	undone  string   // the project that it leads back to

	once sync.Once
	then ending
}

// undisturbed is where the command leads to when nothing happens to it.
func (s *scene) undisturbed(t *testing.T) ending {
	t.Helper()
	s.once.Do(func() {
		w := s.enter(t)
		w.must(t, s.command...)
		s.then = w.ending(t)
	})
	return s.then
}

var scenes = map[string]*scene{
	"application": {
		from: "bare", command: []string{"application", "up"}, undo: []string{"application", "destroy", "--yes"}, undone: "bare",
	},
	"up": {
		from: "application", command: []string{"up", "topic", "--image", image}, undo: []string{"destroy", "topic", "--yes"}, undone: "application",
	},
	"update": {
		from: "environment", command: []string{"up", "topic", "--image", "registry.example.com/shop:2"},
		undo: []string{"destroy", "topic", "--yes"}, undone: "application",
	},
	"destroy": {from: "environment", fill: true, command: []string{"destroy", "topic", "--yes", "--json"}},
}

// enter makes the scene's world.
func (s *scene) enter(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, s.from)
	if s.fill {
		w.must(t, "sandbox", "fill", w.bucket(t), "--versions", "30")
	}
	return w
}

// steps are the resources of a stack, each of which is once the one that is being worked on when the command is
// killed, by one kind of kill or another.
func steps(t *testing.T, on, stack string) []point {
	t.Helper()
	w := newWorld(t, "environment")
	var points []point
	for _, r := range w.checkpoint(t, stack).Resources {
		if !r.Custom || !strings.HasPrefix(r.Type, "aws:") {
			continue
		}
		name := r.URN[strings.LastIndex(r.URN, "::")+2:]
		who := victims(len(points) % 3)
		points = append(points, point{
			name:    fmt.Sprintf("%s %s %s, %s", on, r.Type[strings.LastIndex(r.Type, ":")+1:], name, who),
			fault:   &sandbox.Fault{On: on, Type: r.Type, Name: name, Kind: sandbox.Stall},
			victims: who,
		})
	}
	return points
}

func processes(spec ...string) []point {
	var points []point
	for _, s := range spec {
		points = append(points, point{name: s, process: s})
	}
	return points
}

func clock(from, to, every time.Duration) []point {
	var points []point
	for at := from; at <= to; at += every {
		points = append(points, point{name: "after " + at.String(), after: at, victims: both})
	}
	return points
}

func calls(kinds ...string) []point {
	var points []point
	for _, kind := range kinds {
		points = append(points, point{name: "call " + kind, fault: &sandbox.Fault{On: "call", Type: kind, Kind: sandbox.Stall}})
	}
	return points
}

// TestKilledInUp kills up at many points. A plain run takes a sample; make test-faults takes them all.
func TestKilledInUp(t *testing.T) {
	t.Parallel()
	killAt(t, "up", 3, slices.Concat(
		processes("before 1 version", "before 1 up", "after 1 up"),
		steps(t, "create", "topic"),
		clock(50*time.Millisecond, 4*time.Second, 350*time.Millisecond),
	))
}

// TestKilledInApplicationUp kills application up.
func TestKilledInApplicationUp(t *testing.T) {
	t.Parallel()
	killAt(t, "application", 1, slices.Concat(processes("before 1 up", "after 1 up"), steps(t, "create", "application")))
}

// TestKilledInUpdate kills an up that replaces the version.
func TestKilledInUpdate(t *testing.T) {
	t.Parallel()
	points := processes("before 1 up", "after 1 up")
	for _, who := range []victims{branchenv, pulumi, both} {
		for _, f := range []sandbox.Fault{
			{On: "create", Type: "aws:s3/bucketObjectv2:BucketObjectv2"},
			{On: "create", Type: "aws:elasticbeanstalk/applicationVersion:ApplicationVersion"},
			{On: "update", Type: "aws:elasticbeanstalk/environment:Environment"},
			{On: "delete", Type: "aws:elasticbeanstalk/applicationVersion:ApplicationVersion"},
			{On: "delete", Type: "aws:s3/bucketObjectv2:BucketObjectv2"},
		} {
			f.Kind = sandbox.Stall
			points = append(points, point{name: fmt.Sprintf("%s %s, %s", f.On, f.Type, who), fault: &f, victims: who})
		}
	}
	killAt(t, "update", 2, points)
}

// TestKilledInDestroy kills destroy.
func TestKilledInDestroy(t *testing.T) {
	t.Parallel()
	killAt(t, "destroy", 3, slices.Concat(
		processes("before 1 destroy", "after 1 destroy", "before 2 destroy", "after 2 destroy", "before 1 stack rm", "after 1 stack rm"),
		calls("s3:ListObjectVersions", "s3:DeleteObjects", "rds:DescribeDBInstances", "elasticbeanstalk:DescribeEnvironments"),
		steps(t, "delete", "topic"),
		clock(50*time.Millisecond, 4*time.Second, 350*time.Millisecond),
	))
}

// killAt kills the scene's command at each point in a world of its own, or at so many of them, repeats it, and compares
// what it leads to with what it leads to when nobody kills it. Then everything is destroyed, which must leave nothing.
func killAt(t *testing.T, name string, sample int, points []point) {
	t.Helper()
	s := scenes[name]
	every := 1
	if os.Getenv(allPoints) == "" {
		every = (len(points) + sample - 1) / sample
		t.Logf("%d points of %d; %s=all takes them all", (len(points)+every-1)/every, len(points), allPoints)
	}
	for i := 0; i < len(points); i += every {
		p := points[i]
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			w := s.enter(t)
			w.killed(t, p, s.command)
			w.repeat(t, s.command...)
			if diff := cmp.Diff(s.undisturbed(t), w.ending(t)); diff != "" {
				t.Errorf("-undisturbed +killed and repeated\n%s", diff)
			}
			if s.undo != nil {
				w.must(t, s.undo...)
				if diff := cmp.Diff(newWorld(t, s.undone).ending(t), w.ending(t)); diff != "" {
					t.Errorf("after the destroy: -before the up +after\n%s", diff)
				}
			}
		})
	}
}

// A destroy takes with it what a killed up had begun to make.
func TestKilledUpDestroyed(t *testing.T) {
	t.Parallel()
	for _, p := range []point{
		{name: "bucket", fault: &sandbox.Fault{On: "create", Type: typeBucket, Kind: sandbox.Stall}},
		{name: "environment", fault: &sandbox.Fault{On: "create", Type: typeEnvironment, Kind: sandbox.Stall}},
		{name: "record", fault: &sandbox.Fault{On: "create", Type: typeRecord, Kind: sandbox.Stall}},
		{name: "clock", after: 3 * time.Second, victims: both},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := scenes["up"]
			w := s.enter(t)
			w.killed(t, p, s.command)
			w.repeat(t, s.undo...)
			if diff := cmp.Diff(nothing(t), w.ending(t)); diff != "" {
				t.Errorf("-before the up +after\n%s", diff)
			}
		})
	}
}

// A machine goes down while Beanstalk launches an environment: destroy takes it with it, and the next up makes it anew. The
// adopted environment still has its time to wait, without which it could never be deleted.
func TestKilledInLaunch(t *testing.T) {
	t.Parallel()
	s := scenes["up"]
	w := s.enter(t)
	w.faults(t, sandbox.Fault{On: "create", Type: typeEnvironment, Kind: sandbox.Kill})
	if r := w.run(t, s.command...); r.code != -1 {
		t.Fatalf("it was not killed: exit code %d\n%s", r.code, r.err)
	}
	w.faults(t)
	w.repeat(t, s.undo...)
	if diff := cmp.Diff(nothing(t), w.ending(t)); diff != "" {
		t.Errorf("after the destroy: -before the up +after\n%s", diff)
	}
	w.must(t, s.command...)
	if diff := cmp.Diff(s.undisturbed(t), w.ending(t)); diff != "" {
		t.Errorf("after the next up: -undisturbed +killed\n%s", diff)
	}
}

// nothing is the ending of a world that never had an environment.
func nothing(t *testing.T) ending {
	t.Helper()
	return newWorld(t, "application").ending(t)
}

// killed runs a command and kills it at a point, unless it has ended before.
func (w *world) killed(t *testing.T, p point, command []string) {
	t.Helper()
	switch {
	case p.process != "":
		w.env = []string{"E2E_KILL=" + p.process}
		r := w.run(t, command...)
		w.env = nil
		if r.code != -1 {
			t.Fatalf("it was not killed: exit code %d\n%s", r.code, r.err)
		}
		return
	case p.fault != nil:
		w.faults(t, *p.fault)
	default:
		w.env = []string{"BRANCHENV_SANDBOX_WAIT=0.4"}
	}
	running := w.begin(t, command...)
	if p.fault != nil {
		until(t, "the operation is under way", func() bool { return w.met(1) })
	} else {
		time.Sleep(p.after)
	}
	if p.victims != pulumi {
		running.kill()
	}
	if p.victims != branchenv {
		w.killPulumi()
	}
	r := running.wait()
	if p.fault != nil && (r.code == 0 || r.code == -1 == (p.victims == pulumi)) {
		t.Errorf("after the kill: exit code %d\n%s", r.code, r.err)
	}
	w.faults(t)
	w.env = nil
}
