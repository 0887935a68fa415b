package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	tagtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/platforms"
	"github.com/branchenv/branchenv/internal/sandbox/sandboxtest"
	"github.com/branchenv/branchenv/internal/sandbox/services"
)

// sdk returns the configuration of the real SDK for a sandbox.
func sdk(t *testing.T, s *Server) awssdk.Config {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-central-1"), config.WithBaseEndpoint(s.Endpoint()),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("sandbox", "sandbox", "")), config.WithRetryMaxAttempts(1))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// served returns a running sandbox, and an engine for its provider.
func served(t *testing.T, o Options) (*Server, *sandboxtest.Engine) {
	t.Helper()
	o.Region = "eu-central-1"
	s := start(t, o)
	return s, sandboxtest.Over(t, s.p, s.cloud)
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestBeanstalkAPI(t *testing.T) {
	t.Parallel()
	s, c := served(t, Options{Quotas: map[string]int{"environments": 7}})
	c.Platform()
	id, _ := c.Create(platforms.TypeEnvironment, "env", sandboxtest.Environment("an-env", map[string]any{"tags": map[string]any{"branchenv:stack": "login"}}))
	api := elasticbeanstalk.NewFromConfig(sdk(t, s))
	ctx := t.Context()

	envs, err := api.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{"an-env"}})
	if err != nil || len(envs.Environments) != 1 {
		t.Fatalf("environments: %v, %v", envs, err)
	}
	e := envs.Environments[0]
	got := []string{*e.EnvironmentId, string(e.Status), string(e.Health), *e.VersionLabel, *e.ApplicationName, *e.SolutionStackName}
	if diff := cmp.Diff([]string{id, "Ready", "Green", "v1", "app", platforms.SolutionStacks()[0]}, got); diff != "" {
		t.Errorf("environment: -want +got\n%s", diff)
	}
	if e.DateCreated == nil || time.Since(*e.DateCreated) > time.Minute || !strings.HasSuffix(*e.CNAME, ".eu-central-1.elasticbeanstalk.com") {
		t.Errorf("created %v, cname %v", e.DateCreated, *e.CNAME)
	}
	first, err := api.DescribeEvents(ctx, &elasticbeanstalk.DescribeEventsInput{EnvironmentName: awssdk.String("an-env"), MaxRecords: awssdk.Int32(2)})
	if err != nil || len(first.Events) != 2 || first.NextToken == nil || *first.Events[0].Message != "Successfully launched environment: an-env" {
		t.Errorf("events: %v, %v", first, err)
	}
	rest, err := api.DescribeEvents(ctx, &elasticbeanstalk.DescribeEventsInput{EnvironmentName: awssdk.String("an-env"), NextToken: first.NextToken})
	if err != nil || len(rest.Events) != 3 || rest.NextToken != nil {
		t.Errorf("the rest of the events: %v, %v", rest, err)
	}
	health, err := api.DescribeEnvironmentHealth(ctx, &elasticbeanstalk.DescribeEnvironmentHealthInput{EnvironmentName: awssdk.String("an-env")})
	if err != nil || *health.Color != "Green" {
		t.Errorf("health: %v, %v", health, err)
	}
	tags, err := api.ListTagsForResource(ctx, &elasticbeanstalk.ListTagsForResourceInput{ResourceArn: e.EnvironmentArn})
	if err != nil || len(tags.ResourceTags) != 1 || *tags.ResourceTags[0].Value != "login" {
		t.Errorf("tags: %v, %v", tags, err)
	}
	attributes, err := api.DescribeAccountAttributes(ctx, &elasticbeanstalk.DescribeAccountAttributesInput{})
	if err != nil || *attributes.ResourceQuotas.EnvironmentQuota.Maximum != 7 || *attributes.ResourceQuotas.ApplicationVersionQuota.Maximum != 1000 {
		t.Errorf("quotas: %v, %v", attributes, err)
	}
	apps, err := api.DescribeApplications(ctx, &elasticbeanstalk.DescribeApplicationsInput{ApplicationNames: []string{"app", "nope"}})
	if err != nil || len(apps.Applications) != 1 {
		t.Errorf("applications: %v, %v", apps, err)
	}
	versions, err := api.DescribeApplicationVersions(ctx, &elasticbeanstalk.DescribeApplicationVersionsInput{ApplicationName: awssdk.String("app")})
	if err != nil || len(versions.ApplicationVersions) != 1 || *versions.ApplicationVersions[0].SourceBundle.S3Key != "v1.zip" {
		t.Errorf("versions: %v, %v", versions, err)
	}
	_, err = api.DeleteApplicationVersion(ctx, &elasticbeanstalk.DeleteApplicationVersionInput{ApplicationName: awssdk.String("app"), VersionLabel: awssdk.String("v1")})
	if codeOf(err) != "SourceBundleDeletionFailure" {
		t.Errorf("a version in use: %v", err)
	}
	if _, err := api.AbortEnvironmentUpdate(ctx, &elasticbeanstalk.AbortEnvironmentUpdateInput{EnvironmentName: awssdk.String("an-env")}); codeOf(err) != "InvalidParameterValue" {
		t.Errorf("nothing to abort: %v", err)
	}
	if _, err := api.TerminateEnvironment(ctx, &elasticbeanstalk.TerminateEnvironmentInput{EnvironmentName: awssdk.String("an-env")}); err != nil {
		t.Error(err)
	}
	envs, err = api.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentIds: []string{id}})
	if err != nil || len(envs.Environments) != 1 || envs.Environments[0].Status != "Terminated" {
		t.Errorf("after its end: %v, %v", envs, err)
	}
	if _, err := api.CreateEnvironment(ctx, &elasticbeanstalk.CreateEnvironmentInput{ApplicationName: awssdk.String("app")}); codeOf(err) != "InvalidAction" || !strings.Contains(err.Error(), "the sandbox does not know the action CreateEnvironment") {
		t.Errorf("an action that is not known: %v", err)
	}
}

