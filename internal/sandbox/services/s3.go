package services

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/s3"
	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// Resource types of S3.
const (
	TypeBucket           = "aws:s3/bucketV2:BucketV2"
	TypeBucketVersioning = "aws:s3/bucketVersioningV2:BucketVersioningV2"
	TypeObject           = "aws:s3/bucketObjectv2:BucketObjectv2"
)

func s3Service() cloud.Service {
	part := cloud.Kind{ID: "{bucket}", OnCreate: requireBucket, OnUpdate: requireBucket, OnRead: readBucketSetting}
	lifecycle, policy := part, part
	lifecycle.Rules = []cloud.Rule{{Property: "expectedBucketOwner", Pattern: `^[0-9]{12}$`, Message: "an account id of 12 digits"}}
	policy.Rules = []cloud.Rule{policyRule("policy")}
	return cloud.Service{Kinds: map[string]cloud.Kind{
		TypeBucket: {
			Title: "S3 Bucket", Naming: cloud.Naming{Property: "bucket", MaxLength: 63, LowerCase: true}, ARN: "s3:::{name}", Global: true,
			Unreadable: []string{"forceDestroy"}, ImportDefaults: map[string]any{"forceDestroy": false},
			Rules: []cloud.Rule{
				{Property: "bucket", Valid: s3.ValidBucketName, Message: "a bucket's name must have 3 to 63 lower-case letters, digits, hyphens or dots, with a letter or digit at both ends, and must not begin or end as S3 reserves"},
				{Property: "bucketPrefix", Max: 37},
			},
			Combinations: []cloud.Combination{cloud.Exclusive("bucket", "bucketPrefix")},
			OnCreate:     createBucket, OnUpdate: bucketOutputs, OnRemove: removeBucket, OnRead: readBucket,
		},
		TypeBucketVersioning: {
			Title: "S3 Bucket Versioning", ID: "{bucket}", OnCreate: setVersioning, OnUpdate: setVersioning, OnRemove: suspendVersioning, OnRead: readBucketSetting,
		},
		TypeObject: {
			Title: "S3 Object", ID: "{key}", Rules: []cloud.Rule{{Property: "key", Min: 1, Max: 1024}},
			Combinations: []cloud.Combination{cloud.Exclusive("source", "content")},
			OnCreate:     putObject, OnUpdate: putObject, OnRemove: removeObject, OnRead: readObject,
		},
		"aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2":                                 part,
		"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2":                       lifecycle,
		"aws:s3/bucketOwnershipControls:BucketOwnershipControls":                                     part,
		"aws:s3/bucketPolicy:BucketPolicy":                                                           policy,
		"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":                                     part,
		"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": part,
	}}
}

// FromS3 converts an error of the S3 store to an error of AWS.
func FromS3(err error) error {
	if e, ok := s3.AsError(err); ok {
		return &cloud.Error{Code: e.Code, Message: e.Message, Status: max(e.Status, http.StatusBadRequest)}
	}
	return err
}

func createBucket(o *cloud.Operation) error {
	err := o.S3.CreateBucket(o.Record.Name)
	if s3.Code(err) == "BucketAlreadyExists" {
		return cloud.Errorf("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.").WithStatus(http.StatusConflict)
	}
	if err != nil {
		return FromS3(err)
	}
	if o.Inputs.Bool("objectLockEnabled") {
		if err := o.S3.SetVersioning(o.Record.Name, "Enabled"); err != nil {
			return FromS3(err)
		}
	}
	return bucketOutputs(o)
}

func bucketOutputs(o *cloud.Operation) error {
	o.SetOutputs(map[string]any{
		"bucket": o.Record.Name, "region": o.Region, "arn": "arn:aws:s3:::" + o.Record.Name,
		"bucketDomainName":         o.Record.Name + ".s3.amazonaws.com",
		"bucketRegionalDomainName": o.Record.Name + ".s3." + o.Region + ".amazonaws.com",
		"hostedZoneId":             "Z21DNDUVLTQW6Q",
		"requestPayer":             "BucketOwner",
		"forceDestroy":             o.Inputs.Bool("forceDestroy"),
		"objectLockEnabled":        o.Inputs.Bool("objectLockEnabled"),
	})
	return nil
}

