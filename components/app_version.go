package components

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticbeanstalk"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// AppVersion is what a BeanstalkEnv runs: a container image, a source bundle, an application version that exists
// already, or, with nothing set, Beanstalk's sample application.
type AppVersion struct {
	// Image is a container image's reference. A tag that is moved to another image is not noticed: use one per build.
	Image string
	// ContainerPort is the port on which the image's container listens, 1 to 65535.
	ContainerPort int
	// BundleKey is the key of a source bundle in Bucket, put there by the caller.
	BundleKey string
	// Label is the application version's label, at most 100 characters, unique in its application and another one for
	// another bundle: the new version is made beside the old one. Empty: made from the environment's name and a hash of
	// what runs. With neither Image nor BundleKey it names a version that exists.
	Label string
	// Bucket is the bucket of source bundles. Required with Image and BundleKey.
	Bucket pulumi.StringInput
	// KeyPrefix begins the keys of what is written to Bucket, for instance "login/".
	KeyPrefix string
}

func (v AppVersion) validate(f *faults) {
	f.check(v.Image == "" || v.BundleKey == "", "a version is either an image or a bundle, not both")
	f.check(len(v.Label) <= 100, "a version's label has at most 100 characters, not %d", len(v.Label))
	if v.Image != "" {
		f.check(!strings.ContainsAny(v.Image, " \t\r\n"), "image %q has a space in it", v.Image)
		f.check(v.ContainerPort >= 1 && v.ContainerPort <= 65535, "container port %d is not between 1 and 65535", v.ContainerPort)
	}
	f.check(v.Image == "" && v.BundleKey == "" || v.Bucket != nil, "the bucket of source bundles is missing")
}

// register makes the application version, where there is one to make, and returns its label; nil for the sample
// application.
func (v AppVersion) register(ctx *pulumi.Context, name string, args BeanstalkEnvArgs, parent pulumi.Resource) (pulumi.StringInput, error) {
	key, digest := pulumi.StringInput(pulumi.String(v.BundleKey)), hash(v.BundleKey)
	switch {
	case v.Image != "":
		content, err := dockerrun(v.Image, v.ContainerPort)
		if err != nil {
			return nil, err
		}
		digest = hash(content)
		object, err := s3.NewBucketObjectv2(ctx, name+"-bundle", &s3.BucketObjectv2Args{
			Bucket: v.Bucket, Key: pulumi.String(v.KeyPrefix + digest + "/Dockerrun.aws.json"),
			Content: pulumi.String(content), ContentType: pulumi.String("application/json"),
		}, pulumi.Parent(parent))
		if err != nil {
			return nil, err
		}
		key = object.Key
	case v.BundleKey != "":
	case v.Label != "":
		return pulumi.String(v.Label), nil
	default:
		return nil, nil
	}
	label := v.Label
	if label == "" {
		label = args.Name + "-" + digest
	}
	version, err := elasticbeanstalk.NewApplicationVersion(ctx, name, &elasticbeanstalk.ApplicationVersionArgs{
		Application: args.Application, Name: pulumi.String(label), Bucket: v.Bucket, Key: key.ToStringOutput(),
	}, pulumi.Parent(parent),
		// The provider deletes first what has a given name, and the environment still runs the old version.
		pulumi.DeleteBeforeReplace(false))
	if err != nil {
		return nil, err
	}
	return version.Name, nil
}

// dockerrun is a Dockerrun.aws.json of version 1. Source: "Preparing your Docker image for deployment" in the developer
// guide of Elastic Beanstalk.
func dockerrun(image string, port int) (string, error) {
	type containerPort struct{ ContainerPort string }
	text, err := json.MarshalIndent(struct {
		AWSEBDockerrunVersion string
		Image                 struct{ Name, Update string }
		Ports                 []containerPort
	}{
		AWSEBDockerrunVersion: "1",
		Image:                 struct{ Name, Update string }{image, "true"},
		Ports:                 []containerPort{{strconv.Itoa(port)}},
	}, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write Dockerrun.aws.json: %w", err)
	}
	return string(text) + "\n", nil
}

// hash is 12 hexadecimal digits of the SHA-256 of content.
func hash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])[:12]
}
