package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/branchenv/branchenv/internal/fault"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply reply
		text  string
		hint  string // beginning
	}{
		"expired":      {xmlError(403, "ExpiredToken"), "ExpiredToken: m", "the AWS credentials have expired"},
		"unknown key":  {xmlError(403, "InvalidClientTokenId"), "InvalidClientTokenId: m", "AWS does not accept these credentials"},
		"forbidden":    {xmlError(403, "AccessDenied"), "AccessDenied: m", "the credentials lack a permission"},
		"no such code": {xmlError(400, "Strange"), "Strange: m", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := fakeAWS(t, fixed("DescribeEnvironments", tt.reply))
			_, err := c.EnvironmentHealth(t.Context(), "e\nv")
			if err == nil || err.Error() != `look up environment "e\nv": `+tt.text {
				t.Errorf("got %v", err)
			}
			if h := fault.Hint(err).String(); !strings.HasPrefix(h, tt.hint) || (h == "") != (tt.hint == "") {
				t.Errorf("got hint %q", h)
			}
			if fault.Code(err) != fault.Failed {
				t.Errorf("got code %d", fault.Code(err))
			}
		})
	}
}

// TestErrorWithoutAnswer asks an address where nobody listens.
func TestErrorWithoutAnswer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := open(t, "http://127.0.0.1:1")
	err := failed(c.ec2.once(ctx, "Action=x", nil), "ask")
	if want := "ask: no answer from 127.0.0.1:1: "; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	if want := "check the network, the region and AWS_ENDPOINT_URL"; fault.Hint(err).String() != want {
		t.Errorf("got hint %q", fault.Hint(err).String())
	}
	cancel()
	if _, err := c.EmptyBucket(ctx, "b", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestErrorOfSilence asks a server that accepts requests and never answers.
func TestErrorOfSilence(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	cfg, err := load(t.Context(), Options{Region: testRegion, Endpoint: &Endpoint{URL: server.URL, AccessKey: testKey, SecretKey: testSecret}})
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.HTTPClient.(*awshttp.BuildableClient).GetTransport().ResponseHeaderTimeout; got != answerTime {
		t.Errorf("an answer is waited for %s, want %s", got, answerTime)
	}
	cfg.HTTPClient = httpClient(20 * time.Millisecond)
	cfg.Retryer = func() awssdk.Retryer { return awssdk.NopRetryer{} }
	_, err = newClient(cfg).EmptyBucket(t.Context(), "b", nil)
	if err == nil || !strings.HasPrefix(err.Error(), `empty bucket "b": no answer in time from 127.0.0.1:`) || fault.Hint(err).String() != "check the network, the region and AWS_ENDPOINT_URL" {
		t.Errorf("got %v, hint %q", err, fault.Hint(err).String())
	}
}

// TestErrorOfCredentials checks that every service reports missing credentials as such, and shows no secret.
func TestErrorOfCredentials(t *testing.T) {
	t.Parallel()
	cfg, err := load(t.Context(), Options{Region: testRegion, Endpoint: &Endpoint{URL: "http://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Retryer = retryer
	cfg.Credentials = awssdk.NewCredentialsCache(guarded{awssdk.CredentialsProviderFunc(func(context.Context) (awssdk.Credentials, error) {
		return awssdk.Credentials{}, errors.New("no EC2 IMDS role found")
	})})
	c := newClient(cfg)
	_, err = c.EnvironmentHealth(t.Context(), "e")
	if want := `look up environment "e": no AWS credentials`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if !strings.HasPrefix(fault.Hint(err).String(), "set AWS_PROFILE, or AWS_ACCESS_KEY_ID") {
		t.Errorf("got hint %q", fault.Hint(err).String())
	}
	_, err = c.EmptyBucket(t.Context(), "b", nil)
	if want := `empty bucket "b": no AWS credentials`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	findings := c.Describe(t.Context(), []Resource{{Type: "aws:ec2/securityGroup:SecurityGroup", ID: "sg-1"}})
	if findings[0].State != Unknown || findings[0].Note != "no AWS credentials" {
		t.Errorf("got %v", findings)
	}
}

func TestErrorsHideSecrets(t *testing.T) {
	t.Parallel()
	g := newGateway(t, func(w http.ResponseWriter, _, _ string) bool {
		w.WriteHeader(403)
		fmt.Fprint(w, `<Error><Code>SignatureDoesNotMatch</Code><Message>does not match</Message><StringToSign>x</StringToSign></Error>`)
		return true
	})
	_, err := open(t, g.url).EmptyBucket(t.Context(), "b", nil)
	if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), testSecret) {
		t.Errorf("got %v", err)
	}
}