// A running update can be aborted; the environment is ready afterwards.
func TestAbort(t *testing.T) {
	t.Parallel()
	s, c := served(t, Options{})
	c.Platform()
	id, _ := c.Create(platforms.TypeEnvironment, "env", sandboxtest.Environment("an-env", nil))
	err := s.cloud.Store.Do(func(tx *cloud.Tx) error {
		r, err := tx.Get(platforms.TypeEnvironment, id)
		if err != nil {
			return err
		}
		o := &cloud.Operation{Cloud: s.cloud, Tx: tx, Record: r}
		o.Schedule("Updating", time.Hour, "Ready", "Green")
		return tx.Put(r)
	})
	if err != nil {
		t.Fatal(err)
	}
	api := elasticbeanstalk.NewFromConfig(sdk(t, s))
	if _, err := api.AbortEnvironmentUpdate(t.Context(), &elasticbeanstalk.AbortEnvironmentUpdateInput{EnvironmentName: awssdk.String("an-env")}); err != nil {
		t.Fatal(err)
	}
	envs, err := api.DescribeEnvironments(t.Context(), &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentIds: []string{id}})
	if err != nil || envs.Environments[0].Status != "Ready" {
		t.Errorf("%v, %v", envs, err)
	}
}

func TestDatabaseAPI(t *testing.T) {
	t.Parallel()
	s, c := served(t, Options{})
	id, out := c.Create(services.TypeDatabase, "db", sandboxtest.Database("db", map[string]any{"tags": map[string]any{"a": "b"}}))
	api := rds.NewFromConfig(sdk(t, s))
	ctx := t.Context()
	got, err := api.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: awssdk.String("db")})
	if err != nil || len(got.DBInstances) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	db := got.DBInstances[0]
	if *db.DbiResourceId != id || *db.DBInstanceStatus != "available" || *db.EngineVersion != "16.10" || *db.Endpoint.Address != out["address"] ||
		*db.Endpoint.Port != 5432 || *db.TagList[0].Value != "b" || *db.AllocatedStorage != 20 {
		t.Errorf("%+v", db)
	}
	if _, err := api.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: awssdk.String("nope")}); codeOf(err) != "DBInstanceNotFound" {
		t.Errorf("an instance that is not there: %v", err)
	}
	if _, err := api.StopDBInstance(ctx, &rds.StopDBInstanceInput{DBInstanceIdentifier: awssdk.String("db")}); err != nil {
		t.Error(err)
	}
	if _, err := api.StopDBInstance(ctx, &rds.StopDBInstanceInput{DBInstanceIdentifier: awssdk.String("db")}); codeOf(err) != "InvalidDBInstanceState" {
		t.Errorf("stopped twice: %v", err)
	}
	if started, err := api.StartDBInstance(ctx, &rds.StartDBInstanceInput{DBInstanceIdentifier: awssdk.String("db")}); err != nil || *started.DBInstance.DBInstanceIdentifier != "db" {
		t.Errorf("%v, %v", started, err)
	}
	if _, err := api.DescribeDBSubnetGroups(ctx, &rds.DescribeDBSubnetGroupsInput{DBSubnetGroupName: awssdk.String("nope")}); codeOf(err) != "DBSubnetGroupNotFoundFault" {
		t.Errorf("a subnet group that is not there: %v", err)
	}
	if _, err := api.DescribeDBParameterGroups(ctx, &rds.DescribeDBParameterGroupsInput{DBParameterGroupName: awssdk.String("nope")}); codeOf(err) != "DBParameterGroupNotFound" {
		t.Errorf("a parameter group that is not there: %v", err)
	}
	c.Create(services.TypeSnapshot, "s", map[string]any{"dbInstanceIdentifier": "db", "dbSnapshotIdentifier": "snap"})
	snaps, err := api.DescribeDBSnapshots(ctx, &rds.DescribeDBSnapshotsInput{DBInstanceIdentifier: awssdk.String("db")})
	if err != nil || len(snaps.DBSnapshots) != 1 || *snaps.DBSnapshots[0].Status != "available" {
		t.Errorf("snapshots: %v, %v", snaps, err)
	}
}

