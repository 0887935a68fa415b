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

// A Fault makes the embedded AWS misbehave once, several times, or always. Faults come from Config.Faults and from
// faults.json in the directory, a JSON array that is read again for every operation. All processes over a directory
// count together how often each fault matched.
type Fault struct {
	// On is the operation: create, update, delete or read of a resource, invoke of a function, or call for a request
	// to the HTTP endpoint.
	On string `json:"on"`
	// Type is a Pulumi type or function token or, for a call, the service and the action, for instance
	// "elasticbeanstalk:DescribeEvents" or "s3:DeleteObjects". It may be a pattern of path.Match; the pattern "*" matches
	// everything. Default: everything.
	Type string `json:"type,omitempty"`
	// Name is the resource's name in AWS or in the program, or a pattern of path.Match. For a call it is one of the
	// request's parameters; for S3, the bucket or the key. Default: everything.
	//
	// With {On: "call", Type: "s3:DeleteObjects", Kind: "fail"}, Name is a pattern of object keys that cannot be deleted.
	// The request succeeds, and answers Error (default "AccessDenied: Access Denied") for these keys. It is not counted.
	Name string `json:"name,omitempty"`
	// Nth is the number of the first matching operation that the fault hits, from 1. Default 1.
	Nth int `json:"nth,omitempty"`
	// Times is how many operations in a row the fault hits. Default 1; -1: all from then on.
	Times int `json:"times,omitempty"`
	// Kind says what happens. Required.
	Kind FaultKind `json:"kind"`
	// Error is the error message; for a call, "Code: message". Each kind has a default.
	Error string `json:"error,omitempty"`
}

// A FaultKind says what a Fault does.
type FaultKind string

// The kinds of faults.
const (
	// Fail answers with the error and does nothing.
	Fail FaultKind = "fail"
	// Throttle answers "Rate exceeded", as AWS does, and does nothing.
	Throttle FaultKind = "throttle"
	// Expired answers that the credentials have expired, and does nothing.
	Expired FaultKind = "expired"
	// Hang accepts the operation and never finishes it. Only the caller's timeout ends the wait; a call gets no answer.
	Hang FaultKind = "hang"
	// Red accepts the operation and lets it fail later. An environment turns Red with an event of severity ERROR, a
	// database becomes incompatible-parameters, any other resource becomes failed. The call
	// elasticbeanstalk:DescribeEnvironmentHealth answers Red, with Error as the cause.
	Red FaultKind = "red"
	// Kill accepts the operation, then kills the serving process as kill -9 does.
	Kill FaultKind = "kill"
	// Stall accepts the operation and finishes it, but never answers, as if the answer were lost on the way.
	Stall FaultKind = "stall"
)

// The files about faults in the sandbox's directory.
const (
	FaultsFile      = "faults.json"     // the faults
	FaultCountsFile = "faults-met.json" // how often each one matched
)

// matches reports whether the fault is about an operation.
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

// glob reports whether s matches a pattern. An empty pattern matches everything.
func glob(pattern, s string) bool {
	if pattern == "" || pattern == "*" || pattern == s {
		return true
	}
	ok, err := path.Match(pattern, s)
	return ok && err == nil
}

// fault counts an operation for all faults that match it, and returns the one that hits it, nil if none does.
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

// faults returns the given faults and those in the directory.
func (s *Store) faults(given []Fault) ([]Fault, error) {
	var fromFile []Fault
	if err := disk.ReadJSON(filepath.Join(s.Dir, FaultsFile), &fromFile); err != nil {
		return nil, err
	}
	return append(append([]Fault{}, given...), fromFile...), nil
}

// Refusal returns the error with which the fault refuses an operation, nil if the operation begins.
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

// apply changes the outcome of an operation that was just accepted on r.
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
			r.Next[i].At = Never()
		}
	case Red:
		end := r.endsAt()
		if end.IsZero() {
			end = now
		}
		r.Next = []Change{{At: end, Status: cmp.Or(k.FailedStatus, "failed"), Health: "Red"}}
		for i := range r.Events {
			if r.Events[i].At.Equal(end) && r.Events[i].Severity == "INFO" {
				r.Events[i].At = Never()
			}
		}
		r.AddEvent(end, "ERROR", cmp.Or(f.Error, k.FailedEvent))
	}
}

// kill kills this process, without any clean-up, if the fault is of kind Kill.
func (f *Fault) kill() {
	if f == nil || f.Kind != Kill {
		return
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		self.Kill()
	}
	select {} // until the signal arrives
}

// stall waits until the caller gives up, if the fault is of kind Stall.
func (f *Fault) stall(ctx context.Context) {
	if f != nil && f.Kind == Stall {
		<-ctx.Done()
	}
}

// CallFault returns the fault that hits a request to the HTTP endpoint, nil if there is none. If the fault hangs or
// stalls, CallFault waits until ctx is done. If it kills, CallFault does not return.
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

// deniedDeletions returns a function that returns the error for the deletion of an object, nil if it may be deleted. It
// reads the faults that name object keys.
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

// deniesKeys reports whether the fault is about the deletion of single objects, not about whole requests.
func (f Fault) deniesKeys() bool {
	return f.On == "call" && f.Type == "s3:DeleteObjects" && f.Name != "" && f.Kind == Fail
}
