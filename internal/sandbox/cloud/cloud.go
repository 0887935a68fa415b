// Package cloud is the embedded AWS without a protocol: it stores what exists and runs the operations on it. Package
// provider offers these operations to Pulumi, package api offers them to the AWS SDKs.
//
// Its rules:
//
//   - What exists is a Record in a Store. All access is inside a transaction (Store.Do), which is short and never waits.
//   - What AWS does with a resource type is its Kind. Package services has the kinds, a file for each AWS service; this
//     package knows none of them. It knows nothing of Pulumi's engine either.
//   - An operation that takes a while writes its outcome and the time of it at once (Record.Next). So it goes on without
//     the process that began it.
//   - Errors are worded as AWS and the real provider word them.
package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/s3"
	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// Account is the id of the account that owns everything in the sandbox.
const Account = "123456789012"

// A Cloud is an embedded AWS. Any number of them, in any number of processes, may be open over one directory.
type Cloud struct {
	Store  *Store
	S3     *s3.Store
	Region string // used if a request names no other
	Waits  Waits
	Quotas map[string]int // by Kind.Quota
	faults []Fault

	Kinds     map[string]Kind     // by Pulumi type token; a type without one has the zero Kind
	Functions map[string]Function // by Pulumi function token
	services  []Service
}

// A Config says what New opens.
type Config struct {
	Dir      string         // the directory that stores what exists; created if it does not exist; required
	Region   string         // used if a request names no other; default us-east-1
	Waits    Waits          // default: nothing waits
	Quotas   map[string]int // how many resources a region may have, by Kind.Quota; absent or 0: any number
	Faults   []Fault        // faults in addition to those in the directory
	Services []Service      // the services that exist
}

// New opens the embedded AWS in a directory. It needs no closing.
func New(conf Config) (*Cloud, error) {
	if conf.Dir == "" {
		return nil, errors.New("the sandbox needs a directory")
	}
	st, err := openStore(conf.Dir)
	if err != nil {
		return nil, err
	}
	buckets, err := s3.Open(filepath.Join(conf.Dir, "s3"), st.Now)
	if err != nil {
		return nil, err
	}
	c := &Cloud{
		Store: st, S3: buckets, Region: cmp.Or(conf.Region, "us-east-1"), Waits: conf.Waits, Quotas: conf.Quotas, faults: conf.Faults,
		services: conf.Services, Kinds: map[string]Kind{}, Functions: map[string]Function{},
	}
	for _, s := range conf.Services {
		maps.Copy(c.Kinds, s.Kinds)
		maps.Copy(c.Functions, s.Functions)
	}
	buckets.Denied = c.deniedDeletions
	return c, nil
}

// A Request asks for one operation on one resource.
type Request struct {
	Type        string       // Pulumi type token
	LogicalName string       // the resource's name in the program
	Region      string       // where a new resource is created
	Inputs      value.Object // the inputs wanted; for Remove: the outputs that the engine last saw
}

// Create creates a resource and waits until it is ready. If it returns a record and an error, the resource exists: AWS
// accepted the operation, which then failed, or ctx ended the wait.
func (c *Cloud) Create(ctx context.Context, req Request) (*Record, error) {
	in := req.Inputs
	k := c.Kinds[req.Type]
	var rec *Record
	var fault *Fault
	err := c.Store.Do(func(t *Tx) error {
		var err error
		fault, err = t.fault(c.faults, "create", req.Type, req.LogicalName, value.Text(in[k.nameProperty()]))
		if err != nil {
			return err
		}
		if refused := fault.Refusal(); refused != nil {
			return c.operationError("creating", req.Type, value.Text(in[k.nameProperty()]), refused)
		}
		r := &Record{
			Type: req.Type, Region: req.Region, Inputs: in, Outputs: WithoutNotes(in), Created: t.Now, Updated: t.Now,
		}
		o := &Operation{Cloud: c, Tx: t, Record: r, Inputs: in, Region: req.Region}
		if err := o.runCreate(k); err != nil {
			return c.operationError("creating", req.Type, r.Name, err)
		}
		fault.apply(k, r, t.Now)
		rec = r
		return t.Put(r)
	})
	if err != nil {
		return nil, err
	}
	fault.kill()
	fault.stall(ctx)
	return c.await(ctx, rec, "creating")
}

// Update changes a resource and waits until it is ready again. It returns a record and an error as Create does.
func (c *Cloud) Update(ctx context.Context, id string, req Request) (*Record, error) {
	in := req.Inputs
	k := c.Kinds[req.Type]
	var rec *Record
	var fault *Fault
	err := c.Store.Do(func(t *Tx) error {
		r, err := t.Get(req.Type, id)
		if err != nil {
			return err
		}
		if r == nil {
			return fmt.Errorf("updating %s (%s): couldn't find resource", c.title(req.Type), id)
		}
		fault, err = t.fault(c.faults, "update", req.Type, req.LogicalName, r.Name)
		if err != nil {
			return err
		}
		if refused := fault.Refusal(); refused != nil {
			return c.operationError("updating", req.Type, r.Name, refused)
		}
		o := &Operation{Cloud: c, Tx: t, Record: r, Inputs: in, OldInputs: r.Inputs, Region: r.Region}
		if err := o.runUpdate(k); err != nil {
			return c.operationError("updating", req.Type, r.Name, err)
		}
		fault.apply(k, r, t.Now)
		rec = r
		return t.Put(r)
	})
	if err != nil {
		return nil, err
	}
	fault.kill()
	fault.stall(ctx)
	return c.await(ctx, rec, "updating")
}

