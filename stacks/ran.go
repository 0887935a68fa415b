package stacks

import "encoding/json"

// parseSpec reads a specification that the backend keeps; nil if there is none.
func parseSpec(text json.RawMessage) *Spec {
	var s Spec
	if json.Unmarshal(text, &s) != nil {
		return nil
	}
	return &s
}