func TestOtherAPIs(t *testing.T) {
	t.Parallel()
	s, c := served(t, Options{})
	cfg, ctx := sdk(t, s), t.Context()
	tags := map[string]any{"branchenv:project": "p"}

	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || *who.Account != cloud.Account {
		t.Errorf("sts: %v, %v", who, err)
	}

	c.Create(services.TypeSecurityGroup, "g", map[string]any{"name": "g", "tags": tags})
	c.Create(services.TypeRole, "role", map[string]any{"name": "role", "assumeRolePolicy": `{"Statement": []}`})
	c.Create(services.TypeRoleAttachment, "a", map[string]any{"role": "role", "policyArn": "arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier"})
	c.Create(services.TypeRolePolicy, "p", map[string]any{"role": "role", "name": "own", "policy": `{"Statement": []}`})
	c.Create(services.TypeInstanceProfile, "ip", map[string]any{"name": "profile", "role": "role"})
	access := iam.NewFromConfig(cfg)
	if role, err := access.GetRole(ctx, &iam.GetRoleInput{RoleName: awssdk.String("role")}); err != nil || *role.Role.Arn != "arn:aws:iam::"+cloud.Account+":role/role" {
		t.Errorf("role: %v, %v", role, err)
	}
	if _, err := access.GetRole(ctx, &iam.GetRoleInput{RoleName: awssdk.String("nope")}); codeOf(err) != "NoSuchEntity" {
		t.Errorf("a role that is not there: %v", err)
	}
	if attached, err := access.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: awssdk.String("role")}); err != nil || len(attached.AttachedPolicies) != 1 {
		t.Errorf("attached: %v, %v", attached, err)
	}
	if own, err := access.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: awssdk.String("role"), PolicyName: awssdk.String("own")}); err != nil || *own.PolicyName != "own" {
		t.Errorf("policy: %v, %v", own, err)
	}
	if profile, err := access.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: awssdk.String("profile")}); err != nil || len(profile.InstanceProfile.Roles) != 1 {
		t.Errorf("profile: %v, %v", profile, err)
	}

	secret, _ := c.Create(services.TypeSecret, "s", map[string]any{"name": "login/db", "tags": tags})
	c.Create(services.TypeSecretVersion, "v", map[string]any{"secretId": secret, "secretString": "hush"})
	secrets := secretsmanager.NewFromConfig(cfg)
	if got, err := secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: awssdk.String("login/db")}); err != nil || *got.ARN != secret || *got.Tags[0].Value != "p" {
		t.Errorf("secret: %v, %v", got, err)
	}
	if got, err := secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &secret}); err != nil || *got.SecretString != "hush" {
		t.Errorf("secret's value: %v, %v", got, err)
	}
	if _, err := secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: awssdk.String("nope")}); codeOf(err) != "ResourceNotFoundException" {
		t.Errorf("a secret that is not there: %v", err)
	}

	c.Create(services.TypeLogGroup, "l", map[string]any{"name": "/app/web", "retentionInDays": 7})
	logs, err := cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: awssdk.String("/app")})
	if err != nil || len(logs.LogGroups) != 1 || *logs.LogGroups[0].RetentionInDays != 7 {
		t.Errorf("log groups: %v, %v", logs, err)
	}
	if _, err := cloudwatchlogs.NewFromConfig(cfg).FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: awssdk.String("nope")}); codeOf(err) != "ResourceNotFoundException" {
		t.Errorf("a log group that is not there: %v", err)
	}

	cert, _ := c.Create(services.TypeCertificate, "c", map[string]any{"domainName": "*.example.com", "validationMethod": "DNS"})
	certificates := acm.NewFromConfig(cfg)
	if got, err := certificates.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &cert}); err != nil || got.Certificate.Status != "PENDING_VALIDATION" {
		t.Errorf("certificate: %v, %v", got, err)
	}
	if got, err := certificates.ListCertificates(ctx, &acm.ListCertificatesInput{}); err != nil || len(got.CertificateSummaryList) != 1 {
		t.Errorf("certificates: %v, %v", got, err)
	}

	found, err := resourcegroupstaggingapi.NewFromConfig(cfg).GetResources(ctx, &resourcegroupstaggingapi.GetResourcesInput{
		TagFilters: []tagtypes.TagFilter{{Key: awssdk.String("branchenv:project"), Values: []string{"p"}}},
	})
	if err != nil || len(found.ResourceTagMappingList) != 2 {
		t.Errorf("tagged: %v, %v", found, err)
	}
}

