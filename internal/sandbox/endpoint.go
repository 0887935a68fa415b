package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
)

// An endpoint answers the AWS APIs over HTTP. Which service a request is for is told by its signature's scope;
// signatures themselves are not checked.
type endpoint struct {
	cloud *cloud
	s3    *s3Handler
	log   io.Writer
}

func newEndpoint(c *cloud, log io.Writer) http.Handler {
	if log == nil {
		log = io.Discard
	}
	return &endpoint{cloud: c, s3: newS3Handler(c.s3, c.region), log: log}
}

var scopePattern = regexp.MustCompile(`Credential=[^/]+/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request`)

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service, region := "s3", e.cloud.region
	if m := scopePattern.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		region, service = m[1], m[2]
	}
	_ = region
	fmt.Fprintf(e.log, "%s %s %s\n", service, r.Method, r.URL.Path)
	e.s3.ServeHTTP(w, r)
}
