package sandbox

import (
	"crypto/rand"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// A service is one of AWS's services as the sandbox knows it.
type service struct {
	kinds     map[string]kind          // by Pulumi type token
	functions map[string]function      // by Pulumi function token
	apps      func(*op) ([]app, error) // lists the programs that it runs; nil: it runs none
}

// An app is a program that a service runs, and that may answer on a host name.
type app struct {
	name      string            // the service's name for it
	status    string            // in the service's words
	health    string            // in the service's words
	version   string            // the version that it runs
	image     string            // the container image that it runs; empty: none
	up        bool              // it answers
	variables map[string]string // the environment variables that it is given
	address   string            // its own host name in DNS
	balancers []string          // ARNs of the load balancers that lead to it
	hosts     []string          // patterns of the host names for which they do, as in path.Match
}

// hasHost reports whether one of the app's host rules is for host.
func (a app) hasHost(host string) bool {
	return slices.ContainsFunc(a.hosts, func(pattern string) bool {
		matched, err := path.Match(strings.ToLower(pattern), host)
		return err == nil && matched
	})
}

// apps lists the programs that all services run.
func (c *cloud) apps(t *tx) ([]app, error) {
	var all []app
	for _, s := range c.services {
		if s.apps == nil {
			continue
		}
		apps, err := s.apps(&op{cloud: c, tx: t})
		if err != nil {
			return nil, err
		}
		all = append(all, apps...)
	}
	return all, nil
}

// A function looks something up for a program.
type function func(*lookup) (value.Object, error)

// A lookup is one call of a function inside a transaction.
type lookup struct {
	*op
	args value.Object
}

// A kind is what the sandbox knows of a resource type beyond its schema. The zero kind serves any type: it stores the
// inputs and gives a random id and an ARN.
type kind struct {
	title      string // what the real provider calls the type in messages
	naming     naming
	described  bool                 // has a description that the real provider fills in
	defaults   map[string]any       // other inputs that the real provider fills in
	unseen     []string             // inputs that AWS does not tell: a refresh keeps what the state has of them
	imported   map[string]any       // what the real provider gives some of these in an import; the others are absent
	id         string               // template of the id; default "{name}", or a random one for a type without a name
	arn        string               // template of the ARN's part after "arn:aws:"; empty: no arn
	imports    []string             // templates of what it can also be imported by, beside id, name and ARN
	importID   func(*record) string // the same for what no template says
	taken      string               // "Code: message" when the name is taken in the region, {name} replaced; empty: names may repeat
	anywhere   bool                 // … in any region
	quota      string               // key in Options.Quotas that bounds how many there may be in a region
	quotaError string               // "Code: message" when there are that many, %d replaced
	timeout    time.Duration        // how long the real provider waits; default 20 minutes
	onlyWait   bool                 // stands for a wait of the provider's: there is no such thing in AWS

	failedStatus string // the status of one that a fault lets end badly; default "failed"
	failedEvent  string // the event that says why, if the fault does not

	rules          []rule                         // demands on single inputs
	combinations   []combination                  // demands on several inputs together
	ignored        func(in value.Object) []string // inputs that AWS ignores beside the others
	securityGroups func(*record) []string         // the security groups that it uses: they cannot be deleted

	onCreate func(*op) error         // checks what must hold and adds outputs; the record is stored afterwards
	onUpdate func(*op) error         // the same for an update; o.old holds the inputs before
	onRemove func(*op) error         // checks what forbids it, takes dependent things away, plans the end
	onRead   func(*op) (bool, error) // brings outputs up to date; true: it is gone
	gone     func(*record) bool      // for what stays visible after its end
	ended    func(*record, string) error
}

// naming says how a type gets its automatic name: the logical name, a hyphen and 7 hex digits that depend on the
// engine's seed, so that they are the same in preview and update.
type naming struct {
	property string // the input that holds the name; empty: the type has none
	max      int    // longest name; 0: 255
	lower    bool   // in lower case
}

// A rule is what AWS, or the real provider before it, demands of one property of a type.
type rule struct {
	property string
	allowed  []string // the only values
	pattern  string   // a regular expression that must match
	min, max float64  // bounds: of a number's value or a string's length; 0: none
	also     func(string) bool
	want     string // what to say about a value that pattern or also refuse
}

// A combination is a demand on several properties together.
type combination struct {
	property string
	check    func(given func(property string) bool) string
}

// exclusive refuses two properties side by side.
func exclusive(a, b string) combination {
	return combination{a, func(given func(string) bool) string {
		if given(a) && given(b) {
			return fmt.Sprintf("%q: conflicts with %s", a, b)
		}
		return ""
	}}
}

// either demands one of two properties.
func either(a, b string) combination {
	return combination{a, func(given func(string) bool) string {
		if !given(a) && !given(b) {
			return fmt.Sprintf("one of %s, %s must be specified", a, b)
		}
		return ""
	}}
}

// oneOf demands at least one of several properties.
func oneOf(property string, names ...string) combination {
	return combination{property, func(given func(string) bool) string {
		if slices.ContainsFunc(names, given) {
			return ""
		}
		return fmt.Sprintf("one of %s must be specified", strings.Join(names, ", "))
	}}
}

func (k kind) nameProperty() string {
	if k.naming.property == "" {
		return "name"
	}
	return k.naming.property
}

// expand fills a template: {region}, {account}, {name}, {uuid}, {hexN}, {idN} (digits and capital letters),
// {baseN} (the same in lower case), {now}, {bare} (the name without a slash in front), and any output by its name.
func (o *op) expand(template string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		key, after, _ := strings.Cut(rest, "}")
		out.WriteString(o.placeholder(key))
		template = after
	}
}