func TestBalancerAPI(t *testing.T) {
	t.Parallel()
	s, c := served(t, Options{Waits: &cloud.Waits{}, Quotas: map[string]int{"listener rules": 2}})
	lb, _ := c.Create(services.TypeBalancer, "lb", map[string]any{"name": "lb", "subnets": []any{"subnet-0a1b2c3d4e5f6071a", "subnet-0a1b2c3d4e5f6071b"}, "tags": map[string]any{"a": "b"}})
	listener, _ := c.Create(services.TypeListener, "l", map[string]any{"loadBalancerArn": lb, "port": 80, "defaultActions": []any{map[string]any{"type": "fixed-response"}}})
	rule := func(priority int) map[string]any {
		return map[string]any{
			"listenerArn": listener, "priority": priority, "actions": []any{map[string]any{"type": "fixed-response"}},
			"conditions": []any{map[string]any{"hostHeader": map[string]any{"values": []any{"a.example.com"}}}},
		}
	}
	ruleArn, _ := c.Create(services.TypeListenerRule, "r", rule(10))
	if _, _, err := c.TryCreate(services.TypeListenerRule, "r2", rule(10)); err == nil || !strings.Contains(err.Error(), "PriorityInUse") {
		t.Errorf("a priority twice: %v", err)
	}
	c.Create(services.TypeListenerRule, "r2", rule(11))
	if _, _, err := c.TryCreate(services.TypeListenerRule, "r3", rule(12)); err == nil || !strings.Contains(err.Error(), "TooManyRules") {
		t.Errorf("too many rules: %v", err)
	}
	api, ctx := elasticloadbalancingv2.NewFromConfig(sdk(t, s)), t.Context()
	balancers, err := api.DescribeLoadBalancers(ctx, &elasticloadbalancingv2.DescribeLoadBalancersInput{Names: []string{"lb"}})
	if err != nil || len(balancers.LoadBalancers) != 1 || balancers.LoadBalancers[0].State.Code != "active" {
		t.Errorf("balancers: %v, %v", balancers, err)
	}
	if _, err := api.DescribeLoadBalancers(ctx, &elasticloadbalancingv2.DescribeLoadBalancersInput{Names: []string{"nope"}}); codeOf(err) != "LoadBalancerNotFound" {
		t.Errorf("a balancer that is not there: %v", err)
	}
	listeners, err := api.DescribeListeners(ctx, &elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: &lb})
	if err != nil || len(listeners.Listeners) != 1 || *listeners.Listeners[0].Port != 80 {
		t.Errorf("listeners: %v, %v", listeners, err)
	}
	rules, err := api.DescribeRules(ctx, &elasticloadbalancingv2.DescribeRulesInput{RuleArns: []string{ruleArn}})
	if err != nil || len(rules.Rules) != 1 || rules.Rules[0].Conditions[0].Values[0] != "a.example.com" {
		t.Errorf("rules: %v, %v", rules, err)
	}
	tags, err := api.DescribeTags(ctx, &elasticloadbalancingv2.DescribeTagsInput{ResourceArns: []string{lb}})
	if err != nil || *tags.TagDescriptions[0].Tags[0].Value != "b" {
		t.Errorf("tags: %v, %v", tags, err)
	}
}

