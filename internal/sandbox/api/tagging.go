package api

import (
	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

func tagging() service {
	return service{protocol: "json", actions: map[string]action{"GetResources": getResources}}
}

// getResources lists the resources whose tags match.
func getResources(c *call) (any, error) {
	out := []map[string]any{}
	for _, typ := range schema.Types() {
		records, err := c.Tx.Where(typ, func(r *cloud.Record) bool {
			return (r.Region == c.Region || c.Kinds[typ].Global) && len(r.Tags()) > 0 && r.Text("arn") != "" &&
				!c.Kinds[typ].IsGone(r) && matchesTags(r.Tags(), c.body.List("TagFilters"))
		})
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			out = append(out, map[string]any{"ResourceARN": r.Text("arn"), "Tags": tagList(r.Tags())})
		}
	}
	out, token := paginate(out, c.body.Text("PaginationToken"), c.body.Text("ResourcesPerPage"))
	return map[string]any{"ResourceTagMappingList": out, "PaginationToken": token}, nil
}

// matchesTags reports whether tags match all filters.
func matchesTags(tags map[string]string, filters []any) bool {
	for _, f := range filters {
		have, found := tags[value.ObjectOf(f).Text("Key")]
		if !found || !matches(value.ObjectOf(f).Texts("Values"), have) {
			return false
		}
	}
	return true
}
