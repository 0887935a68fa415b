package stacks

import (
	"time"

	"github.com/branchenv/branchenv/internal/backend"
)

// Environment is what branchenv tells about one environment, the JSON of `up`, `show` and `list`.
type Environment struct {
	Branch    string         `json:"branch"`
	Stack     string         `json:"stack"`
	Kind      string         `json:"kind"`
	URL       string         `json:"url"`
	Host      string         `json:"host"`
	Status    backend.Status `json:"status"`
	Version   string         `json:"version"`  // image reference, or the application version's label
	Platform  string         `json:"platform"` // beanstalk
	Database  string         `json:"database"` // the RDS instance's identifier, "" without one
	Bucket    string         `json:"bucket"`   // "" without one
	CreatedAt *time.Time     `json:"createdAt"`
	UpdatedAt *time.Time     `json:"updatedAt"`
	// ExpiresAt is when it is gone at the latest if nothing happens to it or its branch: its ttl after its last good
	// update, or the end of the time that someone wants it kept, and then one interval of reconcile. null: never.
	ExpiresAt *time.Time `json:"expiresAt"`
	Protected bool       `json:"protected"`
}

// Receipt says what a destroy did, checked by describing every resource that the state had.
type Receipt struct {
	Branch    string     `json:"branch"`
	Stack     string     `json:"stack"`
	Deleted   []Resource `json:"deleted"`
	Remaining []Resource `json:"remaining"` // not deleted, or not to be told: see Resource.Note
	Objects   int        `json:"objects"`   // object versions, delete markers and unfinished uploads removed from buckets
	Seconds   float64    `json:"seconds"`
}

// Resource is one AWS resource in a receipt.
type Resource struct {
	Type string `json:"type"` // Pulumi type token, for instance aws:s3/bucketV2:BucketV2
	Name string `json:"name"` // AWS name or id
	Note string `json:"note,omitempty"`
}

// Preview is what an update would change.
type Preview struct {
	Branch  string         `json:"branch"`
	Stack   string         `json:"stack"`
	Changes map[string]int `json:"changes"` // number of resources by operation: create, update, replace, delete, same
	Steps   []PreviewStep  `json:"steps"`   // what is not "same"
}

// PreviewStep is one resource's change in a preview.
type PreviewStep struct {
	Op   string   `json:"op"`
	Type string   `json:"type"`
	Name string   `json:"name"`
	Diff []string `json:"diff,omitempty"` // property paths that change
}
