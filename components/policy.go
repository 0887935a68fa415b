package components

import (
	"encoding/json"
	"fmt"

	"github.com/branchenv/branchenv/internal/regions"
)

// statement is one statement of an IAM policy document.
type statement struct {
	Sid       string                       `json:"Sid,omitempty"`
	Effect    string                       `json:"Effect"`
	Principal any                          `json:"Principal,omitempty"`
	Action    []string                     `json:"Action"`
	Resource  []string                     `json:"Resource,omitempty"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

// policy returns an IAM policy document with the statements.
func policy(statements ...statement) (string, error) {
	text, err := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", statements})
	if err != nil {
		return "", fmt.Errorf("write policy: %w", err)
	}
	return string(text), nil
}

// servicePrincipal returns the principal for an AWS service in a policy.
func servicePrincipal(service string) map[string]string { return map[string]string{"Service": service} }

// partition returns the ARN partition of a region. Source: "Amazon Resource Names (ARNs)" in the IAM user guide.
func partition(region string) string { return regions.PartitionOf(region).ID }
