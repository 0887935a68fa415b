package backend

import (
	"encoding/json"

	"github.com/branchenv/branchenv/stacks/names"
)

// specOutput is the stack output that holds the spec of the last successful update.
const specOutput = "spec"

// value returns the value of a key of the project's configuration in this run, as JSON; nil if it is not known.
func (u *Update) value(project, key string) json.RawMessage {
	if u == nil {
		return nil
	}
	return u.Config[project+":"+key]
}

// stackIdentity is the part of a spec that identifies an environment or the application stack.
type stackIdentity struct {
	Project      string `json:"project"`
	Stack        string `json:"stack"`
	Branch       string `json:"branch"`
	Host         string `json:"host"`
	BucketSuffix string `json:"bucketSuffix"`
}

// SpecText returns the spec of the stack's last run as JSON. If that run had none, it is the spec of the last successful update.
// It is nil if neither is known.
func (f *Facts) SpecText(project string) json.RawMessage {
	var last stackIdentity
	if text := f.LastUpdate.value(project, names.SpecKey); json.Unmarshal(text, &last) == nil {
		return text
	}
	text, err := json.Marshal(f.State.Outputs()[specOutput])
	if err != nil {
		return nil
	}
	var made *stackIdentity
	if err := json.Unmarshal(text, &made); err != nil || made == nil || made.Project != project || made.Stack != f.Name {
		return nil
	}
	return text
}

// identity returns the identifying part of the stack's last spec; nil if there is none.
func (f *Facts) identity(project string) *stackIdentity {
	text := f.SpecText(project)
	if f.Name == names.ApplicationStack {
		text = f.LastUpdate.value(project, names.ApplicationKey)
	}
	var r stackIdentity
	if json.Unmarshal(text, &r) != nil {
		return nil
	}
	return &r
}
