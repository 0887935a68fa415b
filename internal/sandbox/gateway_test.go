package sandbox

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/sandbox/platforms"
	"github.com/branchenv/branchenv/internal/sandbox/sandboxtest"
	"github.com/branchenv/branchenv/internal/sandbox/services"
)

// visited serves two environments behind a shared load balancer, and a third with an address of its own.
func visited(t *testing.T, branch string) *Server {
	t.Helper()
	s, c := served(t, Options{})
	c.Platform()
	subnets := services.DefaultSubnets("eu-central-1")
	lb, out := c.Create(services.TypeBalancer, "lb", map[string]any{"name": "shared", "subnets": []any{subnets[0].ID, subnets[1].ID}})
	app := "aws:elasticbeanstalk:application:environment"
	make := func(name string, more ...any) map[string]any {
		_, env := c.Create(platforms.TypeEnvironment, name, sandboxtest.Environment("shop-"+name, map[string]any{"settings": append([]any{
			sandboxtest.Option("aws:autoscaling:launchconfiguration", "IamInstanceProfile", "profile"), sandboxtest.Option(app, "ENVIRONMENT_KIND", "branch"),
		}, more...)}))
		return env
	}
	shared := func(name string, more ...any) {
		make(name, append(more, sandboxtest.Option("aws:elbv2:loadbalancer", "SharedLoadBalancer", lb), sandboxtest.Option("aws:elbv2:listenerrule:host", "HostHeaders", name+".preview.example.com"))...)
	}
	c.Create(services.TypeDatabase, "db", sandboxtest.Database("shop-login", nil))
	shared("login", sandboxtest.Option(app, "BRANCH_NAME", branch), sandboxtest.Option(app, "DATABASE_INSTANCE", "shop-login"), sandboxtest.Option(app, "ASSETS_BUCKET", "versions"))
	shared("other", sandboxtest.Option(app, "BRANCH_NAME", "other"))
	single := make("plain", sandboxtest.Option("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance"), sandboxtest.Option(app, "BRANCH_NAME", "plain"))

	zone, err := c.Invoke("aws:route53/getZone:getZone", map[string]any{"name": "preview.example.com", "privateZone": false})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"login", "other", "norule"} { // norule leads to the load balancer, which has no rule for it
		c.Create(services.TypeRecord, name, map[string]any{"zoneId": zone["zoneId"], "name": name + ".preview.example.com", "type": "A", "aliases": []any{
			map[string]any{"name": out["dnsName"], "zoneId": out["zoneId"], "evaluateTargetHealth": false},
		}})
	}
	c.Create(services.TypeRecord, "plain", map[string]any{"zoneId": zone["zoneId"], "name": "plain.preview.example.com", "type": "CNAME", "ttl": 60, "records": []any{single["cname"]}})
	return s
}

// visit returns the answer to a visitor of a host name.
func visit(t *testing.T, s *Server, host, path, accept string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Endpoint()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		req.Host = host
	}
	req.Header.Set("Accept", accept)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestGateway(t *testing.T) {
	t.Parallel()
	s := visited(t, "feature/login")
	login := `login.preview.example.com
branch       feature/login
kind         branch
version      v1
database     shop-login (postgres 16, available)
bucket       versions
environment  shop-login
status       Ready, Green
`
	hosts := `login.preview.example.com  feature/login
other.preview.example.com  other
plain.preview.example.com  plain
`
	plain := "plain.preview.example.com\nbranch       plain\nkind         branch\nversion      v1\nenvironment  shop-plain\nstatus       Ready, Green\n"
	for _, test := range []struct {
		host, path, want string
		code             int
	}{
		{"login.preview.example.com", "/", login, 200},
		{"LOGIN.preview.example.com.:8080", "/any/where?x=1", login, 200},
		{"login.localhost:4566", "/", login, 200},
		{"login.preview.example.com.localhost", "/", login, 200},
		{"plain.localhost", "/", plain, 200},
		{"norule.preview.example.com", "/", "No environment at norule.preview.example.com\n" + hosts, 404},
		{"nothing.localhost", "/", "No environment at nothing.localhost\n" + hosts, 404},
		{"", "/", "Environments in the sandbox\n" + hosts, 200},
	} {
		code, body := visit(t, s, test.host, test.path, "text/plain")
		if diff := cmp.Diff(test.want, body); diff != "" || code != test.code {
			t.Errorf("%s%s: %d, want %d; -want +got\n%s", test.host, test.path, code, test.code, diff)
		}
	}
	if _, body := visit(t, s, "", "/versions/v1.zip", "*/*"); body != "zip" {
		t.Errorf("an object that is asked for without a signature: %q", body)
	}
}

// The name of a branch cannot become markup, nor a line of its own.
func TestGatewayEscapes(t *testing.T) {
	t.Parallel()
	s := visited(t, "</dd><script>alert(1)</script>\nkind production")
	code, body := visit(t, s, "login.preview.example.com", "/", "text/html")
	if code != 200 || strings.Contains(body, "<script") || !strings.Contains(body, "&lt;/dd&gt;&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Errorf("%d\n%s", code, body)
	}
	if _, body := visit(t, s, `x"><img src=y>.example`, "/", "text/html"); strings.Contains(body, "<img") {
		t.Error(body)
	}
	if _, body := visit(t, s, "login.preview.example.com", "/", "text/plain"); !strings.Contains(body, `"</dd><script>alert(1)</script>\nkind production"`) {
		t.Error(body)
	}
}

func TestServing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	serving := func(want string) {
		t.Helper()
		if got, err := Serving(dir); err != nil || got != want {
			t.Errorf("serving: %q, %v; want %q", got, err, want)
		}
	}
	serving("")
	first, second := start(t, Options{Dir: dir}), start(t, Options{Dir: dir})
	serving("")
	for _, s := range []*Server{first, second} {
		if err := s.Announce(); err != nil {
			t.Fatal(err)
		}
		serving(first.Endpoint())
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	serving(first.Endpoint())
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	serving("")
	if err := Reset(dir); err != nil {
		t.Error(err)
	}
}
