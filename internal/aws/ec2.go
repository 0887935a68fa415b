package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/branchenv/branchenv/internal/regions"
)

// maxAnswer is the most bytes that are read of an answer of EC2.
const maxAnswer = 4 << 20

// ec2Query makes the two calls of EC2 that are needed, by EC2's query protocol. The SDK's ec2 package is not used: to compile
// it takes over a minute of CPU and more than 3 GB of memory.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html
type ec2Query struct {
	cfg      awssdk.Config
	endpoint string
	signer   *v4.Signer
}

func newEC2Query(cfg awssdk.Config) *ec2Query {
	q := &ec2Query{cfg: cfg, signer: v4.NewSigner()}
	switch {
	case len(cfg.ConfigSources) > 0 && os.Getenv("AWS_ENDPOINT_URL_EC2") != "":
		q.endpoint = os.Getenv("AWS_ENDPOINT_URL_EC2")
	case cfg.BaseEndpoint != nil:
		q.endpoint = *cfg.BaseEndpoint
	default:
		q.endpoint = "https://ec2." + cfg.Region + "." + regions.PartitionOf(cfg.Region).Domain
	}
	return q
}

// call sends an action with its parameters and decodes the answer into out. It retries as the SDK does.
func (q *ec2Query) call(ctx context.Context, action string, params url.Values, out any) error {
	params.Set("Action", action)
	params.Set("Version", "2016-11-15")
	retryer := q.cfg.Retryer()
	for attempt := 1; ; attempt++ {
		err := q.once(ctx, params.Encode(), out)
		if err == nil || attempt >= retryer.MaxAttempts() || !retryer.IsErrorRetryable(err) {
			return err
		}
		pause, delayErr := retryer.RetryDelay(attempt, err)
		if delayErr != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (q *ec2Query) once(ctx context.Context, body string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(q.endpoint, "/")+"/", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	creds, err := q.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(body))
	if err := q.signer.SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), "ec2", q.cfg.Region, time.Now()); err != nil {
		return err
	}
	resp, err := q.cfg.HTTPClient.Do(req)
	if err != nil {
		return &smithyhttp.RequestSendError{Err: err}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil && resp.StatusCode == http.StatusOK {
		err = xml.NewDecoder(bytes.NewReader(data)).Decode(out)
	}
	switch {
	case err != nil:
		return &smithy.DeserializationError{Err: err}
	case resp.StatusCode != http.StatusOK:
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: resp}, Err: ec2Error(resp.StatusCode, data)}
	}
	return nil
}

// ec2Error returns the error in EC2's error document.
func ec2Error(status int, data []byte) error {
	var doc struct {
		Code    string `xml:"Errors>Error>Code"`
		Message string `xml:"Errors>Error>Message"`
	}
	if err := xml.Unmarshal(data, &doc); err != nil || doc.Code == "" {
		doc.Code, doc.Message = fmt.Sprintf("HTTP %d", status), http.StatusText(status)
	}
	return &smithy.GenericAPIError{Code: doc.Code, Message: doc.Message}
}

// securityGroup calls DescribeSecurityGroups for one group, and returns the ids in the answer.
func (q *ec2Query) securityGroup(ctx context.Context, id string) ([]string, error) {
	var out struct {
		IDs []string `xml:"securityGroupInfo>item>groupId"`
	}
	err := q.call(ctx, "DescribeSecurityGroups", url.Values{"GroupId.1": {id}}, &out)
	return out.IDs, err
}

// securityGroupRule calls DescribeSecurityGroupRules for one rule, and returns the ids in the answer.
func (q *ec2Query) securityGroupRule(ctx context.Context, id string) ([]string, error) {
	var out struct {
		IDs []string `xml:"securityGroupRuleSet>item>securityGroupRuleId"`
	}
	err := q.call(ctx, "DescribeSecurityGroupRules", url.Values{"SecurityGroupRuleId.1": {id}}, &out)
	return out.IDs, err
}
