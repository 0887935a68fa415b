package program

import (
	"encoding/json"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
)

// Spec is the complete input of the environment program. The manager writes it into the stack's config as one object before
// every run.
type Spec struct {
	Project string `json:"project"`
	Region  string `json:"region"`
	Branch  string `json:"branch"` // exact name
	Stack   string `json:"stack"`  // slug
	Kind    string `json:"kind"`
	Host    string `json:"host"`   // host label
	Domain  string `json:"domain"` // the host name is Host.Domain
	// BucketSuffix makes the bucket's name new for each incarnation of the environment: 6 characters, a-z0-9.
	BucketSuffix string  `json:"bucketSuffix"`
	Version      Version `json:"version"`
	// Commit was the head of the branch when Version was decided; "" if it is not known. It is stored here and not in a tag,
	// so that it counts only once the update has ended.
	Commit   string          `json:"commit,omitempty"`
	Settings config.Settings `json:"settings"`
}

// Version is the version of the app that an environment runs. At most one of Image and BundleKey is set. If both are empty,
// the environment runs Beanstalk's sample application.
type Version struct {
	// Label is the Beanstalk application version's label, at most 100 characters, unique in its application.
	Label string `json:"label,omitempty"`
	// Image is a container image's reference.
	Image string `json:"image,omitempty"`
	// BundleKey is the key of a source bundle in the application stack's versions bucket. It lies below "<stack>/".
	BundleKey string `json:"bundleKey,omitempty"`
}

// ApplicationSpec is the complete input of the application program. It is written into stack config like Spec.
type ApplicationSpec struct {
	Project     string         `json:"project"`
	Region      string         `json:"region"`
	Domain      string         `json:"domain"`
	Zone        string         `json:"zone,omitempty"`
	Certificate string         `json:"certificate,omitempty"`
	Network     config.Network `json:"network"`
	// BucketSuffix makes the versions bucket's name unique among all AWS customers: 6 characters, a-z0-9.
	BucketSuffix string `json:"bucketSuffix"`
}

// Name returns the version's name for people: the image, or the label.
func (v Version) Name() string {
	if v.Image != "" {
		return v.Image
	}
	return v.Label
}

// ParseShared returns the outputs of the application stack that environments use.
func ParseShared(outputs map[string]any) (Shared, error) {
	var out Shared
	text, err := json.Marshal(outputs)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		return out, fault.Failedf("outputs of the application stack: %w", err)
	}
	return out, nil
}