// Read returns a resource by its id, or by an id that the real provider imports it by. It returns nil if there is none.
func (c *Cloud) Read(typ, id, logical, region string) (*Record, error) {
	var rec *Record
	err := c.Store.Do(func(t *Tx) error {
		fault, err := t.fault(c.faults, "read", typ, logical, id)
		if err != nil {
			return err
		}
		if refused := fault.Refusal(); refused != nil {
			return c.operationError("reading", typ, id, refused)
		}
		rec, err = c.findImported(t, typ, id, region)
		if rec == nil || err != nil {
			return err
		}
		o := &Operation{Cloud: c, Tx: t, Record: rec, Inputs: rec.Inputs, Region: rec.Region}
		gone, err := o.refresh(c.Kinds[typ])
		if gone {
			rec = nil
		}
		return err
	})
	return rec, err
}

// Remove deletes a resource and waits until it is gone. It is no error if the resource does not exist.
func (c *Cloud) Remove(ctx context.Context, id string, req Request) error {
	k := c.Kinds[req.Type]
	var rec *Record
	var fault *Fault
	err := c.Store.Do(func(t *Tx) error {
		r, err := t.Get(req.Type, id)
		if r == nil || err != nil {
			return err
		}
		fault, err = t.fault(c.faults, "delete", req.Type, req.LogicalName, r.Name)
		if err != nil {
			return err
		}
		if refused := fault.Refusal(); refused != nil {
			return c.operationError("deleting", req.Type, r.Name, refused)
		}
		o := &Operation{Cloud: c, Tx: t, Record: r, Inputs: req.Inputs, Region: r.Region}
		if err := o.runRemove(k); err != nil {
			return c.operationError("deleting", req.Type, r.Name, err)
		}
		if len(r.Next) == 0 {
			return t.Remove(r)
		}
		fault.apply(k, r, t.Now)
		rec = r
		return t.Put(r)
	})
	if err != nil {
		return err
	}
	fault.kill()
	fault.stall(ctx)
	if rec == nil {
		return nil
	}
	_, err = c.await(ctx, rec, "deleting")
	return err
}

// await waits until the operation on r has ended or ctx is done, and returns the record as it is then. It reads the record
// again every 200 ms, because another process may abort the operation or begin another one.
func (c *Cloud) await(ctx context.Context, r *Record, doing string) (*Record, error) {
	const look = 200 * time.Millisecond
	for {
		var now time.Time
		var current *Record
		err := c.Store.Do(func(t *Tx) error {
			now = t.Now
			var err error
			current, err = t.Get(r.Type, r.ID)
			return err
		})
		if err != nil {
			return r, err
		}
		if current == nil {
			if doing == "deleting" {
				return nil, nil
			}
			return nil, fmt.Errorf("%s %s (%s): it was deleted during the operation", doing, c.title(r.Type), r.Name)
		}
		r = current
		if doing == "deleting" {
			if c.Kinds[r.Type].IsGone(r) {
				return r, nil
			}
		} else if !r.Pending() {
			return r, c.outcome(r, doing)
		}
		wait := look
		if len(r.Next) > 0 {
			wait = min(look, max(r.Next[0].At.Sub(now), time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return r, fmt.Errorf("%s %s (%s): %w", doing, c.title(r.Type), r.Name, context.Cause(ctx))
		case <-time.After(wait):
		}
	}
}

// A Resource is a resource that exists, as people see it.
type Resource struct {
	Type   string            `json:"type"` // Pulumi type token
	Name   string            `json:"name"` // its name in AWS
	ID     string            `json:"id"`
	Status string            `json:"status,omitempty"` // in the service's words
	Tags   map[string]string `json:"tags"`
}

// Resources lists what exists, ordered by type, name and id. It leaves out what AWS still shows after its end, such as a
// terminated environment, and what every account has.
func (c *Cloud) Resources() ([]Resource, error) {
	out := []Resource{}
	err := c.Store.Do(func(t *Tx) error {
		for _, typ := range schema.Types() {
			if c.Kinds[typ].OnlyWait {
				continue
			}
			records, err := t.list(typ)
			if err != nil {
				return err
			}
			for _, r := range records {
				gone, err := (&Operation{Cloud: c, Tx: t, Record: r, Inputs: r.Inputs, Region: r.Region}).refresh(c.Kinds[typ])
				if err != nil {
					return err
				}
				if gone || r.Status == "builtin" {
					continue
				}
				out = append(out, Resource{Type: r.Type, Name: r.Name, ID: r.ID, Status: r.Status, Tags: r.Tags()})
			}
		}
		return nil
	})
	return out, err
}
