package sandbox

import (
	"cmp"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// A gateway is what the internet would be to the sandbox's environments: it answers a visitor on an environment's host
// name with a small page, and leaves requests to AWS's APIs to them. A visitor's request is not signed.
//
// A host name is followed as on AWS: through the DNS record to a load balancer or an environment, and through the
// balancer's host rules to the environment behind it. So a page shows that all of them are right.
type gateway struct {
	cloud *cloud
	api   http.Handler
}

// localhost is the domain below which every browser finds this machine by any name. Source: RFC 6761, section 6.3.
const localhost = ".localhost"

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, port := splitHost(r.Host)
	if signed(r) || ownAddress(host) && r.URL.Path != "/" || ownAddress(host) && r.Method != http.MethodGet && r.Method != http.MethodHead {
		g.api.ServeHTTP(w, r)
		return
	}
	sites, err := g.cloud.sites()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for i, s := range sites {
		sites[i].Address = s.address(port)
	}
	if i := slices.IndexFunc(sites, func(s Site) bool { return s.answers(host) }); i >= 0 {
		writeSite(w, r, sites[i])
		return
	}
	writeIndex(w, r, host, sites)
}

// signed tells whether a request is for an API of AWS: by its signature in a header, in a presigned URL of either
// version, or in a form that a browser uploads.
func signed(r *http.Request) bool {
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

// ownAddress tells whether a host name is the endpoint's, rather than one that an environment could have.
func ownAddress(host string) bool {
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
	region      string
}

// answers tells whether a host name is the site's: its own, or its first label or all of it below localhost.
func (s Site) answers(host string) bool {
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

// up tells whether something answers behind the host name.
func (s Site) up() bool { return s.Status == "Ready" || s.Status == "Updating" }

// Sites are the environments that can be reached on the server by their host names, ordered by those.
func (s *Server) Sites() ([]Site, error) {
	sites, err := s.cloud.sites()
	_, port := splitHost(s.endpoint.Addr().String())
	for i := range sites {
		sites[i].Address = sites[i].address(port)
	}
	return sites, err
}

// sites are the host names that lead to an environment.
func (c *cloud) sites() ([]Site, error) {
	var sites []Site
	err := c.store.do(func(t *tx) error {
		records, err := t.where(typeRecord, func(r *record) bool { return r.str("type") == "A" || r.str("type") == "CNAME" })
		if err != nil {
			return err
		}
		for _, r := range records {
			targets := r.Outputs.Texts("records")
			for _, alias := range r.Outputs.List("aliases") {
				targets = append(targets, value.ObjectOf(alias).Text("name"))
			}
			host := strings.ToLower(r.str("fqdn"))
			env, err := t.behind(host, targets)
			if err != nil {
				return err
			}
			if env == nil {
				continue
			}
			site, err := t.site(host, env)
			if err != nil {
				return err
			}
			sites = append(sites, site)
		}
		return nil
	})
	slices.SortFunc(sites, func(a, b Site) int { return cmp.Compare(a.Host, b.Host) })
	for i, s := range sites {
		if s.Image, err = c.image(s); err != nil {
			return nil, err
		}
		sites[i] = s
	}
	return sites, err
}

// behind is the environment to which a host name with these DNS targets leads; nil if there is none.
func (t *tx) behind(host string, targets []string) (*record, error) {
	toward := func(name string) bool {
		return slices.ContainsFunc(targets, func(target string) bool { return strings.EqualFold(strings.TrimSuffix(target, "."), name) })
	}
	balancers, err := t.where(typeBalancer, func(r *record) bool { return toward(r.str("dnsName")) })
	if err != nil {
		return nil, err
	}
	envs, err := t.where(typeEnvironment, func(r *record) bool {
		if kindOf(r.Type).removed(r) {
			return false
		}
		if toward(r.str("cname")) {
			return true
		}
		settings := r.Outputs["settings"]
		for _, lb := range balancers {
			if slices.Contains(r.Outputs.Texts("loadBalancers"), lb.ID) {
				return setting(settings, "aws:elbv2:loadbalancer", "SharedLoadBalancer") == "" || hostRule(settings, host)
			}
		}
		return false
	})
	if err != nil || len(envs) == 0 {
		return nil, err
	}
	return envs[0], nil
}

// hostRule tells whether one of an environment's rules on its shared balancer is for host.
func hostRule(settings any, host string) bool {
	return slices.ContainsFunc(value.List(settings), func(s any) bool {
		m := value.ObjectOf(s)
		return strings.HasPrefix(m.Text("namespace"), "aws:elbv2:listenerrule:") && m.Text("name") == "HostHeaders" &&
			slices.ContainsFunc(splitList(m.Text("value")), func(pattern string) bool {
				matched, err := path.Match(strings.ToLower(pattern), host)
				return err == nil && matched
			})
	})
}

// site is what there is to tell of an environment: what the app in it is told, and what Beanstalk says.
func (t *tx) site(host string, env *record) (Site, error) {
	told := func(variable string) string {
		return setting(env.Outputs["settings"], "aws:elasticbeanstalk:application:environment", variable)
	}
	s := Site{
		Host: host, Branch: told("BRANCH_NAME"), Kind: told("ENVIRONMENT_KIND"), Environment: env.Name,
		Status: env.Status, Health: env.Health, Version: env.str("version"), Bucket: told("ASSETS_BUCKET"), region: env.Region,
	}
	if name := told("DATABASE_INSTANCE"); name != "" {
		db, err := t.find(typeDatabase, name)
		if err != nil {
			return s, err
		}
		s.Database = name + " (gone)"
		if db != nil {
			s.Database = name + " (" + strings.TrimSpace(db.str("engine")+" "+db.str("engineVersion")) + ", " + db.Status + ")"
		}
	}
	return s, nil
}

// image is the container image that a site's version runs, as its bundle says; "" if it is not made from one.
func (c *cloud) image(s Site) (string, error) {
	var bundle, key string
	err := c.store.do(func(t *tx) error {
		versions, err := t.where(typeApplicationVersion, func(r *record) bool { return r.Name == s.Version && r.Region == s.region })
		if err == nil && len(versions) > 0 {
			bundle, key = versions[0].str("bucket"), versions[0].str("key")
		}
		return err
	})
	if err != nil || !strings.HasSuffix(key, "Dockerrun.aws.json") {
		return "", err
	}
	object, err := c.s3.GetObject(bundle, key, nil)
	if err != nil {
		return "", nil // it went meanwhile
	}
	defer object.Contents.Close()
	var run struct{ Image struct{ Name string } }
	const limit = 64 << 10
	if err := json.NewDecoder(io.LimitReader(object.Contents, limit)).Decode(&run); err != nil {
		return "", nil // Beanstalk would tell the environment; here there is nothing to show
	}
	return run.Image.Name, nil
}
