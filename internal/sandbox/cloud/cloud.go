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

// Account is the account in which everything of the sandbox lies.
const Account = "123456789012"

// A Cloud is the simulated AWS: what can be done to its resources, by the provider and by the HTTP endpoint alike.
type Cloud struct {
	Store  *Store
	S3     *s3.Store
	Region string // where no request says another
	Waits  Waits
	Quotas map[string]int
	faults []Fault

	Kinds     map[string]Kind
	Functions map[string]Function
	services  []Service
}

// A Config is what newCloud opens.
type Config struct {
	Dir      string         // what exists is stored in it; it is created if it does not exist
	Region   string         // where things are created if no request names another; default us-east-1
	Waits    Waits          // how long operations take
	Quotas   map[string]int // bounds by kind.quota; absent or 0: none
	Faults   []Fault        // what goes wrong, beside the faults in the directory
	Services []Service
}

// New opens the embedded AWS in a directory.
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
	Type        string
	LogicalName string // the resource's name in the program
	Region      string
	Inputs      value.Object
}

// An Operation is one operation on one record inside a transaction, as a kind's functions see it.
type Operation struct {
	*Cloud
	Tx        *Tx
	Record    *Record
	Inputs    value.Object // the inputs wanted; when removing: the outputs last known to the engine
	OldInputs value.Object // when updating: the inputs before
	Region    string
}

// Create makes a resource and waits until it is ready. A record beside an error exists all the same: the operation was
// accepted and then failed, or the wait was ended.
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

// Update changes a resource and waits until it is ready again.
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

// Read finds a resource by its id or by what the real provider imports it by; nil if it is gone.
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

// Remove deletes a resource and waits until it is gone. What is gone already is no error.
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

// await waits for the operation under way on r and returns r as it is then. The wait looks again now and then, because
// another process may abort the operation or begin another one.
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
			return nil, fmt.Errorf("%s %s (%s): it was deleted meanwhile", doing, c.title(r.Type), r.Name)
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

// SetDefaults gives an output a value unless the inputs gave one.
func (o *Operation) SetDefaults(values map[string]any) {
	for k, v := range values {
		if o.Record.Outputs[k] == nil {
			o.Record.Outputs[k] = v
		}
	}
}

// SetOutputs gives outputs a value.
func (o *Operation) SetOutputs(values map[string]any) { maps.Copy(o.Record.Outputs, values) }

// ARN makes a resource's ARN in the operation's region.
func (o *Operation) ARN(service, rest string) string {
	return "arn:aws:" + service + ":" + o.Region + ":" + Account + ":" + rest
}

// Schedule plans the status that the record has after d; until then it has the one given first.
func (o *Operation) Schedule(meanwhile string, d time.Duration, then, health string) time.Time {
	at := o.Tx.Now.Add(d)
	o.Record.Status = meanwhile
	o.Record.Next = []Change{{At: at, Status: then, Health: health}}
	return at
}

// A Resource is one thing that exists in the sandbox.
type Resource struct {
	Type   string            `json:"type"` // Pulumi type token
	Name   string            `json:"name"` // AWS name
	ID     string            `json:"id"`
	Status string            `json:"status,omitempty"`
	Tags   map[string]string `json:"tags"`
}

// Resources lists what exists, ordered by type, name and id. What AWS still shows though it is gone, such as a terminated
// environment, is not listed.
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