func (o *op) placeholder(key string) string {
	switch key {
	case "region":
		return o.region
	case "account":
		return account
	case "name":
		return o.rec.Name
	case "uuid":
		h := random(hexDigits, 32)
		return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
	}
	switch key {
	case "now":
		return o.tx.now.UTC().Format("20060102150405.000000")
	case "bare":
		return strings.TrimPrefix(o.rec.Name, "/")
	}
	var n int
	if _, err := fmt.Sscanf(key, "hex%d", &n); err == nil {
		return random(hexDigits, n)
	}
	if _, err := fmt.Sscanf(key, "id%d", &n); err == nil {
		return random(base32, n)
	}
	if _, err := fmt.Sscanf(key, "base%d", &n); err == nil {
		return strings.ToLower(random(base32, n))
	}
	return o.rec.Outputs.Text(key)
}

// The letters of AWS's ids.
const (
	hexDigits = "0123456789abcdef"
	base32    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
)

// random returns n random letters. There must be 16 or 32 letters to choose from, so that each is as likely.
func random(letters string, n int) string {
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}

func (o *op) create(k kind) error {
	r := o.rec
	r.Name = value.Text(o.in[k.nameProperty()])
	if prefix := value.Text(o.in[k.nameProperty()+"Prefix"]); r.Name == "" && prefix != "" {
		r.Name = prefix + o.tx.now.UTC().Format("20060102150405") + "00000001"
		o.force(map[string]any{k.nameProperty(): r.Name})
	}
	if tags, taggable := r.Outputs["tags"]; taggable {
		o.force(map[string]any{"tagsAll": tags})
	}
	if err := o.checkTaken(k); err != nil {
		return err
	}
	if err := o.checkQuota(k); err != nil {
		return err
	}
	if k.arn != "" {
		o.set(map[string]any{"arn": "arn:aws:" + o.expand(k.arn)})
	}
	if k.onCreate != nil {
		if err := k.onCreate(o); err != nil {
			return err
		}
	}
	if r.ID == "" {
		template := k.id
		switch {
		case template != "":
		case k.naming.property != "":
			template = "{name}"
		default:
			template = "{hex17}"
		}
		r.ID = o.expand(template)
	}
	if r.Name == "" {
		r.Name = r.ID
	}
	return nil
}

func (o *op) checkTaken(k kind) error {
	if k.taken == "" || o.rec.Name == "" {
		return nil
	}
	others, err := o.tx.where(o.rec.Type, func(r *record) bool {
		return r.Name == o.rec.Name && (k.anywhere || r.Region == o.region) && !k.removed(r)
	})
	if err != nil || len(others) == 0 {
		return err
	}
	return parseAWSError(strings.ReplaceAll(k.taken, "{name}", o.rec.Name), "", "", 400)
}

