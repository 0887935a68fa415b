package sandbox

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// The resource types of S3.
const (
	typeBucket           = "aws:s3/bucketV2:BucketV2"
	typeBucketVersioning = "aws:s3/bucketVersioningV2:BucketVersioningV2"
	typeObject           = "aws:s3/bucketObjectv2:BucketObjectv2"
)

func s3Service() service {
	part := kind{id: "{bucket}", onCreate: needBucket, onUpdate: needBucket, onRead: bucketGone}
	lifecycle, policy := part, part
	lifecycle.rules = []rule{{property: "expectedBucketOwner", pattern: `^[0-9]{12}$`, want: "an account id of 12 digits"}}
	policy.rules = []rule{policyRule("policy")}
	return service{kinds: map[string]kind{
		typeBucket: {
			title: "S3 Bucket", naming: naming{property: "bucket", max: 63, lower: true}, arn: "s3:::{name}", anywhere: true,
			unseen: []string{"forceDestroy"}, imported: map[string]any{"forceDestroy": false},
			rules: []rule{
				{property: "bucket", also: validBucketName, want: "a bucket's name must have 3 to 63 lower-case letters, digits, hyphens or dots, with a letter or digit at both ends, and must not begin or end as S3 reserves"},
				{property: "bucketPrefix", max: 37},
			},
			combinations: []combination{exclusive("bucket", "bucketPrefix")},
			onCreate:     createBucket, onUpdate: bucketOutputs, onRemove: removeBucket, onRead: readBucket,
		},
		typeBucketVersioning: {
			title: "S3 Bucket Versioning", id: "{bucket}", onCreate: setVersioning, onUpdate: setVersioning, onRemove: suspendVersioning, onRead: bucketGone,
		},
		typeObject: {
			title: "S3 Object", id: "{key}", rules: []rule{{property: "key", min: 1, max: 1024}},
			combinations: []combination{exclusive("source", "content")},
			onCreate:     putObject, onUpdate: putObject, onRemove: removeObject, onRead: objectGone,
		},
		"aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2":                                 part,
		"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2":                       lifecycle,
		"aws:s3/bucketOwnershipControls:BucketOwnershipControls":                                     part,
		"aws:s3/bucketPolicy:BucketPolicy":                                                           policy,
		"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":                                     part,
		"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": part,
	}}
}

// s3Failure returns an error of the S3 store as an error of AWS.
func s3Failure(err error) error {
	if e, ok := asS3Error(err); ok {
		return &awsError{Code: e.Code, Message: e.Message, Status: max(e.Status, http.StatusBadRequest)}
	}
	return err
}

func createBucket(o *op) error {
	err := o.s3.CreateBucket(o.rec.Name)
	if s3Code(err) == "BucketAlreadyExists" {
		return awsErrorf("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.").with(http.StatusConflict)
	}
	if err != nil {
		return s3Failure(err)
	}
	if o.in.Bool("objectLockEnabled") {
		if err := o.s3.setVersioning(o.rec.Name, "Enabled"); err != nil {
			return s3Failure(err)
		}
	}
	return bucketOutputs(o)
}

func bucketOutputs(o *op) error {
	o.force(map[string]any{
		"bucket": o.rec.Name, "region": o.region, "arn": "arn:aws:s3:::" + o.rec.Name,
		"bucketDomainName":         o.rec.Name + ".s3.amazonaws.com",
		"bucketRegionalDomainName": o.rec.Name + ".s3." + o.region + ".amazonaws.com",
		"hostedZoneId":             "Z21DNDUVLTQW6Q",
		"requestPayer":             "BucketOwner",
		"forceDestroy":             o.in.Bool("forceDestroy"),
		"objectLockEnabled":        o.in.Bool("objectLockEnabled"),
	})
	return nil
}

