package services

import (
	"fmt"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// resultOf is a record as a function's result.
func resultOf(r *cloud.Record) value.Object {
	out := value.Object{"id": r.ID}
	for k, v := range r.Outputs {
		out[k] = v
	}
	return out
}

// onlyOne is the one record of a look-up, or the real provider's error.
func onlyOne(records []*cloud.Record, what string) (value.Object, error) {
	switch len(records) {
	case 0:
		return nil, fmt.Errorf("no matching %s found", what)
	case 1:
		return resultOf(records[0]), nil
	}
	return nil, fmt.Errorf("multiple %ss matched; use additional constraints to reduce matches to a single %s", what, what)
}
