package components

import (
	"regexp"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// AssetsBucketArgs are the arguments of NewAssetsBucket.
type AssetsBucketArgs struct {
	// Name is the bucket's name: 3 to 63 lower-case letters, digits and hyphens, unique among all AWS customers.
	Name string
	// Protected: a bucket with objects cannot be deleted. Otherwise the provider first removes every version of every object.
	Protected bool
	// NoncurrentDays is the number of days after which old versions of objects expire, at least 1.
	NoncurrentDays int
	// CORSOrigins are the origins whose pages may read and write objects, such as https://example.com, or *. Empty: no CORS.
	CORSOrigins []string
	// Writer is the ARN of an IAM role of the same account that may list, read, write and delete objects. Nil: only who
	// has the permission from another policy may.
	Writer pulumi.StringInput
}

// AssetsBucket is a private S3 bucket: versioned, encrypted, owned by the account alone, reached only over TLS. Old versions and
// unfinished uploads expire.
//
// It sets no Protect option. With Protected, S3 refuses the deletion. Pass pulumi.Protect(true) if Pulumi shall refuse it, too.
type AssetsBucket struct {
	pulumi.ResourceState

	Bucket pulumi.StringOutput `pulumi:"bucket"` // name, known once the bucket exists
	ARN    pulumi.StringOutput `pulumi:"arn"`
}

// bucketName matches valid names of buckets without dots, which break TLS. Source: "General purpose bucket naming rules" in the
// S3 user guide.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

func (a *AssetsBucketArgs) validate(name string) error {
	var wrong mistakes
	wrong.check(bucketName.MatchString(a.Name), "bucket name %q is not 3 to 63 lower-case letters, digits and hyphens", a.Name)
	wrong.check(a.NoncurrentDays >= 1, "old versions must be kept for at least 1 day, not %d", a.NoncurrentDays)
	for _, origin := range a.CORSOrigins {
		wrong.check(origin != "", "a CORS origin is empty")
	}
	return wrong.err("AssetsBucket", name)
}

// NewAssetsBucket registers an AssetsBucket.
func NewAssetsBucket(ctx *pulumi.Context, name string, args AssetsBucketArgs, opts ...pulumi.ResourceOption) (*AssetsBucket, error) {
	if err := args.validate(name); err != nil {
		return nil, err
	}
	c := &AssetsBucket{}
	if err := ctx.RegisterComponentResource("branchenv:index:AssetsBucket", name, c, opts...); err != nil {
		return nil, err
	}
	bucket, err := s3.NewBucketV2(ctx, name, &s3.BucketV2Args{
		Bucket:       pulumi.String(args.Name),
		ForceDestroy: pulumi.Bool(!args.Protected),
	}, pulumi.Parent(c), pulumi.DeleteBeforeReplace(false)) // only another name replaces it
	if err != nil {
		return nil, err
	}
	if err := c.accessSettings(ctx, name, args, bucket); err != nil {
		return nil, err
	}
	if err := c.storageSettings(ctx, name, args, bucket); err != nil {
		return nil, err
	}
	c.Bucket, c.ARN = bucket.Bucket, bucket.Arn
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"bucket": c.Bucket, "arn": c.ARN})
}

