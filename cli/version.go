package cli

import (
	"cmp"
	"context"
	"runtime"
	"runtime/debug"

	urfave "github.com/urfave/cli/v2"

	"github.com/branchenv/branchenv/internal/engine"
)

// versionReport is the JSON document of `version`.
type versionReport struct {
	Version  string `json:"version"`  // the module's version, (devel) for a build from a checkout without one
	Revision string `json:"revision"` // the git commit, followed by -dirty if files were changed; may be empty
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Pulumi   string `json:"pulumi"` // the path of the first pulumi that is found, empty if there is none
}

func (s *session) versionCommand() *urfave.Command {
	return &urfave.Command{
		Name:   "version",
		Usage:  "show the version of branchenv and where pulumi is",
		Action: withoutOptions(s.version),
	}
}

func (s *session) version(context.Context) error {
	report := buildVersion(debug.ReadBuildInfo())
	report.Pulumi = engine.PulumiPath()
	if s.json {
		return s.out.document(report)
	}
	s.out.raw(table(nil, [][]string{
		{program, report.Version},
		{"revision", orDash(report.Revision)},
		{"go", report.Go + " " + report.Platform},
		{"pulumi", cmp.Or(report.Pulumi, "not found")},
	}))
	return nil
}

// buildVersion returns what the Go linker stored. It starts no process, so that `version` answers at once.
func buildVersion(info *debug.BuildInfo, ok bool) versionReport {
	report := versionReport{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if !ok {
		return report
	}
	if info.Main.Version != "" {
		report.Version = info.Main.Version
	}
	dirty := ""
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			report.Revision = setting.Value
		case "vcs.modified":
			if setting.Value == "true" {
				dirty = "-dirty"
			}
		}
	}
	if report.Revision != "" {
		report.Revision += dirty
	}
	return report
}
