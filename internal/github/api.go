package github

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
)

func parseAPI(text string) (*url.URL, error) {
	if text == "" {
		text = publicAPI
	}
	api, err := url.Parse(text)
	if err != nil || api.Host == "" || api.Scheme != "https" && api.Scheme != "http" || api.User != nil || api.RawQuery != "" || api.Fragment != "" {
		return nil, fault.Usagef("GITHUB_API_URL is not the address of an API: %q", line(text)).
			WithHint("leave it empty for github.com; an Enterprise server's is https://HOST/api/v3")
	}
	api.Host = hostPort(api)
	if !strings.HasSuffix(api.Path, "/") {
		api.Path += "/"
	}
	return api, nil
}

// checkToken refuses a token with characters that are invalid in a header, and one that would travel unencrypted.
func checkToken(token string, api *url.URL) error {
	host := api.Hostname()
	ip, err := netip.ParseAddr(host)
	loopback := err == nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
	switch {
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fault.Usagef("GITHUB_TOKEN holds a line break, a space or another character that no token has").
			WithHint("set GITHUB_TOKEN to the token alone")
	case token != "" && api.Scheme == "http" && !loopback:
		return fault.Usagef("GITHUB_API_URL is http://%s: anybody on the network could read GITHUB_TOKEN", line(api.Host)).
			WithHint("write https://%s%s", line(api.Host), strings.TrimSuffix(api.Path, "/"))
	}
	return nil
}
