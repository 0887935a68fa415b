package api

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// A call is a request to a service other than S3, inside a transaction.
type call struct {
	*cloud.Operation
	action string
	form   url.Values   // the parameters, unless the service speaks JSON
	body   value.Object // the parameters in JSON
	path   string       // the path of the URL
	fault  *cloud.Fault // the fault that hits the call but does not refuse it; nil: none
}

// names returns the values of the parameters, in which faults look for names.
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

// list returns the values of a list parameter: Name.member.1 and so on, or Name.1 in EC2.
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

// filters returns the values of EC2's filters by their names.
func (c *call) filters() map[string][]string {
	out := map[string][]string{}
	for i := 1; c.form.Has(fmt.Sprintf("Filter.%d.Name", i)); i++ {
		out[c.form.Get(fmt.Sprintf("Filter.%d.Name", i))] = c.list(fmt.Sprintf("Filter.%d.Value", i))
	}
	return out
}

// paginate returns the page of the items that begins at token, and the token of the next page, "" if there is none. A limit
// of "" returns all.
func paginate[T any](items []T, token, limit string) ([]T, string) {
	from, _ := strconv.Atoi(token)
	from = min(max(from, 0), len(items))
	n, err := strconv.Atoi(limit)
	if err != nil || n <= 0 || from+n >= len(items) {
		return items[from:], ""
	}
	return items[from : from+n], strconv.Itoa(from + n)
}

// inRegion returns the region's records of a type that match. Records that AWS shows after their end are among them.
func (c *call) inRegion(typ string, match func(*cloud.Record) bool) ([]*cloud.Record, error) {
	return c.Tx.Where(typ, func(r *cloud.Record) bool { return r.Region == c.Region && match(r) })
}

// matches reports whether a value is among those wanted, or nothing is wanted.
func matches(wanted []string, have string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, have)
}