// removeBucket deletes a bucket. Whether it may be emptied first is told by the engine's state, as with the real
// provider: a forceDestroy that no update has stored does not count.
func removeBucket(o *op) error {
	err := o.s3.DeleteBucket(o.rec.Name)
	if s3Code(err) == "BucketNotEmpty" && o.in.Bool("forceDestroy") {
		if err := o.s3.empty(o.rec.Name); err != nil {
			return err
		}
		err = o.s3.DeleteBucket(o.rec.Name)
	}
	if err != nil && s3Code(err) != "NoSuchBucket" {
		return s3Failure(err)
	}
	return o.dropBucketParts()
}

// dropBucketParts removes a bucket's settings and objects, which are resources of their own but nothing without it.
func (o *op) dropBucketParts() error {
	for _, typ := range schema.Types() {
		if typ == typeBucket || !strings.HasPrefix(typ, "aws:s3/") {
			continue
		}
		parts, err := o.tx.where(typ, func(r *record) bool { return r.str("bucket") == o.rec.Name })
		if err != nil {
			return err
		}
		for _, part := range parts {
			if err := o.tx.remove(part); err != nil {
				return err
			}
		}
	}
	return nil
}

func readBucket(o *op) (bool, error) {
	exists, err := o.s3.BucketExists(o.rec.Name)
	if err == nil && !exists {
		return true, o.tx.remove(o.rec)
	}
	return false, err
}

// needBucket is for what a bucket has: the bucket must exist.
func needBucket(o *op) error {
	exists, err := o.s3.BucketExists(o.in.Text("bucket"))
	if err != nil {
		return err
	}
	if !exists {
		return awsErrorf("NoSuchBucket", "The specified bucket does not exist").with(http.StatusNotFound)
	}
	o.rec.Name = o.in.Text("bucket")
	return nil
}

func bucketGone(o *op) (bool, error) {
	exists, err := o.s3.BucketExists(o.rec.str("bucket"))
	if err == nil && !exists {
		return true, o.tx.remove(o.rec)
	}
	return false, err
}

func setVersioning(o *op) error {
	if err := needBucket(o); err != nil {
		return err
	}
	status := o.in.Object("versioningConfiguration").Text("status")
	if status == "Disabled" {
		return nil
	}
	return s3Failure(o.s3.setVersioning(o.rec.Name, status))
}

// suspendVersioning is what the real provider does when the resource goes.
func suspendVersioning(o *op) error {
	err := o.s3.suspendVersioning(o.rec.str("bucket"))
	if s3Code(err) == "NoSuchBucket" {
		return nil
	}
	return s3Failure(err)
}

func putObject(o *op) error {
	if err := needBucket(o); err != nil {
		return err
	}
	contents := o.in.Text("source")
	if c, given := o.in["content"]; given {
		contents = value.Text(c)
	}
	contentType := cmp.Or(o.in.Text("contentType"), "application/octet-stream")
	md5, version, err := o.s3.putFile(o.rec.Name, o.in.Text("key"), contentType, strings.NewReader(contents))
	if err != nil {
		return s3Failure(err)
	}
	delete(o.rec.Outputs, "source")
	o.in = maps.Clone(o.in)
	delete(o.in, "source") // what it holds is in the bucket
	o.rec.Inputs = o.in
	o.rec.Name = o.in.Text("bucket") + "/" + o.in.Text("key")
	o.force(map[string]any{
		"arn": "arn:aws:s3:::" + o.rec.Name, "etag": md5, "versionId": version,
		"contentType": contentType, "storageClass": "STANDARD", "serverSideEncryption": "AES256",
	})
	return nil
}

// objectGone is for an object, which may have been deleted through S3's API.
func objectGone(o *op) (bool, error) {
	_, err := o.s3.HeadObject(o.rec.str("bucket"), o.rec.str("key"))
	switch {
	case err == nil:
		return false, nil
	case slices.Contains([]string{"NoSuchKey", "NoSuchBucket"}, s3Code(err)):
		return true, o.tx.remove(o.rec)
	}
	return false, s3Failure(err)
}

// removeObject removes all versions of an object, as the real provider does.
func removeObject(o *op) error {
	err := o.s3.removeVersions(o.rec.str("bucket"), o.rec.str("key"))
	if s3Code(err) == "NoSuchBucket" {
		return nil
	}
	return s3Failure(err)
}
