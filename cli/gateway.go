package cli

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/sandbox"
)

// gateway returns the endpoint of the running `sandbox serve` of file's project. The environments of the embedded AWS answer there.
func gateway(file *config.File) (*url.URL, error) {
	endpoint, err := sandbox.Serving(filepath.Join(sandboxDir(file), "aws"))
	if err != nil {
		return nil, err
	}
	if endpoint == "" {
		return nil, fault.Failedf("nothing answers: the sandbox's environments answer only while it is served").
			WithHint("%s, in another terminal", fault.Command{"sandbox", "serve"})
	}
	return url.Parse(endpoint)
}

// localAddress returns the address on this machine at which the gateway answers for an environment's URL.
func localAddress(gateway *url.URL, environment string) (string, error) {
	u, err := url.Parse(environment)
	if err != nil {
		return "", err
	}
	label, _, _ := strings.Cut(u.Hostname(), ".")
	return fmt.Sprintf("http://%s.localhost:%s/", label, gateway.Port()), nil
}
