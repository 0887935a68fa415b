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

// A gateway is what the internet would be to the sandbox's environments: it answers a visitor on an environment's host
// name with a small page, and leaves requests to AWS's APIs to them. A visitor's request is not signed.
//
// A host name is followed as on AWS: through the DNS record to a load balancer or an environment, and through the
// balancer's host rules to the environment behind it. So a page shows that all of them are right.
type gateway struct {
	cloud *cloud.Cloud
	api   http.Handler
}

// New answers on the environments' host names, and passes everything else to api.
func New(c *cloud.Cloud, api http.Handler) http.Handler { return &gateway{c, api} }

// localhost is the domain below which every browser finds this machine by any name. Source: RFC 6761, section 6.3.
const localhost = ".localhost"

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

// isSigned tells whether a request is for an API of AWS: by its signature in a header, in a presigned URL of either
// version, or in a form that a browser uploads.
func isSigned(r *http.Request) bool {
	q := r.URL.Query()
	return r.Header.Get("Authorization") != "" || q.Has("X-Amz-Credential") || q.Has("AWSAccessKeyId") ||
		r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data")
}

func splitHost(address string) (host, port string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), ".")), port
}

// isOwnAddress tells whether a host name is the endpoint's, rather than one that an environment could have.
func isOwnAddress(host string) bool {
	return net.ParseIP(host) != nil || !strings.Contains(host, ".")
}

// A Site is an environment as a visitor of its host name finds it.
type Site struct {
	Host        string `json:"host"`    // full host name, as in DNS
	Address     string `json:"address"` // a URL that leads to it on this machine
	Branch      string `json:"branch"`
	Kind        string `json:"kind"`
	Environment string `json:"environment"` // Beanstalk's name
	Status      string `json:"status"`      // Beanstalk's
	Health      string `json:"health"`      // Beanstalk's
	Version     string `json:"version"`     // the application version's label
	Image       string `json:"image"`       // empty: a source bundle, or the sample application
	Database    string `json:"database"`    // empty: none
	Bucket      string `json:"bucket"`      // empty: none
	up          bool   // something answers behind the host name
}

// hasHost tells whether a host name is the site's: its own, or its first label or all of it below localhost.
func (s Site) hasHost(host string) bool {
	local, found := strings.CutSuffix(host, localhost)
	label, _, _ := strings.Cut(s.Host, ".")
	return host == s.Host || found && (local == s.Host || local == label)
}

// address is the site's URL on this machine.
func (s Site) address(port string) string {
	label, _, _ := strings.Cut(s.Host, ".")
	if port != "" {
		port = ":" + port
	}
	return "http://" + label + localhost + port + "/"
}

// Sites are the sites of a server that listens on port of this machine.
func Sites(c *cloud.Cloud, port string) ([]Site, error) {
	all, err := sites(c)
	for i, s := range all {
		all[i].Address = s.address(port)
	}
	return all, err
}

// sites are the host names that lead to an environment.
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

// findApp returns the app to which a host name with these DNS targets leads, nil if there is none.
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

// newSite describes an app as it answers under host: the variables that it is given, and what its service says.
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
