package cloud

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

// A Service is one of AWS's services as the sandbox knows it.
type Service struct {
	Kinds     map[string]Kind                 // by Pulumi type token
	Functions map[string]Function             // by Pulumi function token
	Apps      func(*Operation) ([]App, error) // lists the programs that it runs; nil: it runs none
}

// An App is a program that a service runs, and that may answer on a host name.
type App struct {
	Name      string            // the service's name for it
	Status    string            // in the service's words
	Health    string            // in the service's words
	Version   string            // the version that it runs
	Image     string            // the container image that it runs; empty: none
	Up        bool              // it answers
	Variables map[string]string // the environment variables that it is given
	Address   string            // its own host name in DNS
	Balancers []string          // ARNs of the load balancers that lead to it
	Hosts     []string          // patterns of the host names for which they do, as in path.Match
}

// HasHost reports whether one of the app's host rules is for host.
func (a App) HasHost(host string) bool {
	return slices.ContainsFunc(a.Hosts, func(pattern string) bool {
		matched, err := path.Match(strings.ToLower(pattern), host)
		return err == nil && matched
	})
}

// Apps lists the programs that all services run.
func (c *Cloud) Apps(t *Tx) ([]App, error) {
	var all []App
	for _, s := range c.services {
		if s.Apps == nil {
			continue
		}
		apps, err := s.Apps(&Operation{Cloud: c, Tx: t})
		if err != nil {
			return nil, err
		}
		all = append(all, apps...)
	}
	return all, nil
}

// A Function looks something up for a program.
type Function func(*Lookup) (value.Object, error)

// A Lookup is one call of a function inside a transaction.
type Lookup struct {
	*Operation
	Args value.Object
}

// A Kind is what the sandbox knows of a resource type beyond its schema. The zero kind serves any type: it stores the
// inputs and gives a random id and an ARN.
type Kind struct {
	Title           string // what the real provider calls the type in messages
	Naming          Naming
	HasDescription  bool                 // has a description that the real provider fills in
	Defaults        map[string]any       // other inputs that the real provider fills in
	Unreadable      []string             // inputs that AWS does not tell: a refresh keeps what the state has of them
	ImportDefaults  map[string]any       // what the real provider gives some of these in an import; the others are absent
	ID              string               // template of the id; default "{name}", or a random one for a type without a name
	ARN             string               // template of the ARN's part after "arn:aws:"; empty: no arn
	ImportTemplates []string             // templates of what it can also be imported by, beside id, name and ARN
	ImportID        func(*Record) string // the same for what no template says
	NameTaken       string               // "Code: message" when the name is taken in the region, {name} replaced; empty: names may repeat
	Global          bool                 // … in any region
	Quota           string               // key in Options.Quotas that bounds how many there may be in a region
	QuotaError      string               // "Code: message" when there are that many, %d replaced
	Timeout         time.Duration        // how long the real provider waits; default 20 minutes
	OnlyWait        bool                 // stands for a wait of the provider's: there is no such thing in AWS

	FailedStatus string // the status of one that a fault lets end badly; default "failed"
	FailedEvent  string // the event that says why, if the fault does not

	Rules          []Rule                         // demands on single inputs
	Combinations   []Combination                  // demands on several inputs together
	Ignored        func(in value.Object) []string // inputs that AWS ignores beside the others
	SecurityGroups func(*Record) []string         // the security groups that it uses: they cannot be deleted

	OnCreate func(*Operation) error         // checks what must hold and adds outputs; the record is stored afterwards
	OnUpdate func(*Operation) error         // the same for an update; o.old holds the inputs before
	OnRemove func(*Operation) error         // checks what forbids it, takes dependent things away, plans the end
	OnRead   func(*Operation) (bool, error) // brings outputs up to date; true: it is gone
	Gone     func(*Record) bool             // for what stays visible after its end
	Outcome  func(*Record, string) error
}

// Naming says how a type gets its automatic name: the logical name, a hyphen and 7 hex digits that depend on the
// engine's seed, so that they are the same in preview and update.
type Naming struct {
	Property  string // the input that holds the name; empty: the type has none
	MaxLength int    // longest name; 0: 255
	LowerCase bool   // in lower case
}