// removeBucket deletes a bucket. It empties it first if the state has forceDestroy. As with the real provider, a
// forceDestroy that no update has stored does not count.
func removeBucket(o *cloud.Operation) error {
	err := o.S3.DeleteBucket(o.Record.Name)
	if s3.Code(err) == "BucketNotEmpty" && o.Inputs.Bool("forceDestroy") {
		if err := o.S3.Empty(o.Record.Name); err != nil {
			return err
		}
		err = o.S3.DeleteBucket(o.Record.Name)
	}
	if err != nil && s3.Code(err) != "NoSuchBucket" {
		return FromS3(err)
	}
	return removeBucketParts(o)
}

// removeBucketParts removes the records of a bucket's settings and objects.
func removeBucketParts(o *cloud.Operation) error {
	for _, typ := range schema.Types() {
		if typ == TypeBucket || !strings.HasPrefix(typ, "aws:s3/") {
			continue
		}
		parts, err := o.Tx.Where(typ, func(r *cloud.Record) bool { return r.Text("bucket") == o.Record.Name })
		if err != nil {
			return err
		}
		for _, part := range parts {
			if err := o.Tx.Remove(part); err != nil {
				return err
			}
		}
	}
	return nil
}

// readBucket removes the record of a bucket that was deleted through S3's API.
func readBucket(o *cloud.Operation) (bool, error) {
	exists, err := o.S3.BucketExists(o.Record.Name)
	if err == nil && !exists {
		return true, o.Tx.Remove(o.Record)
	}
	return false, err
}

// requireBucket returns an error if the bucket of a setting or an object does not exist.
func requireBucket(o *cloud.Operation) error {
	exists, err := o.S3.BucketExists(o.Inputs.Text("bucket"))
	if err != nil {
		return err
	}
	if !exists {
		return cloud.Errorf("NoSuchBucket", "The specified bucket does not exist").WithStatus(http.StatusNotFound)
	}
	o.Record.Name = o.Inputs.Text("bucket")
	return nil
}

// readBucketSetting removes the record of a setting if its bucket is gone.
func readBucketSetting(o *cloud.Operation) (bool, error) {
	exists, err := o.S3.BucketExists(o.Record.Text("bucket"))
	if err == nil && !exists {
		return true, o.Tx.Remove(o.Record)
	}
	return false, err
}

func setVersioning(o *cloud.Operation) error {
	if err := requireBucket(o); err != nil {
		return err
	}
	status := o.Inputs.Object("versioningConfiguration").Text("status")
	if status == "Disabled" {
		return nil
	}
	return FromS3(o.S3.SetVersioning(o.Record.Name, status))
}

// suspendVersioning suspends a bucket's versioning, as the real provider does when the resource is removed.
func suspendVersioning(o *cloud.Operation) error {
	err := o.S3.SuspendVersioning(o.Record.Text("bucket"))
	if s3.Code(err) == "NoSuchBucket" {
		return nil
	}
	return FromS3(err)
}

func putObject(o *cloud.Operation) error {
	if err := requireBucket(o); err != nil {
		return err
	}
	contents := o.Inputs.Text("source")
	if c, given := o.Inputs["content"]; given {
		contents = value.Text(c)
	}
	contentType := cmp.Or(o.Inputs.Text("contentType"), "application/octet-stream")
	md5, version, err := o.S3.PutFile(o.Record.Name, o.Inputs.Text("key"), contentType, strings.NewReader(contents))
	if err != nil {
		return FromS3(err)
	}
	delete(o.Record.Outputs, "source")
	o.Inputs = maps.Clone(o.Inputs)
	delete(o.Inputs, "source") // the bucket has the contents
	o.Record.Inputs = o.Inputs
	o.Record.Name = o.Inputs.Text("bucket") + "/" + o.Inputs.Text("key")
	o.SetOutputs(map[string]any{
		"arn": "arn:aws:s3:::" + o.Record.Name, "etag": md5, "versionId": version,
		"contentType": contentType, "storageClass": "STANDARD", "serverSideEncryption": "AES256",
	})
	return nil
}

// readObject removes the record of an object that was deleted through S3's API.
func readObject(o *cloud.Operation) (bool, error) {
	_, err := o.S3.HeadObject(o.Record.Text("bucket"), o.Record.Text("key"))
	switch {
	case err == nil:
		return false, nil
	case slices.Contains([]string{"NoSuchKey", "NoSuchBucket"}, s3.Code(err)):
		return true, o.Tx.Remove(o.Record)
	}
	return false, FromS3(err)
}

// removeObject removes all versions of an object, as the real provider does.
func removeObject(o *cloud.Operation) error {
	err := o.S3.DeleteVersions(o.Record.Text("bucket"), o.Record.Text("key"))
	if s3.Code(err) == "NoSuchBucket" {
		return nil
	}
	return FromS3(err)
}
