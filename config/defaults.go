package config

import (
	"maps"
	"slices"
	"time"
)

// The kinds that every settings file has, whether it names them or not.
const (
	Production = "production"
	Staging    = "staging"
	Branch     = "branch"
)

// Default returns the lowest layer of a kind's settings. Production and staging live long and are protected. Production has
// two instances behind its own load balancer and a standby database. Branch is the cheapest that does the job, and expires
// after 72 hours without activity. A kind of another name starts from the kind that it extends, or from the values that are
// documented at the fields of Settings.
func Default(kind string) Settings {
	s := Settings{
		Create:      "manual",
		Application: Staging,
		Platform:    "beanstalk",
		Timeout:     Duration(30 * time.Minute),
		Instances:   Instances{Type: "t3.micro", Min: 1, Max: 1},
		Balancer:    "shared",
		Deployment:  Deployment{Policy: "AllAtOnce", BatchSize: 50},
		Health:      Health{Path: "/", Port: 80},
		Logs:        Logs{Stream: true, RetentionDays: 7},
		Database: Database{Engine: "postgres", Class: "db.t4g.micro", Storage: 20,
			Username: "app", Name: "app"},
		Assets: Assets{Enabled: true, NoncurrentDays: 30},
	}
	switch kind {
	case Production:
		s.Protected = true
		s.Application = Production
		s.Instances = Instances{Type: "t3.small", Min: 2, Max: 4}
		s.Balancer = "own"
		s.Deployment.Policy = "RollingWithAdditionalBatch"
		s.Logs.RetentionDays = 90
		s.Database.Class, s.Database.MultiAZ, s.Database.BackupDays = "db.t4g.small", true, 14
	case Staging:
		s.Protected = true
		s.Logs.RetentionDays = 30
		s.Database.BackupDays = 1
	case Branch:
		s.TTL = Duration(72 * time.Hour)
	}
	return s
}

// defaultVersion returns the version of a database engine if the settings name none: the newest that AWS supports for years
// to come and that the small instance classes run.
func defaultVersion(engine string) string {
	switch engine {
	case "postgres":
		return "16"
	case "mysql":
		return "8.4"
	}
	return ""
}

// defaultFile returns the settings of an empty file.
func defaultFile() File {
	return File{
		Skip:          []string{"**/*-no-infra", "gh-readonly-queue/**"},
		StripPrefixes: []string{"feature/", "feat/", "bugfix/", "fix/", "hotfix/", "chore/"},
		Reconcile:     Reconcile{MaxDestroy: 5, MaxDestroyShare: 0.5, MaxCreate: 20, Grace: Duration(10 * time.Minute), Interval: Duration(time.Hour)},
	}
}

func builtin(kind string) bool { return kind == Production || kind == Staging || kind == Branch }

// Kinds returns the names of all kinds, the built-in ones and those of the file, sorted.
func (f *File) Kinds() []string {
	names := map[string]bool{Production: true, Staging: true, Branch: true}
	for name := range f.layers.kinds {
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}
