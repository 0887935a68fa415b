package cloud

import (
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// A Service is one of AWS's services: everything that this package knows of it.
type Service struct {
	Kinds     map[string]Kind                 // by Pulumi type token
	Functions map[string]Function             // by Pulumi function token
	Apps      func(*Operation) ([]App, error) // lists the apps that it runs; nil: none
}

// A Kind says how AWS and the real provider treat a resource type, in addition to its schema. The zero Kind works for any
// type: it stores the inputs and gives a random id.
//
// A template is a text for Operation.Expand.
type Kind struct {
	Title    string // the real provider's name of the type in messages: "RDS DB Instance"
	Naming   Naming
	ID       string        // template of the id; default "{name}", or a random id if the type has no name
	ARN      string        // template of the ARN without "arn:aws:"; empty: it has none, or OnCreate sets it
	Global   bool          // it belongs to no region: its name is unique everywhere, and it is found from every region
	Timeout  time.Duration // how long the real provider waits for an operation; default 20 minutes
	OnlyWait bool          // it stands for a wait of the provider: nothing exists in AWS

	// What the real provider fills in, and what it cannot read.
	HasDescription bool           // the description is filled in
	Defaults       map[string]any // other inputs that are filled in
	Unreadable     []string       // inputs that AWS does not return: a refresh keeps the values in the state
	ImportDefaults map[string]any // the values of unreadable inputs after an import; the others are absent

	// Other ids that the real provider imports it by. The id, the name and the ARN are always possible.
	ImportTemplates []string
	ImportID        func(*Record) string // for an id that no template describes

	// What AWS refuses. An error is written "Code: message".
	NameTaken    string        // the error if the name is taken, with {name}; empty: names may repeat
	Quota        string        // the key in Config.Quotas that bounds how many a region may have; empty: nothing does
	QuotaError   string        // the error if there are that many, with %d
	Rules        []Rule        // rules for single inputs
	Combinations []Combination // rules for several inputs together

	Ignored func(in value.Object) []string // returns inputs that AWS ignores because of the others; nil: none
	Uses    func(*Record) []string         // returns the ids of resources that cannot be deleted while it exists; nil: none

	// The operations. Each is inside a transaction; nil: nothing more to do.
	OnCreate func(*Operation) error         // checks the inputs, and sets the outputs; the record is stored afterwards
	OnUpdate func(*Operation) error         // the same for an update
	OnRemove func(*Operation) error         // refuses the removal, or removes dependent records; may schedule the end
	OnRead   func(*Operation) (bool, error) // updates the outputs; returns true if the resource is gone

	Gone         func(*Record) bool                  // reports whether a record is still shown after its end; nil: never
	Outcome      func(r *Record, doing string) error // returns the error with which an operation ended; doing is creating, updating or deleting
	FailedStatus string                              // the status after a Red fault; default "failed"
	FailedEvent  string                              // the event of a Red fault that has no message
}

// Naming says how the provider makes a name for a resource that has none: its name in the program, a hyphen and 7 random
// hexadecimal digits.
type Naming struct {
	Property  string // the input with the name; empty: the type has no name
	MaxLength int    // the longest name, in characters; default 255
	LowerCase bool   // the name is in lower case
}

func (k Kind) nameProperty() string {
	if k.Naming.Property == "" {
		return "name"
	}
	return k.Naming.Property
}

// IsGone reports whether the record is of a resource that no longer exists.
func (k Kind) IsGone(r *Record) bool { return k.Gone != nil && k.Gone(r) }
