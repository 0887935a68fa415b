//go:build unix

package e2e

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/sandbox"
)

// Resource types that faults hit.
const (
	typeBucket      = "aws:s3/bucketV2:BucketV2"
	typeDatabase    = "aws:rds/instance:Instance"
	typeEnvironment = "aws:elasticbeanstalk/environment:Environment"
	typeRecord      = "aws:route53/record:Record"
)

// misfortune is what AWS does to a command, what the command says then, and where its repetition leads to once AWS
// behaves again.
type misfortune struct {
	scene  string
	faults []sandbox.Fault
	code   int
	says   []string // lines of standard error, as regular expressions
	status string   // what list says of the environment then; "" where that does not matter
	first  []string // a command that has to come before the repetition; nil for none
}

func TestMisfortunes(t *testing.T) {
	t.Parallel()
	goesOn := `^branchenv: hint: run the same command again once the cause is mended: it goes on from here$`
	for name, test := range map[string]misfortune{
		"the second security group fails": {
			scene: "up", code: 1, says: []string{`^branchenv: error: update stack topic: .*InternalFailure: the sandbox was told to fail here`, goesOn},
			faults: []sandbox.Fault{{On: "create", Type: "aws:ec2/securityGroup:SecurityGroup", Nth: 2, Kind: sandbox.Fail}},
		},
		"throttled": {
			scene: "up", code: 1, says: []string{`^branchenv: error: update stack topic: database: .*Throttling: Rate exceeded`, goesOn},
			faults: []sandbox.Fault{{On: "create", Type: typeDatabase, Kind: sandbox.Throttle}},
		},
		"the bucket's name is taken": {
			scene: "up", code: 1, says: []string{`^branchenv: error: update stack topic: assets: .*BucketAlreadyExists: `, `^branchenv: hint: .*not this stack's`},
			faults: []sandbox.Fault{{On: "create", Type: typeBucket, Kind: sandbox.Fail, Error: "BucketAlreadyExists: The requested bucket name is not available. The bucket namespace is shared by all users of the system."}},
		},
		"the environment's name is taken": {
			scene: "up", code: 1, says: []string{`^branchenv: error: update stack topic: environment: .*Environment shop-topic already exists`, `^branchenv: hint: .*not this stack's`},
			faults: []sandbox.Fault{{On: "create", Type: typeEnvironment, Kind: sandbox.Fail, Error: "InvalidParameterValue: Environment shop-topic already exists."}},
		},
		"the DNS record was made by another": {
			scene: "up", code: 1, says: []string{`^branchenv: error: update stack topic: dns: .*topic\.preview\.example\.com.*already exists`, `^branchenv: hint: .*not this stack's`},
			faults: []sandbox.Fault{{On: "create", Type: typeRecord, Kind: sandbox.Fail, Error: "InvalidChangeBatch: [Tried to create resource record set [name='topic.preview.example.com.', type='A'] but it already exists]"}},
		},
		"the environment turns red": {
			scene: "up", code: 1, says: []string{`^branchenv: error: .*ELB processes are not healthy on all instances`, `^branchenv: hint: `},
			faults: []sandbox.Fault{{On: "create", Type: typeEnvironment, Kind: sandbox.Red}},
		},
		"the app fails though Beanstalk is ready": {
			scene: "up", code: 1, says: []string{`^branchenv: error: environment shop-topic is up but its health is red: 100\.0 % of the requests are failing with HTTP 5xx\.$`, `^branchenv: hint: look at the app's logs`},
			status: "incomplete", faults: []sandbox.Fault{{On: "call", Type: "elasticbeanstalk:DescribeEnvironmentHealth", Kind: sandbox.Red}},
		},
		"the update turns red": {
			scene: "update", code: 1, says: []string{`^branchenv: error: .*Failed to pull the image`, `^branchenv: hint: `},
			faults: []sandbox.Fault{{On: "update", Type: typeEnvironment, Kind: sandbox.Red, Error: "Failed to pull the image."}},
		},
		"the database fails": { // RDS lets nobody change a database in this state
			scene: "up", code: 1, first: []string{"destroy", "topic", "--yes"}, says: []string{`^branchenv: error: update stack topic: database: .*incompatible-parameters`, goesOn},
			faults: []sandbox.Fault{{On: "create", Type: typeDatabase, Kind: sandbox.Red}},
		},
		"the credentials expire": {
			scene: "up", code: 1, says: []string{`^branchenv: error: update stack topic: .*ExpiredToken`, `^branchenv: hint: renew the AWS credentials`},
			faults: []sandbox.Fault{{On: "create", Nth: 8, Times: -1, Kind: sandbox.Expired}},
		},
		"the credentials expire in a destroy": {
			scene: "destroy", code: 1, says: []string{`^branchenv: error: .*ExpiredToken`, `^branchenv: hint: the AWS credentials have expired: renew them`},
			faults: []sandbox.Fault{{On: "call", Type: "s3:ListObjectVersions", Times: -1, Kind: sandbox.Expired}},
		},
		"terminate is refused": {
			scene: "destroy", code: 1, says: []string{`^branchenv: error: destroy stack topic: environment: .*Must be Ready`, goesOn},
			faults: []sandbox.Fault{{On: "delete", Type: typeEnvironment, Kind: sandbox.Fail, Error: "InvalidParameterValue: Environment named shop-topic is in an invalid state for this operation. Must be Ready."}},
		},
		"a key cannot be deleted": {
			scene: "destroy", code: 1, says: []string{`^branchenv: error: .*assets/00/file-00000\.txt.*AccessDenied`, `^branchenv: hint: `},
			faults: []sandbox.Fault{{On: "call", Type: "s3:DeleteObjects", Name: "assets/00/file-00000.txt", Kind: sandbox.Fail}},
		},
		"deletes are throttled for a while": {
			scene: "destroy", code: 0,
			faults: []sandbox.Fault{{On: "call", Type: "s3:DeleteObjects", Times: 2, Kind: sandbox.Throttle}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func (test misfortune) run(t *testing.T) {
	s := scenes[test.scene]
	w := s.enter(t)
	w.faults(t, test.faults...)
	r := w.run(t, s.command...)
	if r.code != test.code {
		t.Errorf("exit code %d, want %d\n%s", r.code, test.code, r.err)
	}
	for _, want := range test.says {
		if !slices.ContainsFunc(strings.Split(r.err, "\n"), regexp.MustCompile(want).MatchString) {
			t.Errorf("no line %q in\n%s", want, r.err)
		}
	}
	if list := w.must(t, "list").out; test.status != "" && !strings.Contains(list, "  "+test.status+"  ") {
		t.Errorf("not %s:\n%s", test.status, list)
	}
	w.faults(t)
	if test.first != nil {
		w.must(t, test.first...)
	}
	w.must(t, s.command...)
	if diff := cmp.Diff(s.undisturbed(t), w.ending(t)); diff != "" {
		t.Errorf("-undisturbed +repeated\n%s", diff)
	}
}

// A database that never becomes available is given up after the timeout, and what is there can be removed.
func TestDatabaseNeverAvailable(t *testing.T) {
	t.Parallel()
	s := scenes["up"]
	w := s.enter(t)
	if os.Getenv(allPoints) == "" {
		t.Skipf("takes the shortest timeout that there is, a minute: set %s=all to run it", allPoints)
	}
	w.faults(t, sandbox.Fault{On: "create", Type: typeDatabase, Kind: sandbox.Hang})
	r := w.run(t, append(s.command, "--timeout", "1m")...)
	if want := "branchenv: error: update stack topic: database: creating RDS DB Instance (shop-topic): timeout while waiting"; r.code != 1 || !strings.Contains(r.err, want) {
		t.Errorf("exit code %d, want the error %q\n%s", r.code, want, r.err)
	}
	w.faults(t)
	w.must(t, s.undo...)
	if diff := cmp.Diff(nothing(t), w.ending(t)); diff != "" {
		t.Errorf("-before +after\n%s", diff)
	}
}

// serve serves the embedded AWS until the test ends, and returns its endpoint and the variables that lead there.
func (w *world) serve(t *testing.T) (endpoint string, variables map[string]string) {
	t.Helper()
	p := w.begin(t, "sandbox", "serve", "--json")
	var served struct {
		Endpoint  string
		Variables map[string]string
	}
	until(t, "the embedded AWS answers", func() bool { return json.Unmarshal([]byte(p.out.String()), &served) == nil })
	return served.Endpoint, served.Variables
}

// store is a client for the embedded AWS's buckets, as any tool is one.
func (w *world) store(t *testing.T) *s3.Client {
	t.Helper()
	endpoint, _ := w.serve(t)
	return storeAt(endpoint)
}

func storeAt(endpoint string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: &endpoint, UsePathStyle: true, Region: "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider("sandbox", "sandbox", ""),
	})
}

func (w *world) bucket(t *testing.T) string {
	t.Helper()
	var shown struct{ Bucket string }
	decode(t, []byte(w.must(t, "show", "topic", "--json").out), &shown)
	return shown.Bucket
}

// receipt is a destroy's receipt.
type receipt struct {
	Deleted, Remaining []any
	Objects            int
}

// A destroy empties a bucket of 10,000 versions, delete markers among them, and unfinished uploads.
func TestFullBucket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "environment")
	bucket := w.bucket(t)
	w.must(t, "sandbox", "fill", bucket, "--versions", "10000")
	client := w.store(t)
	for _, key := range []string{"a", "b", "c"} {
		_, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
		if err != nil {
			t.Fatal(err)
		}
	}
	var got receipt
	decode(t, []byte(w.must(t, "destroy", "topic", "--yes", "--json").out), &got)
	if got.Objects != 10_003 || len(got.Remaining) != 0 {
		t.Errorf("%d objects removed, want 10003; %v remain", got.Objects, got.Remaining)
	}
	if diff := cmp.Diff(nothing(t), w.ending(t)); diff != "" {
		t.Errorf("-before +after\n%s", diff)
	}
}

// A bucket that somebody else has removed is no obstacle.
func TestBucketGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "environment")
	bucket := w.bucket(t)
	if _, err := w.store(t).DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	var got receipt
	decode(t, []byte(w.must(t, "destroy", "topic", "--yes", "--json").out), &got)
	if got.Objects != 0 || len(got.Remaining) != 0 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(nothing(t), w.ending(t)); diff != "" {
		t.Errorf("-before +after\n%s", diff)
	}
}
