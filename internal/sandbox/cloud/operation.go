package cloud

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// An Operation is an operation on one record, inside a transaction. A Kind's functions get it.
type Operation struct {
	*Cloud
	Tx        *Tx
	Record    *Record
	Inputs    value.Object // the inputs wanted; in a removal: the outputs that the engine last saw
	OldInputs value.Object // in an update: the inputs before it
	Region    string       // the record's region
}

// SetDefaults sets the outputs that have no value yet.
func (o *Operation) SetDefaults(values map[string]any) {
	for k, v := range values {
		if o.Record.Outputs[k] == nil {
			o.Record.Outputs[k] = v
		}
	}
}

// SetOutputs sets outputs.
func (o *Operation) SetOutputs(values map[string]any) { maps.Copy(o.Record.Outputs, values) }

// ARN returns the ARN of a resource in the operation's region. rest is the part after the account.
func (o *Operation) ARN(service, rest string) string {
	return "arn:aws:" + service + ":" + o.Region + ":" + Account + ":" + rest
}

// Schedule gives the record the status meanwhile for d, and the status then and the health afterwards. It returns the time
// of the change. An empty health stays as it is.
func (o *Operation) Schedule(meanwhile string, d time.Duration, then, health string) time.Time {
	at := o.Tx.Now.Add(d)
	o.Record.Status = meanwhile
	o.Record.Next = []Change{{At: at, Status: then, Health: health}}
	return at
}

// runCreate fills in a new record: its name, its id and its outputs. It refuses what AWS refuses.
func (o *Operation) runCreate(k Kind) error {
	r := o.Record
	r.Name = value.Text(o.Inputs[k.nameProperty()])
	if prefix := value.Text(o.Inputs[k.nameProperty()+"Prefix"]); r.Name == "" && prefix != "" {
		r.Name = prefix + o.Tx.Now.UTC().Format("20060102150405") + "00000001"
		o.SetOutputs(map[string]any{k.nameProperty(): r.Name})
	}
	if tags, taggable := r.Outputs["tags"]; taggable {
		o.SetOutputs(map[string]any{"tagsAll": tags})
	}
	if err := o.checkTaken(k); err != nil {
		return err
	}
	if err := o.checkQuota(k); err != nil {
		return err
	}
	if k.ARN != "" {
		o.SetDefaults(map[string]any{"arn": "arn:aws:" + o.Expand(k.ARN)})
	}
	if k.OnCreate != nil {
		if err := k.OnCreate(o); err != nil {
			return err
		}
	}
	if r.ID == "" {
		template := k.ID
		switch {
		case template != "":
		case k.Naming.Property != "":
			template = "{name}"
		default:
			template = "{hex17}"
		}
		r.ID = o.Expand(template)
	}
	if r.Name == "" {
		r.Name = r.ID
	}
	return nil
}

// checkTaken refuses a name that is taken.
func (o *Operation) checkTaken(k Kind) error {
	if k.NameTaken == "" || o.Record.Name == "" {
		return nil
	}
	others, err := o.Tx.Where(o.Record.Type, func(r *Record) bool {
		return r.Name == o.Record.Name && (k.Global || r.Region == o.Region) && !k.IsGone(r)
	})
	if err != nil || len(others) == 0 {
		return err
	}
	return parseError(strings.ReplaceAll(k.NameTaken, "{name}", o.Record.Name), "", "", 400)
}

// checkQuota refuses a resource too many.
func (o *Operation) checkQuota(k Kind) error {
	limit := o.Quotas[k.Quota]
	if k.Quota == "" || limit <= 0 {
		return nil
	}
	others, err := o.Tx.Where(o.Record.Type, func(r *Record) bool { return r.Region == o.Region && !k.IsGone(r) })
	if err != nil || len(others) < limit {
		return err
	}
	return parseError(fmt.Sprintf(k.QuotaError, limit), "", "", 400)
}

