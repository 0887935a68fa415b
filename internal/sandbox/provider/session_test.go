package provider

import (
	"testing"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
)

// Each engine on a server has its own session, with its own region, tags and end.
func TestSessionsByDefault(t *testing.T) {
	t.Parallel()
	aws, err := cloud.New(cloud.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p := New(aws)
	first := p.session(t.Context(), false)
	if again := p.session(t.Context(), false); again != first {
		t.Error("the session changed by itself")
	}
	if renewed := p.session(t.Context(), true); renewed == first {
		t.Error("configuring does not begin a session")
	}
	first.cancel()
	select {
	case <-first.done:
	default:
		t.Error("cancelling does not end the session's waits")
	}
}
