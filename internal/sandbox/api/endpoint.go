package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/s3"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// An endpoint answers the AWS APIs over HTTP. Which service a request is for is told by its signature's scope; the
// signatures themselves are not checked.
type endpoint struct {
	cloud *cloud.Cloud
	s3    *s3.Handler
	log   io.Writer
}

func New(c *cloud.Cloud, log io.Writer) http.Handler {
	if log == nil {
		log = io.Discard
	}
	return &endpoint{cloud: c, s3: s3.NewHandler(c.S3, c.Region, cloud.Account), log: log}
}

// A call is one request to a service other than S3, inside a transaction.
type call struct {
	*cloud.Operation
	action string
	form   url.Values   // of the services that speak the query protocol
	body   value.Object // of those that speak JSON
	path   string       // of those that speak REST
	fault  *cloud.Fault // that hits the call and does not refuse it; may be nil
}

// An action answers a call: with nodes of XML where the service speaks XML, else with what becomes JSON.
type action func(*call) (any, error)

// A service is one of AWS's APIs.
type service struct {
	protocol  string // query, ec2, json, rest
	namespace string // of the XML
	action    func(name string) action
}

func serviceOf(name string) (service, bool) {
	s, ok := map[string]service{
		"elasticbeanstalk":     {"query", "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/", beanstalkAction},
		"rds":                  {"query", "http://rds.amazonaws.com/doc/2014-10-31/", rdsAction},
		"elasticloadbalancing": {"query", "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/", balancingAction},
		"iam":                  {"query", "https://iam.amazonaws.com/doc/2010-05-08/", iamAction},
		"sts":                  {"query", "https://sts.amazonaws.com/doc/2011-06-15/", stsAction},
		"ec2":                  {"ec2", "http://ec2.amazonaws.com/doc/2016-11-15/", ec2Action},
		"route53":              {"rest", "https://route53.amazonaws.com/doc/2013-04-01/", route53Action},
		"secretsmanager":       {"json", "", secretsAction},
		"acm":                  {"json", "", acmAction},
		"logs":                 {"json", "", logsAction},
		"tagging":              {"json", "", taggingAction},
	}[name]
	return s, ok
}

var scopePattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`Credential=[^/]+/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request`)
})

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	region, name := e.cloud.Region, "s3"
	scope := r.Header.Get("Authorization")
	if scope == "" {
		scope = "Credential=" + r.URL.Query().Get("X-Amz-Credential") // a presigned URL
	}
	if m := scopePattern().FindStringSubmatch(scope); m != nil {
		region, name = m[1], m[2]
	}
	s, known := serviceOf(name)
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

// serveS3 lets faults answer before the S3 server does.
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
		c.action = route53Operation(r)
	}
	fmt.Fprintf(e.log, "%s:%s\n", name, c.action)
	if err != nil {
		writeError(w, s, cloud.Errorf("SerializationException", "%v", err))
		return
	}
	f := s.action(c.action)
	if f == nil {
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

// names are the names a call is about, for faults.
func (c *call) names() []string {
	var out []string
	for key, values := range c.form {
		if key != "Action" && key != "Version" {
			out = append(out, values...)
		}
	}
	for _, v := range c.body {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// list are the values of a list in a query: Name.member.1, or Name.1 in EC2.
func (c *call) list(name string) []string {
	var out []string
	for i := 1; ; i++ {
		v, ok := c.form[name+".member."+strconv.Itoa(i)]
		if !ok {
			v, ok = c.form[name+"."+strconv.Itoa(i)]
		}
		if !ok {
			return out
		}
		out = append(out, v[0])
	}
}

// filters are EC2's filters by name.
func (c *call) filters() map[string][]string {
	out := map[string][]string{}
	for i := 1; c.form.Has(fmt.Sprintf("Filter.%d.Name", i)); i++ {
		out[c.form.Get(fmt.Sprintf("Filter.%d.Name", i))] = c.list(fmt.Sprintf("Filter.%d.Value", i))
	}
	return out
}

// paginate is the part of the items that a call asks for, and the token of the rest.
func paginate[T any](items []T, token, limit string) ([]T, string) {
	from, _ := strconv.Atoi(token)
	from = min(max(from, 0), len(items))
	n, err := strconv.Atoi(limit)
	if err != nil || n <= 0 || from+n >= len(items) {
		return items[from:], ""
	}
	return items[from : from+n], strconv.Itoa(from + n)
}
