package backend

import (
	"encoding/json"

	"github.com/branchenv/branchenv/stacks/names"
)

// specOutput is the stack output that holds the specification which the stack was made from.
const specOutput = "spec"

// value is what the run's program was given under a key of the project's configuration, as JSON; nil if nothing is known.
func (u *Update) value(project, key string) json.RawMessage {
	if u == nil {
		return nil
	}
	return u.Config[project+":"+key]
}

// stackIdentity is the part of an environment's or the application stack's specification that identifies it.
type stackIdentity struct {
	Project      string `json:"project"`
	Stack        string `json:"stack"`
	Branch       string `json:"branch"`
	Host         string `json:"host"`
	BucketSuffix string `json:"bucketSuffix"`
}

// SpecText is the specification, as JSON, that the stack's last run worked from, or if that run had none, the one that the
// stack was last made from. nil if neither is known.
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

// identity is what is known of the specification that the stack was last made from; nil if nothing is.
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
