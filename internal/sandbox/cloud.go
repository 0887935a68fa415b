package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// account is the account in which everything of the sandbox lies.
const account = "123456789012"

// A cloud is the simulated AWS: what can be done to its resources, by the provider and by the HTTP endpoint alike.
type cloud struct {
	store  *store
	s3     *s3Store
	region string // where no request says another
	waits  Waits
	quotas map[string]int
	given  []Fault

	kinds     map[string]kind
	functions map[string]function
	services  []service
}

// A cloudConfig is what newCloud opens.
type cloudConfig struct {
	Dir      string         // what exists is stored in it; it is created if it does not exist
	Region   string         // where things are created if no request names another; default us-east-1
	Waits    Waits          // how long operations take
	Quotas   map[string]int // bounds by kind.quota; absent or 0: none
	Faults   []Fault        // what goes wrong, beside the faults in the directory
	Services []service
}

// newCloud opens the embedded AWS in a directory.
func newCloud(conf cloudConfig) (*cloud, error) {
	if conf.Dir == "" {
		return nil, errors.New("the sandbox needs a directory")
	}
	st, err := openStore(conf.Dir)
	if err != nil {
		return nil, err
	}
	buckets, err := openS3(filepath.Join(conf.Dir, "s3"), st.now)
	if err != nil {
		return nil, err
	}
	c := &cloud{
		store: st, s3: buckets, region: cmp.Or(conf.Region, "us-east-1"), waits: conf.Waits, quotas: conf.Quotas, given: conf.Faults,
		services: conf.Services, kinds: map[string]kind{}, functions: map[string]function{},
	}
	for _, s := range conf.Services {
		maps.Copy(c.kinds, s.kinds)
		maps.Copy(c.functions, s.functions)
	}
	buckets.denied = c.deniedDeletions
	return c, nil
}

// A request asks for one operation on one resource.
type request struct {
	typ     string
	logical string // the resource's name in the program
	region  string
	inputs  value.Object
}

// An op is one operation on one record inside a transaction, as a kind's functions see it.
type op struct {
	*cloud
	tx     *tx
	rec    *record
	in     value.Object // the inputs wanted; when removing: the outputs last known to the engine
	old    value.Object // when updating: the inputs before
	region string
}

// create makes a resource and waits until it is ready. A record beside an error exists all the same: the operation was
// accepted and then failed, or the wait was ended.
func (c *cloud) create(ctx context.Context, req request) (*record, error) {
	in := req.inputs
	k := c.kinds[req.typ]
	var rec *record
	var fault *Fault
	err := c.store.do(func(t *tx) error {
		var err error
		fault, err = t.fault(c.given, "create", req.typ, req.logical, value.Text(in[k.nameProperty()]))
		if err != nil {
			return err
		}
		if refused := fault.refusal(); refused != nil {
			return c.operationError("creating", req.typ, value.Text(in[k.nameProperty()]), refused)
		}
		r := &record{
			Type: req.typ, Region: req.region, Inputs: in, Outputs: withoutInternal(in), Created: t.now, Updated: t.now,
		}
		o := &op{cloud: c, tx: t, rec: r, in: in, region: req.region}
		if err := o.create(k); err != nil {
			return c.operationError("creating", req.typ, r.Name, err)
		}
		fault.apply(k, r, t.now)
		rec = r
		return t.put(r)
	})
	if err != nil {
		return nil, err
	}
	fault.kill()
	fault.stall(ctx)
	return c.await(ctx, rec, "creating")
}

// update changes a resource and waits until it is ready again.
func (c *cloud) update(ctx context.Context, id string, req request) (*record, error) {
	in := req.inputs
	k := c.kinds[req.typ]
	var rec *record
	var fault *Fault
	err := c.store.do(func(t *tx) error {
		r, err := t.get(req.typ, id)
		if err != nil {
			return err
		}
		if r == nil {
			return fmt.Errorf("updating %s (%s): couldn't find resource", c.describe(req.typ), id)
		}
		fault, err = t.fault(c.given, "update", req.typ, req.logical, r.Name)
		if err != nil {
			return err
		}
		if refused := fault.refusal(); refused != nil {
			return c.operationError("updating", req.typ, r.Name, refused)
		}
		o := &op{cloud: c, tx: t, rec: r, in: in, old: r.Inputs, region: r.Region}
		if err := o.update(k); err != nil {
			return c.operationError("updating", req.typ, r.Name, err)
		}
		fault.apply(k, r, t.now)
		rec = r
		return t.put(r)
	})
	if err != nil {
		return nil, err
	}
	fault.kill()
	fault.stall(ctx)
	return c.await(ctx, rec, "updating")
}

