package api

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// A node is an element of an XML answer. A node without text and without children is left out.
type node struct {
	name string
	text string
	kids []node
}

// element returns an element with others in it.
func element(name string, kids ...node) node { return node{name: name, kids: kids} }

// leaf returns an element with text. A time is written as AWS does.
func leaf(name string, v any) node {
	if t, ok := v.(time.Time); ok {
		v = t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return node{name: name, text: value.Text(v)}
}

// elements returns a list: the element name, with an element item for each item.
func elements[T any](name, item string, items []T, f func(T) []node) node {
	out := node{name: name}
	for _, i := range items {
		out.kids = append(out.kids, node{name: item, kids: f(i)})
	}
	return out
}

// textElements returns a list of strings.
func textElements(name, item string, values []string) node {
	out := node{name: name}
	for _, v := range values {
		out.kids = append(out.kids, node{name: item, text: v})
	}
	return out
}

// write writes the node as XML.
func (n node) write(b *strings.Builder) {
	if n.text == "" && n.kids == nil {
		return
	}
	b.WriteString("<" + n.name + ">")
	xml.EscapeText(b, []byte(n.text))
	for _, k := range n.kids {
		k.write(b)
	}
	b.WriteString("</" + n.name + ">")
}

// requestID is the id of all requests.
const requestID = "00000000-0000-0000-0000-000000000000"

// writeAnswer writes what an action answered.
func writeAnswer(w http.ResponseWriter, s service, action string, out any) {
	if s.protocol == "json" {
		if out == nil {
			out = map[string]any{}
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		json.NewEncoder(w).Encode(out)
		return
	}
	nodes, _ := out.([]node)
	var b strings.Builder
	b.WriteString(xml.Header + "<" + action + `Response xmlns="` + s.namespace + `">`)
	switch s.protocol {
	case "query":
		b.WriteString("<" + action + "Result>")
		writeNodes(&b, nodes)
		b.WriteString("</" + action + "Result><ResponseMetadata><RequestId>" + requestID + "</RequestId></ResponseMetadata>")
	case "ec2":
		b.WriteString("<requestId>" + requestID + "</requestId>")
		writeNodes(&b, nodes)
	default:
		writeNodes(&b, nodes)
	}
	b.WriteString("</" + action + "Response>")
	w.Header().Set("Content-Type", "text/xml")
	io.WriteString(w, b.String())
}

func writeNodes(b *strings.Builder, nodes []node) {
	for _, n := range nodes {
		n.write(b)
	}
}

// writeError writes an error in the form of the service's protocol. An error that is not AWS's is an internal failure.
func writeError(w http.ResponseWriter, s service, err error) {
	var e *cloud.Error
	if !errors.As(err, &e) {
		e = &cloud.Error{Code: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
	}
	status := max(e.Status, http.StatusBadRequest)
	if s.protocol == "json" {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"__type": e.Code, "message": e.Message})
		return
	}
	body := element("Error", leaf("Type", "Sender"), leaf("Code", e.Code), leaf("Message", e.Message))
	root := element("ErrorResponse", body, leaf("RequestId", requestID))
	if s.protocol == "ec2" {
		root = element("Response", element("Errors", body), leaf("RequestID", requestID))
	}
	var b strings.Builder
	b.WriteString(xml.Header)
	root.write(&b)
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	io.WriteString(w, b.String())
}

// tagNodes returns tags as a list of items with the elements key and value.
func tagNodes(name, item, key, value string, tags map[string]string) node {
	return elements(name, item, slices.Sorted(maps.Keys(tags)), func(k string) []node {
		return []node{leaf(key, k), {name: value, text: tags[k], kids: []node{}}}
	})
}

// epoch returns a time as the JSON protocols write it: in seconds.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// tagList returns tags as the JSON protocols write them.
func tagList(tags map[string]string) []map[string]string {
	out := []map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, map[string]string{"Key": k, "Value": tags[k]})
	}
	return out
}
