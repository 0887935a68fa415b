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

// AppVersion is the version of the app that a BeanstalkEnv runs: a container image, a source bundle, or an existing
// application version. The zero AppVersion is Beanstalk's sample application.
type AppVersion struct {
	// Image is a container image's reference. A change of the image behind a tag is not noticed: use a tag for each build.
	Image string
	// ContainerPort is the port on which the image's container listens, 1 to 65535.
	ContainerPort int
	// BundleKey is the key of a source bundle that the caller has put into Bucket.
	BundleKey string
	// Label is the label of the application version: at most 100 characters, unique in its application, and different for
	// each bundle, because the new version is created before the old one goes. Empty: the environment's name and a hash of
	// the version. Without Image and BundleKey it names an existing version.
	Label string
	// Bucket is the bucket of source bundles. Required with Image and BundleKey.
	Bucket pulumi.StringInput
	// KeyPrefix is how the keys of the objects in Bucket begin, for instance "login/".
	KeyPrefix string
}

func (v AppVersion) validate(wrong *mistakes) {
	wrong.check(v.Image == "" || v.BundleKey == "", "a version is either an image or a bundle, not both")
	wrong.check(len(v.Label) <= 100, "a version's label has at most 100 characters, not %d", len(v.Label))
	if v.Image != "" {
		wrong.check(!strings.ContainsAny(v.Image, " \t\r\n"), "image %q has a space in it", v.Image)
		wrong.check(v.ContainerPort >= 1 && v.ContainerPort <= 65535, "container port %d is not between 1 and 65535", v.ContainerPort)
	}
	wrong.check(v.Image == "" && v.BundleKey == "" || v.Bucket != nil, "the bucket of source bundles is missing")
}

// register registers the application version, unless it exists, and returns its label. It returns nil for the sample
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
		// By default the provider deletes first if the name is given, but the environment still runs the old version.
		pulumi.DeleteBeforeReplace(false))
	if err != nil {
		return nil, err
	}
	return version.Name, nil
}

// dockerrun returns a Dockerrun.aws.json of version 1. Source: "Preparing your Docker image for deployment" in the developer
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

// hash returns 12 hexadecimal digits of the SHA-256 of content.
func hash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])[:12]
}