// read finds a resource by its id or by what the real provider imports it by; nil if it is gone.
func (c *cloud) read(typ, id, logical, region string) (*record, error) {
	var rec *record
	err := c.store.do(func(t *tx) error {
		fault, err := t.fault(c.given, "read", typ, logical, id)
		if err != nil {
			return err
		}
		if refused := fault.refusal(); refused != nil {
			return c.operationError("reading", typ, id, refused)
		}
		rec, err = c.importable(t, typ, id, region)
		if rec == nil || err != nil {
			return err
		}
		o := &op{cloud: c, tx: t, rec: rec, in: rec.Inputs, region: rec.Region}
		gone, err := o.refresh(c.kinds[typ])
		if gone {
			rec = nil
		}
		return err
	})
	return rec, err
}

// remove deletes a resource and waits until it is gone. What is gone already is no error.
func (c *cloud) remove(ctx context.Context, id string, req request) error {
	k := c.kinds[req.typ]
	var rec *record
	var fault *Fault
	err := c.store.do(func(t *tx) error {
		r, err := t.get(req.typ, id)
		if r == nil || err != nil {
			return err
		}
		fault, err = t.fault(c.given, "delete", req.typ, req.logical, r.Name)
		if err != nil {
			return err
		}
		if refused := fault.refusal(); refused != nil {
			return c.operationError("deleting", req.typ, r.Name, refused)
		}
		o := &op{cloud: c, tx: t, rec: r, in: req.inputs, region: r.Region}
		if err := o.remove(k); err != nil {
			return c.operationError("deleting", req.typ, r.Name, err)
		}
		if len(r.Next) == 0 {
			return t.remove(r)
		}
		fault.apply(k, r, t.now)
		rec = r
		return t.put(r)
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
func (c *cloud) await(ctx context.Context, r *record, doing string) (*record, error) {
	const look = 200 * time.Millisecond
	for {
		var now time.Time
		var current *record
		err := c.store.do(func(t *tx) error {
			now = t.now
			var err error
			current, err = t.get(r.Type, r.ID)
			return err
		})
		if err != nil {
			return r, err
		}
		if current == nil {
			if doing == "deleting" {
				return nil, nil
			}
			return nil, fmt.Errorf("%s %s (%s): it was deleted meanwhile", doing, c.describe(r.Type), r.Name)
		}
		r = current
		if doing == "deleting" {
			if c.kinds[r.Type].removed(r) {
				return r, nil
			}
		} else if !r.pending() {
			return r, c.outcome(r, doing)
		}
		wait := look
		if len(r.Next) > 0 {
			wait = min(look, max(r.Next[0].At.Sub(now), time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return r, fmt.Errorf("%s %s (%s): %w", doing, c.describe(r.Type), r.Name, context.Cause(ctx))
		case <-time.After(wait):
		}
	}
}

// set gives an output a value unless the inputs gave one.
func (o *op) set(values map[string]any) {
	for k, v := range values {
		if o.rec.Outputs[k] == nil {
			o.rec.Outputs[k] = v
		}
	}
}

// force gives outputs a value.
func (o *op) force(values map[string]any) { maps.Copy(o.rec.Outputs, values) }

// arn makes a resource's ARN in the operation's region.
func (o *op) arn(service, rest string) string {
	return "arn:aws:" + service + ":" + o.region + ":" + account + ":" + rest
}

// later plans the status that the record has after d; until then it has the one given first.
func (o *op) later(meanwhile string, d time.Duration, then, health string) time.Time {
	at := o.tx.now.Add(d)
	o.rec.Status = meanwhile
	o.rec.Next = []change{{At: at, Status: then, Health: health}}
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

// resources lists what exists, ordered by type, name and id. What AWS still shows though it is gone, such as a terminated
// environment, is not listed.
func (c *cloud) resources() ([]Resource, error) {
	out := []Resource{}
	err := c.store.do(func(t *tx) error {
		for _, typ := range schema.Types() {
			if c.kinds[typ].onlyWait {
				continue
			}
			records, err := t.list(typ)
			if err != nil {
				return err
			}
			for _, r := range records {
				gone, err := (&op{cloud: c, tx: t, rec: r, in: r.Inputs, region: r.Region}).refresh(c.kinds[typ])
				if err != nil {
					return err
				}
				if gone || r.Status == "builtin" {
					continue
				}
				out = append(out, Resource{Type: r.Type, Name: r.Name, ID: r.ID, Status: r.Status, Tags: r.tags()})
			}
		}
		return nil
	})
	return out, err
}