// accessSettings registers the settings for access to the objects, one after the other: S3 refuses concurrent changes of a
// bucket's access ("OperationAborted: a conflicting conditional operation is currently in progress").
func (c *AssetsBucket) accessSettings(ctx *pulumi.Context, name string, args AssetsBucketArgs, bucket *s3.BucketV2) error {
	ownership, err := s3.NewBucketOwnershipControls(ctx, name+"-ownership", &s3.BucketOwnershipControlsArgs{
		Bucket: bucket.Bucket,
		Rule:   s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	block, err := s3.NewBucketPublicAccessBlock(ctx, name+"-public-access", &s3.BucketPublicAccessBlockArgs{
		Bucket:                bucket.Bucket,
		BlockPublicAcls:       pulumi.Bool(true),
		BlockPublicPolicy:     pulumi.Bool(true),
		IgnorePublicAcls:      pulumi.Bool(true),
		RestrictPublicBuckets: pulumi.Bool(true),
	}, pulumi.Parent(c), pulumi.DependsOn([]pulumi.Resource{ownership}))
	if err != nil {
		return err
	}
	writer := args.Writer
	if writer == nil {
		writer = pulumi.String("")
	}
	document := pulumi.All(bucket.Arn, writer).ApplyT(func(v []any) (string, error) {
		return bucketPolicy(v[0].(string), v[1].(string))
	}).(pulumi.StringOutput)
	_, err = s3.NewBucketPolicy(ctx, name+"-policy", &s3.BucketPolicyArgs{Bucket: bucket.Bucket, Policy: document},
		pulumi.Parent(c), pulumi.DependsOn([]pulumi.Resource{block}))
	return err
}

// bucketPolicy returns a policy that denies requests without TLS. It allows the role writer, unless "", to use the objects.
func bucketPolicy(bucket, writer string) (string, error) {
	objects := bucket + "/*"
	statements := []statement{{
		Sid: "OnlyTLS", Effect: "Deny", Principal: "*", Action: []string{"s3:*"}, Resource: []string{bucket, objects},
		Condition: map[string]map[string]string{"Bool": {"aws:SecureTransport": "false"}},
	}}
	if writer != "" {
		principal := map[string]string{"AWS": writer}
		statements = append(statements, statement{
			Sid: "AppLists", Effect: "Allow", Principal: principal, Resource: []string{bucket},
			Action: []string{"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"},
		}, statement{
			Sid: "AppReadsAndWrites", Effect: "Allow", Principal: principal, Resource: []string{objects},
			Action: []string{"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"},
		})
	}
	return policy(statements...)
}

// storageSettings registers the settings for how, and how long, objects are stored.
func (c *AssetsBucket) storageSettings(ctx *pulumi.Context, name string, args AssetsBucketArgs, bucket *s3.BucketV2) error {
	_, err := s3.NewBucketServerSideEncryptionConfigurationV2(ctx, name+"-encryption", &s3.BucketServerSideEncryptionConfigurationV2Args{
		Bucket: bucket.Bucket,
		Rules: s3.BucketServerSideEncryptionConfigurationV2RuleArray{s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
			BucketKeyEnabled: pulumi.Bool(true),
			ApplyServerSideEncryptionByDefault: s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{
				SseAlgorithm: pulumi.String("AES256"),
			},
		}},
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	versioning, err := s3.NewBucketVersioningV2(ctx, name+"-versioning", &s3.BucketVersioningV2Args{
		Bucket:                  bucket.Bucket,
		VersioningConfiguration: s3.BucketVersioningV2VersioningConfigurationArgs{Status: pulumi.String("Enabled")},
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	_, err = s3.NewBucketLifecycleConfigurationV2(ctx, name+"-lifecycle", &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket.Bucket,
		Rules: s3.BucketLifecycleConfigurationV2RuleArray{s3.BucketLifecycleConfigurationV2RuleArgs{
			Id:                             pulumi.String("expire"),
			Status:                         pulumi.String("Enabled"),
			Filter:                         s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String("")},
			AbortIncompleteMultipartUpload: s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{DaysAfterInitiation: pulumi.Int(1)},
			Expiration:                     s3.BucketLifecycleConfigurationV2RuleExpirationArgs{ExpiredObjectDeleteMarker: pulumi.Bool(true)},
			NoncurrentVersionExpiration:    s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{NoncurrentDays: pulumi.Int(args.NoncurrentDays)},
		}},
	}, pulumi.Parent(c), pulumi.DependsOn([]pulumi.Resource{versioning}))
	if err != nil || len(args.CORSOrigins) == 0 {
		return err
	}
	_, err = s3.NewBucketCorsConfigurationV2(ctx, name+"-cors", &s3.BucketCorsConfigurationV2Args{
		Bucket: bucket.Bucket,
		CorsRules: s3.BucketCorsConfigurationV2CorsRuleArray{s3.BucketCorsConfigurationV2CorsRuleArgs{
			AllowedHeaders: pulumi.ToStringArray([]string{"*"}),
			AllowedMethods: pulumi.ToStringArray([]string{"GET", "HEAD", "POST", "PUT"}),
			AllowedOrigins: pulumi.ToStringArray(args.CORSOrigins),
			ExposeHeaders:  pulumi.ToStringArray([]string{"ETag"}),
			MaxAgeSeconds:  pulumi.Int(3600),
		}},
	}, pulumi.Parent(c))
	return err
}
