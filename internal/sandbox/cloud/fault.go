package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/disk"
	"github.com/branchenv/branchenv/internal/sandbox/s3"
)

// A Fault makes the simulated AWS misbehave once, some times, or always. Faults are read from Options.Faults and from
// faults.json in the state directory, a JSON array of them that is read anew at every operation. How often each one
// was met is counted in the directory, for all processes together.
type Fault struct {
	// On is the operation: create, update, delete or read of a resource, invoke of a function, or call for a request
	// to the HTTP endpoint.
	On string `json:"on"`
	// Type is the Pulumi type or function token, or for call the service and action, for instance
	// "elasticbeanstalk:DescribeEvents" or "s3:DeleteObjects". A pattern as in path.Match, except that "*" matches "/"
	// where it is the whole pattern. Empty: every one.
	Type string `json:"type,omitempty"`
	// Name is the resource's AWS name or its logical name, or a pattern of it as in path.Match. For a call it is one of
	// the request's parameters, for S3 the bucket or the key. Empty: every one.
	//
	// With {On: "call", Type: "s3:DeleteObjects", Kind: "fail"} it names object keys that cannot be deleted: the request
	// succeeds, and answers Error (default "AccessDenied: Access Denied") for these keys, as long as the fault stands.
	Name string `json:"name,omitempty"`
	// Nth is which matching operation is the first to be hit, from 1. Default 1.
	Nth int `json:"nth,omitempty"`
	// Times is how many in a row are hit. Default 1; -1: all that follow.
	Times int `json:"times,omitempty"`
	// Kind says what happens.
	Kind FaultKind `json:"kind"`
	// Error is the message, for calls "Code: message". Each kind has a default.
	Error string `json:"error,omitempty"`
}

// FaultKind says what a Fault does.
type FaultKind string

// The kinds of faults.
const (
	// Fail answers with the error; nothing is done.
	Fail FaultKind = "fail"
	// Throttle answers "Rate exceeded" as AWS does; nothing is done.
	Throttle FaultKind = "throttle"
	// Expired answers that the credentials have expired; nothing is done.
	Expired FaultKind = "expired"
	// Hang accepts the operation and never finishes it: the caller's timeout ends the wait. A call is not answered
	// until the client gives up.
	Hang FaultKind = "hang"
	// Red accepts the operation and lets it end badly: an environment turns Red with an event of severity ERROR, a
	// database ends as incompatible-parameters, anything else as failed. The call elasticbeanstalk:DescribeEnvironmentHealth
	// answers Red, with Error for its cause.
	Red FaultKind = "red"
	// Kill accepts the operation, and then kills the serving process as kill -9 does.
	Kill FaultKind = "kill"
	// Stall accepts the operation, which ends as if nothing were wrong, and never answers: the answer is lost on the way.
	Stall FaultKind = "stall"
)

// FaultsFile is the name of the faults' file in the state directory, countFile of the one that counts.
const (
	FaultsFile      = "faults.json"
	FaultCountsFile = "faults-met.json"
)

func (f Fault) matches(on, typ string, names []string) bool {
	if f.On != on || !glob(f.Type, typ) {
		return false
	}
	for _, n := range names {
		if glob(f.Name, n) {
			return true
		}
	}
	return f.Name == ""
}

func glob(pattern, s string) bool {
	if pattern == "" || pattern == "*" || pattern == s {
		return true
	}
	ok, err := path.Match(pattern, s)
	return ok && err == nil
}

// fault tells whether a fault hits this operation, and counts it.
func (t *Tx) fault(given []Fault, on, typ string, names ...string) (*Fault, error) {
	faults, err := t.store.faults(given)
	if err != nil || len(faults) == 0 {
		return nil, err
	}
	counts := map[string]int{}
	countPath := filepath.Join(t.store.Dir, FaultCountsFile)
	if err := disk.ReadJSON(countPath, &counts); err != nil {
		return nil, err
	}
	var hit *Fault
	counted := false
	for _, f := range faults {
		if f.deniesKeys() || !f.matches(on, typ, names) {
			continue
		}
		key, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		counts[string(key)]++
		counted = true
		n, first, times := counts[string(key)], max(f.Nth, 1), f.Times
		if times == 0 {
			times = 1
		}
		if hit == nil && n >= first && (times < 0 || n < first+times) {
			hit = &f
		}
	}
	if !counted {
		return nil, nil
	}
	data, err := json.Marshal(counts)
	if err != nil {
		return nil, err
	}
	return hit, disk.Write(countPath, data)
}

