package stacks

// Type tokens that the manager looks out for.
const (
	typeEnvironment = "aws:elasticbeanstalk/environment:Environment"
	typeVersion     = "aws:elasticbeanstalk/applicationVersion:ApplicationVersion"
	typeDatabase    = "aws:rds/instance:Instance"
	typeBucket      = "aws:s3/bucketV2:BucketV2"
	typeRecord      = "aws:route53/record:Record"
)
