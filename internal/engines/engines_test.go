package engines_test

import (
	"strings"
	"testing"

	"github.com/branchenv/branchenv/internal/engines"
)

func engine(t *testing.T, name string) engines.Engine {
	t.Helper()
	e, ok := engines.Of(name)
	if !ok {
		t.Fatalf("there is no engine %s", name)
	}
	return e
}

func TestEngines(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "oracle", "Postgres", "aurora-postgresql", "none"} {
		if _, ok := engines.Of(name); ok {
			t.Errorf("there is an engine %q", name)
		}
	}
}

// TestVersions checks the families, which are those of the default parameter groups.
func TestVersions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ engine, version, family string }{
		{"postgres", "16", "16"}, {"postgres", "16.4", "16"}, {"postgres", "10.23", "10"}, {"postgres", "16.4.1", ""},
		{"postgres", "9.6", ""}, {"postgres", "8", ""}, {"postgres", "160", ""}, {"postgres", "", ""}, {"postgres", "16.", ""},
		{"mysql", "8.4", "8.4"}, {"mysql", "8.0.36", "8.0"}, {"mysql", "8", ""}, {"mysql", "5.7", ""}, {"mysql", "16", ""},
		{"mysql", "8.4.3.1", ""}, {"mysql", "8.40", ""}, {"mysql", "08.4", ""},
	} {
		e := engine(t, tt.engine)
		if got := e.Family(tt.version); got != tt.family || (e.CheckVersion(tt.version) == "") != (tt.family != "") {
			t.Errorf("%s %q: family %q, want %q; %s", tt.engine, tt.version, got, tt.family, e.CheckVersion(tt.version))
		}
	}
}

// TestNames checks names that RDS is known to accept or to refuse (see the sources in the package).
func TestNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		engine, name   string
		user, database bool // taken
	}{
		{"postgres", "app", true, true}, {"postgres", "App_1", true, true}, {"postgres", "postgres", true, false},
		{"postgres", "pg_dba", false, true}, {"postgres", "PG_dba", false, true}, {"postgres", "pgdba", true, true},
		{"postgres", "admin", false, false}, {"postgres", "Admin", false, false}, {"postgres", "database", false, false},
		{"postgres", "rdsadmin", false, false}, {"postgres", "user", false, false}, {"postgres", "template1", false, false},
		{"postgres", "1app", false, false}, {"postgres", "my-app", false, false}, {"postgres", "", false, false},
		{"postgres", strings.Repeat("a", 63), true, true}, {"postgres", strings.Repeat("a", 64), false, false},
		{"mysql", "admin", true, true}, {"mysql", "mysql", false, false}, {"mysql", "rdsadmin", false, false},
		{"mysql", strings.Repeat("a", 16), true, true}, {"mysql", strings.Repeat("a", 17), false, true},
		{"mysql", "information_schema", false, false}, {"mysql", "select", false, false},
	} {
		e := engine(t, tt.engine)
		if got := e.CheckUsername(tt.name); (got == "") != tt.user {
			t.Errorf("%s, user %q: %q", tt.engine, tt.name, got)
		}
		if got := e.CheckDatabase(tt.name); (got == "") != tt.database {
			t.Errorf("%s, database %q: %q", tt.engine, tt.name, got)
		}
	}
}