func (o *op) checkQuota(k kind) error {
	limit := o.quotas[k.quota]
	if k.quota == "" || limit <= 0 {
		return nil
	}
	others, err := o.tx.where(o.rec.Type, func(r *record) bool { return r.Region == o.region && !k.removed(r) })
	if err != nil || len(others) < limit {
		return err
	}
	return parseAWSError(fmt.Sprintf(k.quotaError, limit), "", "", 400)
}

func (o *op) update(k kind) error {
	r := o.rec
	// What the inputs no longer give becomes absent; what AWS computed, or would have, stays.
	computed := schema.AWS().Resources[r.Type].Computed()
	for key := range o.old {
		if _, still := o.in[key]; !still && !slices.Contains(computed, key) {
			delete(r.Outputs, key)
		}
	}
	o.force(withoutInternal(o.in))
	if _, taggable := schema.AWS().Resources[r.Type].Properties["tagsAll"]; taggable {
		if tags, given := o.in["tags"]; given {
			o.force(map[string]any{"tagsAll": tags})
		} else {
			delete(r.Outputs, "tagsAll")
		}
	}
	if name := value.Text(o.in[k.nameProperty()]); name != "" {
		r.Name = name
	}
	if k.onUpdate != nil {
		if err := k.onUpdate(o); err != nil {
			return err
		}
	}
	r.Inputs = o.in
	r.Updated = o.tx.now
	return nil
}

func (o *op) remove(k kind) error {
	if k.onRemove == nil {
		return nil
	}
	return k.onRemove(o)
}

func (o *op) refresh(k kind) (gone bool, err error) {
	if k.removed(o.rec) {
		return true, nil
	}
	if k.onRead == nil {
		return false, nil
	}
	return k.onRead(o)
}

// removed tells whether the record stands for something that no longer exists.
func (k kind) removed(r *record) bool { return k.gone != nil && k.gone(r) }

// outcome is the error with which an operation ended.
func (c *cloud) outcome(r *record, doing string) error {
	if ended := c.kinds[r.Type].ended; ended != nil {
		return ended(r, doing)
	}
	if r.Status == "failed" {
		return fmt.Errorf("%s %s (%s): unexpected state 'failed', wanted target 'available'", doing, c.describe(r.Type), r.Name)
	}
	return nil
}

// importable finds a record by its id, or by what the real provider imports its type by.
func (c *cloud) importable(t *tx, typ, id, region string) (*record, error) {
	r, err := t.get(typ, id)
	if r != nil || err != nil {
		return r, err
	}
	k := c.kinds[typ]
	found, err := t.where(typ, func(r *record) bool {
		if r.Region != region && !k.anywhere {
			return false
		}
		if r.Name == id || r.str("arn") == id {
			return true
		}
		if k.importID != nil && k.importID(r) == id {
			return true
		}
		for _, template := range k.imports {
			if (&op{tx: t, rec: r, region: r.Region}).expand(template) == id {
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

// describe is how a type is called in messages: "RDS DB Instance" as the real provider says.
func (c *cloud) describe(typ string) string {
	if title := c.kinds[typ].title; title != "" {
		return title
	}
	_, rest, _ := strings.Cut(typ, ":")
	module, _, _ := strings.Cut(rest, "/")
	return strings.ToUpper(module) + " " + typ[strings.LastIndex(typ, ":")+1:]
}

// operationError words an error of AWS as the real provider does: what it did to what, and the API's answer.
func (c *cloud) operationError(doing, typ, name string, err error) error {
	aws, ok := err.(*awsError)
	if !ok {
		return err
	}
	return fmt.Errorf("%s %s (%s): api error %s: %w", doing, c.describe(typ), name, aws.Code, errorText(aws.Message))
}

// errorText is an error that is only a message.
type errorText string

func (e errorText) Error() string { return string(e) }

// withoutInternal leaves out what the provider notes for itself.
func withoutInternal(in map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range in {
		if !strings.HasPrefix(k, "__") {
			out[k] = v
		}
	}
	return out
}