func TestRoute53API(t *testing.T) {
	t.Parallel()
	s, c := served(t, Options{})
	api, ctx := route53.NewFromConfig(sdk(t, s)), t.Context()
	zones, err := api.ListHostedZonesByName(ctx, &route53.ListHostedZonesByNameInput{DNSName: awssdk.String("example.com")})
	if err != nil || len(zones.HostedZones) != 1 || *zones.HostedZones[0].Name != "example.com." {
		t.Fatalf("zones: %v, %v", zones, err)
	}
	zone := strings.TrimPrefix(*zones.HostedZones[0].Id, "/hostedzone/")
	for _, name := range []string{"b", "a", "*"} {
		c.Create(services.TypeRecord, name, map[string]any{"zoneId": zone, "name": name, "type": "CNAME", "ttl": 60, "records": []any{"x.example.com"}})
	}
	c.Create(services.TypeRecord, "alias", map[string]any{"zoneId": zone, "name": "c", "type": "A", "aliases": []any{map[string]any{"name": "lb.example.com", "zoneId": services.BalancerZone, "evaluateTargetHealth": false}}})
	var names []string
	in := &route53.ListResourceRecordSetsInput{HostedZoneId: &zone, MaxItems: awssdk.Int32(3)}
	for {
		out, err := api.ListResourceRecordSets(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.ResourceRecordSets {
			names = append(names, *r.Name)
		}
		if !out.IsTruncated {
			break
		}
		in.StartRecordName, in.StartRecordType = out.NextRecordName, out.NextRecordType
	}
	if diff := cmp.Diff([]string{`\052.example.com.`, "a.example.com.", "b.example.com.", "c.example.com."}, names); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if _, err := api.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{HostedZoneId: awssdk.String("ZNOPE")}); codeOf(err) != "NoSuchHostedZone" {
		t.Errorf("a zone that is not there: %v", err)
	}
}

