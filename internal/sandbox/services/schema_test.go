package services_test

import (
	"testing"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/sandboxtest"
	"github.com/branchenv/branchenv/internal/sandbox/schema"
)

// Every type with a kind is in the schema, and so is every input that its kind names. Otherwise nothing would use them.
func TestKindsAreOfTheSchema(t *testing.T) {
	t.Parallel()
	for typ, k := range sandboxtest.New(t, cloud.Config{}).Cloud.Kinds {
		spec, ok := schema.AWS().Resources[typ]
		if !ok {
			t.Errorf("%s is not in the schema", typ)
			continue
		}
		if p := k.Naming.Property; p != "" {
			if _, ok := spec.Inputs[p]; !ok {
				t.Errorf("%s is named by %q, which it does not have", typ, p)
			}
		}
		for _, r := range k.Rules {
			if _, ok := spec.Inputs[r.Property]; !ok {
				t.Errorf("a rule is about %s of %s, which does not exist", r.Property, typ)
			}
		}
	}
}
