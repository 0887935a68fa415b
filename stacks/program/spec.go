package program

import (
	"encoding/json"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
)

// Spec is everything that the environment program needs to know. The manager writes it into the stack's config as one
// object before every run; the program reads it back and asks nobody else.
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
	// Commit was the head of the branch when Version was decided; "" where that is not known. Here, in what the update
	// worked from, and not in a tag, it holds only once that update has ended.
	Commit   string          `json:"commit,omitempty"`
	Settings config.Settings `json:"settings"`
}

// Version is what an environment runs. Exactly one of Image and BundleKey is set, unless both are empty: then the
// environment runs Beanstalk's sample application.
type Version struct {
	// Label is the Beanstalk application version's label, at most 100 characters, unique in its application.
	Label string `json:"label,omitempty"`
	// Image is a container image's reference.
	Image string `json:"image,omitempty"`
	// BundleKey is the key of a source bundle in the application stack's versions bucket. It lies below "<stack>/".
	BundleKey string `json:"bundleKey,omitempty"`
}

// ApplicationSpec is everything that the application program needs to know, written into stack config like Spec.
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

// Name is a version as people name it: the image, or the label.
func (v Version) Name() string {
	if v.Image != "" {
		return v.Image
	}
	return v.Label
}

// ParseShared is what the outputs of the application stack offer to environments.
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
