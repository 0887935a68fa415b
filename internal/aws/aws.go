// Package aws makes the AWS calls that Pulumi's provider does not make: it empties buckets, checks that the resources of a
// removed stack are gone, finds what an interrupted run created, reads Beanstalk's events and states, uploads source bundles,
// and lists resources by tag. TypeOf holds what it knows of each type of resource.
//
// Every call takes a context first and stops with it. Nothing is cached between calls. Every list is read to its last page.
// Texts of AWS pass text.Line before anybody sees them. An answer that cannot be read is an error or Unknown, never an
// absence. Errors carry a hint if there is a remedy, and never a secret.
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
	// maxAttempts is the most attempts of one request. The SDK's pauses between them double, with jitter, up to maxBackoff:
	// together about a minute and a half.
	maxAttempts = 8
	maxBackoff  = 20 * time.Second
	// connections is the number of idle connections for each host. It is more than the requests in flight, so that no
	// connection is opened for a single request.
	connections = deletesInFlight + 4
	// answerTime is how long AWS may take to begin its answer; it takes seconds at most. With all attempts, a call to an
	// endpoint that never answers takes about five minutes.
	answerTime = 30 * time.Second
)

// Options select the region and the endpoint.
type Options struct {
	// Region is the AWS region, for instance eu-central-1. Empty: AWS_REGION or the profile's.
	Region string
	// Endpoint replaces AWS; the process's environment is then ignored. Nil: the standard variables and files are used
	// (AWS_PROFILE, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, …).
	Endpoint *Endpoint
}

// Endpoint is one address that answers for every AWS service, and the credentials it takes.
type Endpoint struct {
	URL       string // for instance http://127.0.0.1:4566
	AccessKey string
	SecretKey string
}

// Client makes the calls. It is safe for concurrent use. It creates a service's client on first use.
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
	pageSize int32 // of version lists; 1000, which is S3's most, except in tests
}

// Open reads the AWS settings and returns a Client. It makes no request, so missing credentials show at the first call.
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

// load returns the SDK's settings. With an explicit endpoint it reads neither the process's environment nor files.
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

// retryer retries as the SDK's standard mode does: throttling such as SlowDown, 5xx, broken connections. It also retries
// incomplete answers, which is safe because every call here can be repeated.
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
				// Other servers than AWS seldom have a host name for each bucket.
				o.UsePathStyle = o.UsePathStyle || o.BaseEndpoint != nil
			})
		}),
		secrets:  sync.OnceValue(func() *secretsmanager.Client { return secretsmanager.NewFromConfig(cfg) }),
		sts:      sync.OnceValue(func() *sts.Client { return sts.NewFromConfig(cfg) }),
		tagging:  sync.OnceValue(func() *resourcegroupstaggingapi.Client { return resourcegroupstaggingapi.NewFromConfig(cfg) }),
		pageSize: 1000,
	}
}

// Account returns the id of the credentials' account, twelve digits. The call needs no permission.
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