func TestCallFaults(t *testing.T) {
	t.Parallel()
	s, c := served(t, Options{Faults: []cloud.Fault{
		{On: "call", Type: "rds:DescribeDBInstances", Kind: cloud.Throttle},
		{On: "call", Type: "s3:ListObjectVersions", Kind: cloud.Throttle},
		{On: "call", Type: "sts:*", Kind: cloud.Expired, Times: -1},
		{On: "call", Type: "s3:DeleteObjects", Name: "locked*", Kind: cloud.Fail},
	}})
	c.Create(services.TypeBucket, "b", map[string]any{"bucket": "bucket"})
	cfg, ctx := sdk(t, s), t.Context()
	for _, want := range []string{"Throttling", "<nil>"} {
		if _, err := rds.NewFromConfig(cfg).DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{}); codeOf(err) != want {
			t.Errorf("rds: got %v, want %s", err, want)
		}
	}
	if _, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); codeOf(err) != "ExpiredToken" {
		t.Errorf("sts: %v", err)
	}
	api := s3.NewFromConfig(cfg)
	for _, want := range []string{"SlowDown", "<nil>"} {
		if _, err := api.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: awssdk.String("bucket")}); codeOf(err) != want {
			t.Errorf("s3: got %v, want %s", err, want)
		}
	}
	out, err := api.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: awssdk.String("bucket"), Delete: &s3types.Delete{Objects: []s3types.ObjectIdentifier{
		{Key: awssdk.String("locked-1"), VersionId: awssdk.String("x")}, {Key: awssdk.String("free")},
	}}})
	if err != nil || len(out.Errors) != 1 || *out.Errors[0].Key != "locked-1" || *out.Errors[0].VersionId != "x" || *out.Errors[0].Code != "AccessDenied" || len(out.Deleted) != 1 {
		t.Errorf("deletion: %+v, %v", out, err)
	}
}

func TestS3API(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := served(t, Options{Dir: dir})
	other, _ := served(t, Options{Dir: dir}) // as another process would serve it
	api, second, ctx := s3.NewFromConfig(sdk(t, s)), s3.NewFromConfig(sdk(t, other)), t.Context()
	bucket := awssdk.String("bucket")
	if _, err := api.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-central-1"}}); err != nil {
		t.Fatal(err)
	}
	put := func(key, body string) string {
		t.Helper()
		out, err := api.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(body), ContentType: awssdk.String("text/plain")})
		if err != nil {
			t.Fatal(err)
		}
		return awssdk.ToString(out.VersionId)
	}
	if v := put("before", "versioning"); v != "" {
		t.Errorf("a version %q without versioning", v)
	}
	if _, err := api.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: "Enabled"}}); err != nil {
		t.Fatal(err)
	}
	first := put("dir/key", "one")
	put("dir/key", "two")
	put("before", "again")
	if _, err := second.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: awssdk.String("dir/key")}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: awssdk.String("dir/key")}); codeOf(err) != "NoSuchKey" {
		t.Errorf("a deleted object: %v", err)
	}
	old, err := second.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: awssdk.String("dir/key"), VersionId: &first})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(old.Body); err != nil || string(body) != "one" || *old.ContentType != "text/plain" {
		t.Errorf("the first version: %q, %v", body, err)
	}
	if head, err := api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: awssdk.String("dir/key"), VersionId: &first}); err != nil || *head.ContentLength != 3 {
		t.Errorf("head of a version: %v, %v", head, err)
	}
	wantListed(t, second, bucket, "", []string{"before", "before null", "-dir/key", "dir/key", "dir/key"})

	// Contents that are too large for the log, with the checksums and chunks that the SDK sends.
	large := make([]byte, 300_000)
	rand.Read(large)
	if _, err := api.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: awssdk.String("large"), Body: bytes.NewReader(large)}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: awssdk.String("copy of it"), CopySource: awssdk.String("bucket/large")}); err != nil {
		t.Fatal(err)
	}
	copied, err := second.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: awssdk.String("copy of it"), Range: awssdk.String("bytes=1000-200999")})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(copied.Body); err != nil || !bytes.Equal(body, large[1000:201000]) {
		t.Errorf("the range of a copy: %d bytes, %v", len(body), err)
	}

	multipart(t, api, second, bucket, large)
	if _, err := api.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket}); codeOf(err) != "BucketNotEmpty" {
		t.Errorf("a bucket that is not empty: %v", err)
	}
	emptyBucket(t, api, bucket)
	wantListed(t, second, bucket, "", nil)
	if _, err := second.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bucket}); codeOf(err) != "NotFound" {
		t.Errorf("a bucket that is gone: %v", err)
	}
	// A new bucket of the same name is empty.
	if _, err := second.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	wantListed(t, api, bucket, "", nil)
}

