// Package api answers the AWS APIs over HTTP, as far as branchenv calls them: the actions of each service, in the protocol of
// each. Package s3 answers S3.
//
// The API of a service is one file and one entry in apis. An action reads its parameters from a call and answers with nodes
// of XML, or with a value that becomes JSON. What an action changes is up to package cloud and its services.
package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/s3"
)

// An endpoint answers all APIs at one address. The scope of a request's signature names the service and the region. Signatures
// are not checked.
type endpoint struct {
	cloud *cloud.Cloud
	s3    *s3.Handler
	log   io.Writer

	apis map[string]service
}

// New returns a handler for all APIs. It writes a line to log for each request; log may be nil.
func New(c *cloud.Cloud, log io.Writer) http.Handler {
	if log == nil {
		log = io.Discard
	}
	return &endpoint{cloud: c, s3: s3.NewHandler(c.S3, c.Region, cloud.Account), log: log, apis: apis()}
}

// An action answers a call: with []node if the service speaks XML, otherwise with a value that becomes JSON.
type action func(*call) (any, error)

// A service is the API of an AWS service.
type service struct {
	protocol  string                     // query, ec2, json or rest
	namespace string                     // of the XML
	actions   map[string]action          // by name
	operation func(*http.Request) string // for rest: the name of the action that a request asks for
}

// apis returns the APIs that exist, by the name in a request's signature. A new one is registered here. S3 is not among
// them: package s3 serves it.
func apis() map[string]service {
	return map[string]service{
		"acm": acm(), "ec2": ec2(), "elasticbeanstalk": beanstalk(), "elasticloadbalancing": elb(), "iam": iam(), "logs": logs(),
		"rds": rds(), "route53": route53(), "secretsmanager": secretsManager(), "sts": sts(), "tagging": tagging(),
	}
}

// scopePattern finds the region and the service in a signature.
var scopePattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`Credential=[^/]+/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request`)
})

// ServeHTTP answers a request. A request without a signature is for S3.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	region, name := e.cloud.Region, "s3"
	scope := r.Header.Get("Authorization")
	if scope == "" {
		scope = "Credential=" + r.URL.Query().Get("X-Amz-Credential") // a presigned URL
	}
	if m := scopePattern().FindStringSubmatch(scope); m != nil {
		region, name = m[1], m[2]
	}
	s, known := e.apis[name]
	switch {
	case name == "s3":
		e.serveS3(w, r)
	case !known:
		e.log.Write(fmt.Appendf(nil, "%s: unknown service\n", name))
		writeError(w, service{protocol: "json"}, cloud.Errorf("UnknownOperationException", "the sandbox does not know the service %s", name))
	default:
		e.serve(w, r, name, region, s)
	}
}

// serveS3 passes a request to the S3 server, unless a fault answers it.
func (e *endpoint) serveS3(w http.ResponseWriter, r *http.Request) {
	action := s3.Operation(r)
	fmt.Fprintf(e.log, "s3:%s %s\n", action, r.URL.Path)
	bucket, key := s3.SplitPath(r.URL.Path)
	fault, err := e.cloud.CallFault(r.Context(), "s3:"+action, bucket, key)
	if err != nil {
		s3.WriteError(w, err)
		return
	}
	if refused := fault.Refusal(); refused != nil {
		if fault.Kind == cloud.Throttle {
			refused = &cloud.Error{Code: "SlowDown", Message: "Please reduce your request rate.", Status: http.StatusServiceUnavailable}
		}
		s3.WriteError(w, &s3.Error{Code: refused.Code, Message: refused.Message, Status: refused.Status})
		return
	}
	e.s3.ServeHTTP(w, r)
}

// serve answers a request to a service other than S3.
func (e *endpoint) serve(w http.ResponseWriter, r *http.Request, name, region string, s service) {
	c := &call{path: r.URL.Path}
	var err error
	switch s.protocol {
	case "query", "ec2":
		err = r.ParseForm()
		c.form, c.action = r.Form, r.Form.Get("Action")
	case "json":
		_, c.action, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		if err = json.NewDecoder(r.Body).Decode(&c.body); errors.Is(err, io.EOF) {
			err = nil
		}
	case "rest":
		c.form = r.URL.Query()
		c.action = s.operation(r)
	}
	fmt.Fprintf(e.log, "%s:%s\n", name, c.action)
	if err != nil {
		writeError(w, s, cloud.Errorf("SerializationException", "%v", err))
		return
	}
	f, known := s.actions[c.action]
	if !known {
		writeError(w, s, cloud.Errorf("InvalidAction", "the sandbox does not know the action %s of %s", c.action, name))
		return
	}
	fault, err := e.cloud.CallFault(r.Context(), name+":"+c.action, c.names()...)
	if refused := fault.Refusal(); refused != nil {
		err = refused
	}
	var out any
	c.fault = fault
	if err == nil {
		err = e.cloud.Store.Do(func(t *cloud.Tx) error {
			c.Operation = &cloud.Operation{Cloud: e.cloud, Tx: t, Region: region}
			out, err = f(c)
			return err
		})
	}
	if err != nil {
		writeError(w, s, err)
		return
	}
	writeAnswer(w, s, c.action, out)
}