func (s *Store) faults(given []Fault) ([]Fault, error) {
	var fromFile []Fault
	if err := disk.ReadJSON(filepath.Join(s.Dir, FaultsFile), &fromFile); err != nil {
		return nil, err
	}
	return append(append([]Fault{}, given...), fromFile...), nil
}

// Refusal is the error with which a fault answers before anything is done; nil if it lets the operation begin.
func (f *Fault) Refusal() *Error {
	if f == nil {
		return nil
	}
	switch f.Kind {
	case Fail:
		return parseError(f.Error, "InternalFailure", "the sandbox was told to fail here", 500)
	case Throttle:
		return parseError(f.Error, "Throttling", "Rate exceeded", 400)
	case Expired:
		return parseError(f.Error, "ExpiredToken", "The security token included in the request is expired", 403)
	}
	return nil
}

// apply lets the operation that was just accepted on r go the way the fault wants.
func (f *Fault) apply(k Kind, r *Record, now time.Time) {
	if f == nil {
		return
	}
	switch f.Kind {
	case Hang:
		if len(r.Next) == 0 {
			r.Next = []Change{{Status: r.Status}}
		}
		for i := range r.Next {
			r.Next[i].At = Never
		}
	case Red:
		end := r.endsAt()
		if end.IsZero() {
			end = now
		}
		r.Next = []Change{{At: end, Status: cmp.Or(k.FailedStatus, "failed"), Health: "Red"}}
		for i := range r.Events {
			if r.Events[i].At.Equal(end) && r.Events[i].Severity == "INFO" {
				r.Events[i].At = Never
			}
		}
		r.AddEvent(end, "ERROR", cmp.Or(f.Error, k.FailedEvent))
	}
}

// kill ends this process at once, without any clean-up, if the fault says so.
func (f *Fault) kill() {
	if f == nil || f.Kind != Kill {
		return
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		self.Kill()
	}
	select {} // the signal is on its way
}

// stall keeps the answer back until the caller gives up, if the fault says so.
func (f *Fault) stall(ctx context.Context) {
	if f != nil && f.Kind == Stall {
		<-ctx.Done()
	}
}

// CallFault returns the fault that hits a request to the HTTP endpoint, nil if there is none. It waits until ctx ends for
// a fault that hangs or stalls, and does not return for one that kills.
func (c *Cloud) CallFault(ctx context.Context, action string, names ...string) (*Fault, error) {
	if faults, err := c.Store.faults(c.faults); err != nil || len(faults) == 0 {
		return nil, err // the usual case, without a transaction
	}
	var fault *Fault
	err := c.Store.Do(func(t *Tx) (err error) {
		fault, err = t.fault(c.faults, "call", action, names...)
		return err
	})
	fault.kill()
	if fault != nil && (fault.Kind == Hang || fault.Kind == Stall) {
		<-ctx.Done()
	}
	return fault, err
}

// deniedDeletions tells which objects' deletion is answered with an error, by key: those named by a fault on
// s3:DeleteObjects, as long as it stands.
func (c *Cloud) deniedDeletions() func(key string) *s3.Error {
	faults, err := c.Store.faults(c.faults)
	if err != nil {
		return func(string) *s3.Error { return &s3.Error{Code: "InternalError", Message: err.Error(), Status: 500} }
	}
	return func(key string) *s3.Error {
		for _, f := range faults {
			if f.deniesKeys() && glob(f.Name, key) {
				e := parseError(f.Error, "AccessDenied", "Access Denied", 403)
				return &s3.Error{Code: e.Code, Message: e.Message, Status: e.Status}
			}
		}
		return nil
	}
}

// deniesKeys tells whether the fault is about single objects rather than whole requests.
func (f Fault) deniesKeys() bool {
	return f.On == "call" && f.Type == "s3:DeleteObjects" && f.Name != "" && f.Kind == Fail
}