// wantListed compares the listed versions, in pages of 2. Each is its key, with "null" for the null version and "-" for a
// delete marker.
func wantListed(t *testing.T, api *s3.Client, bucket *string, prefix string, want []string) {
	t.Helper()
	var got []string
	pages := s3.NewListObjectVersionsPaginator(api, &s3.ListObjectVersionsInput{Bucket: bucket, Prefix: &prefix, MaxKeys: awssdk.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.DeleteMarkers {
			got = append(got, "-"+*m.Key)
		}
		for _, v := range page.Versions {
			name := *v.Key
			if *v.VersionId == "null" {
				name += " null"
			}
			got = append(got, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("versions: -want +got\n%s", diff)
	}
}

// multipart leaves one upload unfinished, aborts another and completes a third.
func multipart(t *testing.T, api, second *s3.Client, bucket *string, content []byte) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	begin := func(key string) *string {
		t.Helper()
		out, err := api.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		return out.UploadId
	}
	begin("unfinished")
	aborted, done := begin("aborted"), begin("done")
	uploads, err := second.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: bucket})
	if err != nil || len(uploads.Uploads) != 3 {
		t.Fatalf("uploads: %v, %v", uploads, err)
	}
	if _, err := second.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: awssdk.String("aborted"), UploadId: aborted}); err != nil {
		t.Error(err)
	}
	var parts []s3types.CompletedPart
	for i, half := range [][]byte{content[:150_000], content[150_000:]} {
		number := awssdk.Int32(int32(i + 1))
		out, err := api.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: awssdk.String("done"), UploadId: done, PartNumber: number, Body: bytes.NewReader(half)})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, s3types.CompletedPart{PartNumber: number, ETag: out.ETag})
	}
	if _, err := second.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: awssdk.String("done"), UploadId: done, MultipartUpload: &s3types.CompletedMultipartUpload{Parts: parts}}); err != nil {
		t.Fatal(err)
	}
	got, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: awssdk.String("done")})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(got.Body); err != nil || !bytes.Equal(body, content) {
		t.Errorf("the whole: %d bytes, %v", len(body), err)
	}
	if uploads, err = api.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: bucket}); err != nil || len(uploads.Uploads) != 1 || *uploads.Uploads[0].Key != "unfinished" {
		t.Errorf("uploads left: %v, %v", uploads, err)
	}
}

// emptyBucket deletes page by page, as branchenv does.
func emptyBucket(t *testing.T, api *s3.Client, bucket *string) {
	t.Helper()
	pages := s3.NewListObjectVersionsPaginator(api, &s3.ListObjectVersionsInput{Bucket: bucket, MaxKeys: awssdk.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var ids []s3types.ObjectIdentifier
		for _, v := range page.Versions {
			ids = append(ids, s3types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, m := range page.DeleteMarkers {
			ids = append(ids, s3types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
		out, err := api.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: bucket, Delete: &s3types.Delete{Objects: ids, Quiet: awssdk.Bool(true)}})
		if err != nil || len(out.Errors) > 0 {
			t.Fatalf("%v, %v", out, err)
		}
	}
}
