// Package aws holds branchenv's own AWS calls, those that Pulumi's provider does not make: emptying buckets, asking
// whether the resources of a removed stack are really gone, Beanstalk's events and states, source bundles, and finding
// resources by tag.
//
// Rules: every call takes a context first and stops with it; nothing is cached between calls; what AWS answers is
// hostile until Line has reduced it; every list is read to its last page; an answer that cannot be read is an error or
// Unknown, never an absence. Errors carry a hint where there is a remedy, and never a secret.
package aws

import (
	"context"
	"net/http"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

const (
	// maxAttempts bounds the tries of one request; with the SDK's jittered, doubling pauses of at most maxBackoff that
	// is about a minute and a half of throttling.
	maxAttempts = 8
	maxBackoff  = 20 * time.Second
	// connections is the number of idle connections kept a host, no fewer than requests are in flight, so that none is
	// opened and closed for a single request.
	connections = deletesInFlight + 4
	// answerTime is how long an answer may take to begin once its request is sent; AWS takes seconds at most. With the
	// tries it bounds a call to an endpoint that accepts connections and says nothing: about five minutes.
	answerTime = 30 * time.Second
)

// Options say which AWS to talk to.
type Options struct {
	// Region is the AWS region, for instance eu-central-1. Empty: AWS_REGION or the profile's.
	Region string
	// Endpoint replaces AWS and everything the process's environment says about it. Nil: the standard variables and
	// files count (AWS_PROFILE, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, …).
	Endpoint *Endpoint
}

// Endpoint is one address that answers for every AWS service, and the credentials it takes.
type Endpoint struct {
	URL       string // for instance http://127.0.0.1:4566
	AccessKey string
	SecretKey string
}

// Client makes the calls. It is safe for concurrent use; a service's client is made when it is first needed.
type Client struct {
	region   string
	acm      func() *acm.Client
	beans    func() *elasticbeanstalk.Client
	ec2      *ec2Query
	elb      func() *elasticloadbalancingv2.Client
	iam      func() *iam.Client
	logs     func() *cloudwatchlogs.Client
	rds      func() *rds.Client
	route53  func() *route53.Client
	s3       func() *s3.Client
	secrets  func() *secretsmanager.Client
	sts      func() *sts.Client
	tagging  func() *resourcegroupstaggingapi.Client
	pageSize int32 // of version lists; only tests set it lower than the 1000 that S3 allows
}

// Open reads the AWS settings. It makes no request: missing credentials show at the first call.
func Open(ctx context.Context, o Options) (*Client, error) {
	cfg, err := load(ctx, o)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, fault.Usagef("no AWS region is set").WithHint("set region in the settings file, or AWS_REGION")
	}
	cfg.Retryer = retryer
	if cfg.Credentials != nil {
		cfg.Credentials = awssdk.NewCredentialsCache(guarded{cfg.Credentials})
	}
	return newClient(cfg), nil
}

func httpClient(answer time.Duration) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost, t.ResponseHeaderTimeout = connections, answer
	})
}

// load makes the SDK's settings. With an explicit endpoint nothing is read from the process's environment or files.
func load(ctx context.Context, o Options) (awssdk.Config, error) {
	client := httpClient(answerTime)
	if o.Endpoint != nil {
		return awssdk.Config{
			Region:       o.Region,
			BaseEndpoint: awssdk.String(o.Endpoint.URL),
			Credentials:  credentials.NewStaticCredentialsProvider(o.Endpoint.AccessKey, o.Endpoint.SecretKey, ""),
			HTTPClient:   client,
		}, nil
	}
	load := []func(*config.LoadOptions) error{config.WithHTTPClient(client), config.WithLogger(logging.Nop{})}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return cfg, fault.Usagef("read the AWS settings: %s", text.Line(err.Error())).
			WithHint("check AWS_PROFILE, AWS_REGION and the files ~/.aws/config and ~/.aws/credentials")
	}
	return cfg, nil
}

// retryer retries what the SDK's standard mode does (throttling, SlowDown among it, 5xx, broken connections), and
// answers that end half-way, which is safe because every call here can be repeated.
func retryer() awssdk.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = maxAttempts
		o.MaxBackoff = maxBackoff
		o.Backoff = retry.NewExponentialJitterBackoff(maxBackoff)
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(unreadable)}, o.Retryables...)
	})
}

func newClient(cfg awssdk.Config) *Client {
	return &Client{
		region:  cfg.Region,
		acm:     sync.OnceValue(func() *acm.Client { return acm.NewFromConfig(cfg) }),
		beans:   sync.OnceValue(func() *elasticbeanstalk.Client { return elasticbeanstalk.NewFromConfig(cfg) }),
		ec2:     newEC2Query(cfg),
		elb:     sync.OnceValue(func() *elasticloadbalancingv2.Client { return elasticloadbalancingv2.NewFromConfig(cfg) }),
		iam:     sync.OnceValue(func() *iam.Client { return iam.NewFromConfig(cfg) }),
		logs:    sync.OnceValue(func() *cloudwatchlogs.Client { return cloudwatchlogs.NewFromConfig(cfg) }),
		rds:     sync.OnceValue(func() *rds.Client { return rds.NewFromConfig(cfg) }),
		route53: sync.OnceValue(func() *route53.Client { return route53.NewFromConfig(cfg) }),
		s3: sync.OnceValue(func() *s3.Client {
			return s3.NewFromConfig(cfg, func(o *s3.Options) {
				// Whoever is not AWS seldom answers on a host name a bucket.
				o.UsePathStyle = o.UsePathStyle || o.BaseEndpoint != nil
			})
		}),
		secrets:  sync.OnceValue(func() *secretsmanager.Client { return secretsmanager.NewFromConfig(cfg) }),
		sts:      sync.OnceValue(func() *sts.Client { return sts.NewFromConfig(cfg) }),
		tagging:  sync.OnceValue(func() *resourcegroupstaggingapi.Client { return resourcegroupstaggingapi.NewFromConfig(cfg) }),
		pageSize: 1000,
	}
}

// Account is the id, twelve digits, of the account whose credentials are used. Nobody needs a permission to ask.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (c *Client) Account(ctx context.Context) (string, error) {
	out, err := c.sts().GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", failed(err, "ask AWS which account the credentials are of")
	}
	if awssdk.ToString(out.Account) == "" {
		return "", fault.Failedf("AWS does not say which account the credentials are of")
	}
	return *out.Account, nil
}