// runUpdate changes the record's outputs to those of the new inputs.
func (o *Operation) runUpdate(k Kind) error {
	r := o.Record
	// An input that is no longer given becomes absent, unless AWS computes it if it is not given.
	computed := schema.AWS().Resources[r.Type].Computed()
	for key := range o.OldInputs {
		if _, still := o.Inputs[key]; !still && !slices.Contains(computed, key) {
			delete(r.Outputs, key)
		}
	}
	o.SetOutputs(WithoutNotes(o.Inputs))
	if _, taggable := schema.AWS().Resources[r.Type].Properties["tagsAll"]; taggable {
		if tags, given := o.Inputs["tags"]; given {
			o.SetOutputs(map[string]any{"tagsAll": tags})
		} else {
			delete(r.Outputs, "tagsAll")
		}
	}
	if name := value.Text(o.Inputs[k.nameProperty()]); name != "" {
		r.Name = name
	}
	if k.OnUpdate != nil {
		if err := k.OnUpdate(o); err != nil {
			return err
		}
	}
	r.Inputs = o.Inputs
	r.Updated = o.Tx.Now
	return nil
}

func (o *Operation) runRemove(k Kind) error {
	if k.OnRemove == nil {
		return nil
	}
	return k.OnRemove(o)
}

// refresh brings the record up to date. It returns true if the resource is gone.
func (o *Operation) refresh(k Kind) (gone bool, err error) {
	if k.IsGone(o.Record) {
		return true, nil
	}
	if k.OnRead == nil {
		return false, nil
	}
	return k.OnRead(o)
}

// Users returns the records whose kinds say that they use the operation's record, ordered by type, name and id.
func (o *Operation) Users() ([]*Record, error) {
	var users []*Record
	for _, typ := range slices.Sorted(maps.Keys(o.Kinds)) {
		uses := o.Kinds[typ].Uses
		if uses == nil {
			continue
		}
		found, err := o.Tx.Where(typ, func(r *Record) bool { return r.ID != o.Record.ID && slices.Contains(uses(r), o.Record.ID) })
		if err != nil {
			return nil, err
		}
		users = append(users, found...)
	}
	return users, nil
}

// outcome returns the error with which an operation ended, nil if it succeeded.
func (c *Cloud) outcome(r *Record, doing string) error {
	if ended := c.Kinds[r.Type].Outcome; ended != nil {
		return ended(r, doing)
	}
	if r.Status == "failed" {
		return fmt.Errorf("%s %s (%s): unexpected state 'failed', wanted target 'available'", doing, c.title(r.Type), r.Name)
	}
	return nil
}

// findImported returns a record by its id, or by an id that the real provider imports it by. It returns nil if there is
// none.
func (c *Cloud) findImported(t *Tx, typ, id, region string) (*Record, error) {
	r, err := t.Get(typ, id)
	if r != nil || err != nil {
		return r, err
	}
	k := c.Kinds[typ]
	found, err := t.Where(typ, func(r *Record) bool {
		if r.Region != region && !k.Global {
			return false
		}
		if r.Name == id || r.Text("arn") == id {
			return true
		}
		if k.ImportID != nil && k.ImportID(r) == id {
			return true
		}
		for _, template := range k.ImportTemplates {
			if (&Operation{Tx: t, Record: r, Region: r.Region}).Expand(template) == id {
				return true
			}
		}
		return false
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// title returns the real provider's name of a type in messages, such as "RDS DB Instance".
func (c *Cloud) title(typ string) string {
	if title := c.Kinds[typ].Title; title != "" {
		return title
	}
	_, rest, _ := strings.Cut(typ, ":")
	module, _, _ := strings.Cut(rest, "/")
	return strings.ToUpper(module) + " " + typ[strings.LastIndex(typ, ":")+1:]
}

// operationError adds to an error of AWS what the real provider adds: the operation and the resource.
func (c *Cloud) operationError(doing, typ, name string, err error) error {
	aws, ok := err.(*Error)
	if !ok {
		return err
	}
	return fmt.Errorf("%s %s (%s): api error %s: %w", doing, c.title(typ), name, aws.Code, errorText(aws.Message))
}

// errorText is an error with this message.
type errorText string

func (e errorText) Error() string { return string(e) }

// WithoutNotes returns the inputs without the provider's own notes, whose names begin with two underscores.
func WithoutNotes(in map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range in {
		if !strings.HasPrefix(k, "__") {
			out[k] = v
		}
	}
	return out
}