// A Rule is what AWS, or the real provider before it, demands of one property of a type.
type Rule struct {
	Property string
	Allowed  []string // the only values
	Pattern  string   // a regular expression that must match
	Min, Max float64  // bounds: of a number's value or a string's length; 0: none
	Valid    func(string) bool
	Message  string // what to say about a value that pattern or also refuse
}

// A Combination is a demand on several properties together.
type Combination struct {
	Property string
	Check    func(given func(property string) bool) string
}

// Exclusive refuses two properties side by side.
func Exclusive(a, b string) Combination {
	return Combination{a, func(given func(string) bool) string {
		if given(a) && given(b) {
			return fmt.Sprintf("%q: conflicts with %s", a, b)
		}
		return ""
	}}
}

// Either demands one of two properties.
func Either(a, b string) Combination {
	return Combination{a, func(given func(string) bool) string {
		if !given(a) && !given(b) {
			return fmt.Sprintf("one of %s, %s must be specified", a, b)
		}
		return ""
	}}
}

// OneOf demands at least one of several properties.
func OneOf(property string, names ...string) Combination {
	return Combination{property, func(given func(string) bool) string {
		if slices.ContainsFunc(names, given) {
			return ""
		}
		return fmt.Sprintf("one of %s must be specified", strings.Join(names, ", "))
	}}
}

func (k Kind) nameProperty() string {
	if k.Naming.Property == "" {
		return "name"
	}
	return k.Naming.Property
}

// Expand fills a template: {region}, {account}, {name}, {uuid}, {hexN}, {idN} (digits and capital letters),
// {baseN} (the same in lower case), {now}, {bare} (the name without a slash in front), and any output by its name.
func (o *Operation) Expand(template string) string {
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

func (o *Operation) placeholder(key string) string {
	switch key {
	case "region":
		return o.Region
	case "account":
		return Account
	case "name":
		return o.Record.Name
	case "uuid":
		h := random(hexDigits, 32)
		return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
	}
	switch key {
	case "now":
		return o.Tx.Now.UTC().Format("20060102150405.000000")
	case "bare":
		return strings.TrimPrefix(o.Record.Name, "/")
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
	return o.Record.Outputs.Text(key)
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

func (o *Operation) runUpdate(k Kind) error {
	r := o.Record
	// What the inputs no longer give becomes absent; what AWS computed, or would have, stays.
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

func (o *Operation) refresh(k Kind) (gone bool, err error) {
	if k.IsGone(o.Record) {
		return true, nil
	}
	if k.OnRead == nil {
		return false, nil
	}
	return k.OnRead(o)
}

// IsGone tells whether the record stands for something that no longer exists.
func (k Kind) IsGone(r *Record) bool { return k.Gone != nil && k.Gone(r) }

// outcome is the error with which an operation ended.
func (c *Cloud) outcome(r *Record, doing string) error {
	if ended := c.Kinds[r.Type].Outcome; ended != nil {
		return ended(r, doing)
	}
	if r.Status == "failed" {
		return fmt.Errorf("%s %s (%s): unexpected state 'failed', wanted target 'available'", doing, c.title(r.Type), r.Name)
	}
	return nil
}

// findImported finds a record by its id, or by what the real provider imports its type by.
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

// title is how a type is called in messages: "RDS DB Instance" as the real provider says.
func (c *Cloud) title(typ string) string {
	if title := c.Kinds[typ].Title; title != "" {
		return title
	}
	_, rest, _ := strings.Cut(typ, ":")
	module, _, _ := strings.Cut(rest, "/")
	return strings.ToUpper(module) + " " + typ[strings.LastIndex(typ, ":")+1:]
}

// operationError words an error of AWS as the real provider does: what it did to what, and the API's answer.
func (c *Cloud) operationError(doing, typ, name string, err error) error {
	aws, ok := err.(*Error)
	if !ok {
		return err
	}
	return fmt.Errorf("%s %s (%s): api error %s: %w", doing, c.title(typ), name, aws.Code, errorText(aws.Message))
}

// errorText is an error that is only a message.
type errorText string

func (e errorText) Error() string { return string(e) }

// WithoutNotes leaves out what the provider notes for itself.
func WithoutNotes(in map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range in {
		if !strings.HasPrefix(k, "__") {
			out[k] = v
		}
	}
	return out
}
