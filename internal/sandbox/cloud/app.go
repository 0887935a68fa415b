package cloud

import (
	"path"
	"slices"
	"strings"
)

// An App is a program that a service runs. It may answer on a host name.
type App struct {
	Name      string            // the service's name for it
	Status    string            // in the service's words
	Health    string            // in the service's words
	Version   string            // the version that it runs
	Image     string            // the container image that it runs; empty: none
	Up        bool              // whether it answers requests
	Variables map[string]string // its environment variables
	Address   string            // its own host name in DNS
	Balancers []string          // ARNs of the load balancers that forward to it
	Hosts     []string          // the host names that they forward, as patterns of path.Match
}

// HasHost reports whether the app's load balancers forward requests for host to it.
func (a App) HasHost(host string) bool {
	return slices.ContainsFunc(a.Hosts, func(pattern string) bool {
		matched, err := path.Match(strings.ToLower(pattern), host)
		return err == nil && matched
	})
}

// Apps lists the apps of all services.
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
