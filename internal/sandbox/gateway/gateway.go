// Package gateway answers on the host names of the apps in the embedded AWS, in place of the internet and of the apps. A page
// says which app would answer.
//
// It follows a host name as the internet and AWS do: through the DNS record to a load balancer or an app, and through the
// load balancer's host rules to the app. So a page shows that the records and the rules are right.
package gateway

import (
	"cmp"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/services"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// A gateway answers visitors, and passes requests to the AWS APIs on. A visitor's request is not signed.
type gateway struct {
	cloud *cloud.Cloud
	api   http.Handler
}

// New returns a handler that answers on the apps' host names, and passes the other requests to api.
func New(c *cloud.Cloud, api http.Handler) http.Handler { return &gateway{c, api} }

// localhost is a domain whose subdomains are all this machine, in every browser. Source: RFC 6761, section 6.3.
const localhost = ".localhost"

// ServeHTTP answers a visitor with a page, or passes the request on.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, port := splitHost(r.Host)
	if isSigned(r) || isOwnAddress(host) && r.URL.Path != "/" || isOwnAddress(host) && r.Method != http.MethodGet && r.Method != http.MethodHead {
		g.api.ServeHTTP(w, r)
		return
	}
	sites, err := Sites(g.cloud, port)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if i := slices.IndexFunc(sites, func(s Site) bool { return s.hasHost(host) }); i >= 0 {
		writeSite(w, r, sites[i])
		return
	}
	writeIndex(w, r, host, sites)
}

// isSigned reports whether a request is for an AWS API. It has a signature in a header, in a presigned URL, or in an uploaded
// form.
func isSigned(r *http.Request) bool {
	q := r.URL.Query()
	return r.Header.Get("Authorization") != "" || q.Has("X-Amz-Credential") || q.Has("AWSAccessKeyId") ||
		r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data")
}

// splitHost splits the Host header of a request. The port may be missing.
func splitHost(address string) (host, port string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), ".")), port
}

// isOwnAddress reports whether a host name is the server's own address. It is an IP address or has no dot.
func isOwnAddress(host string) bool {
	return net.ParseIP(host) != nil || !strings.Contains(host, ".")
}

// A Site is an app that answers on a host name.
type Site struct {
	Host        string `json:"host"`    // the full host name, as in DNS
	Address     string `json:"address"` // the URL on this machine
	Branch      string `json:"branch"`
	Kind        string `json:"kind"`
	Environment string `json:"environment"` // the name of the Beanstalk environment
	Status      string `json:"status"`      // Beanstalk's status
	Health      string `json:"health"`      // Beanstalk's health
	Version     string `json:"version"`     // the application version's label
	Image       string `json:"image"`       // empty: the version is no container image
	Database    string `json:"database"`    // empty: none
	Bucket      string `json:"bucket"`      // empty: none
	up          bool   // whether the app answers
}

// hasHost reports whether the site answers on host. Besides its own host name, these are its first label and all of its
// name below localhost.
func (s Site) hasHost(host string) bool {
	local, found := strings.CutSuffix(host, localhost)
	label, _, _ := strings.Cut(s.Host, ".")
	return host == s.Host || found && (local == s.Host || local == label)
}

// address returns the site's URL on this machine.
func (s Site) address(port string) string {
	label, _, _ := strings.Cut(s.Host, ".")
	if port != "" {
		port = ":" + port
	}
	return "http://" + label + localhost + port + "/"
}

// Sites returns the apps that answer on host names, ordered by these. The server listens on port of this machine.
func Sites(c *cloud.Cloud, port string) ([]Site, error) {
	all, err := sites(c)
	for i, s := range all {
		all[i].Address = s.address(port)
	}
	return all, err
}

// sites returns the apps that answer on host names, without their addresses.
func sites(c *cloud.Cloud) ([]Site, error) {
	var sites []Site
	err := c.Store.Do(func(t *cloud.Tx) error {
		apps, err := c.Apps(t)
		if err != nil {
			return err
		}
		records, err := t.Where(services.TypeRecord, func(r *cloud.Record) bool { return r.Text("type") == "A" || r.Text("type") == "CNAME" })
		if err != nil {
			return err
		}
		for _, r := range records {
			targets := r.Outputs.Texts("records")
			for _, alias := range r.Outputs.List("aliases") {
				targets = append(targets, value.ObjectOf(alias).Text("name"))
			}
			host := strings.ToLower(r.Text("fqdn"))
			app, err := findApp(t, apps, host, targets)
			if err != nil {
				return err
			}
			if app == nil {
				continue
			}
			site, err := newSite(t, host, app)
			if err != nil {
				return err
			}
			sites = append(sites, site)
		}
		return nil
	})
	slices.SortFunc(sites, func(a, b Site) int { return cmp.Compare(a.Host, b.Host) })
	return sites, err
}

// findApp returns the app behind host, whose DNS record has these targets. It returns nil if there is none.
func findApp(t *cloud.Tx, apps []cloud.App, host string, targets []string) (*cloud.App, error) {
	toward := func(name string) bool {
		return slices.ContainsFunc(targets, func(target string) bool { return strings.EqualFold(strings.TrimSuffix(target, "."), name) })
	}
	balancers, err := t.Where(services.TypeBalancer, func(r *cloud.Record) bool { return toward(r.Text("dnsName")) })
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(apps, func(a cloud.App) bool {
		if toward(a.Address) {
			return true
		}
		throughBalancer := slices.ContainsFunc(balancers, func(lb *cloud.Record) bool { return slices.Contains(a.Balancers, lb.ID) })
		return throughBalancer && a.HasHost(host)
	})
	if i < 0 {
		return nil, nil
	}
	return &apps[i], nil
}

// newSite describes an app by its variables and its service.
func newSite(t *cloud.Tx, host string, a *cloud.App) (Site, error) {
	s := Site{
		Host: host, Branch: a.Variables["BRANCH_NAME"], Kind: a.Variables["ENVIRONMENT_KIND"], Environment: a.Name,
		Status: a.Status, Health: a.Health, Version: a.Version, Image: a.Image, Bucket: a.Variables["ASSETS_BUCKET"], up: a.Up,
	}
	if name := a.Variables["DATABASE_INSTANCE"]; name != "" {
		db, err := t.Find(services.TypeDatabase, name)
		if err != nil {
			return s, err
		}
		s.Database = name + " (gone)"
		if db != nil {
			s.Database = name + " (" + strings.TrimSpace(db.Text("engine")+" "+db.Text("engineVersion")) + ", " + db.Status + ")"
		}
	}
	return s, nil
}
