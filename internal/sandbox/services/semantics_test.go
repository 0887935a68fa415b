package services_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/platforms"
	"github.com/branchenv/branchenv/internal/sandbox/sandboxtest"
	"github.com/branchenv/branchenv/internal/sandbox/services"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// AWS refuses to create these resources.
func TestCreateRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, typ string
		inputs    map[string]any
		want      string
	}{
		{"bucket taken", services.TypeBucket, map[string]any{"bucket": "versions"}, "BucketAlreadyOwnedByYou"},
		{"environment taken", platforms.TypeEnvironment, sandboxtest.Environment("there", nil), "InvalidParameterValue: Environment there already exists."},
		{"application taken", platforms.TypeApplication, map[string]any{"name": "app"}, "Application app already exists."},
		{"version taken", platforms.TypeApplicationVersion, map[string]any{"name": "v1", "application": "app", "bucket": "versions", "key": "v1.zip"}, "Application Version v1 already exists."},
		{"database taken", services.TypeDatabase, sandboxtest.Database("there", nil), "DBInstanceAlreadyExists: DB instance already exists"},
		{"secret taken", services.TypeSecret, map[string]any{"name": "there"}, "ResourceExistsException"},
		{"role taken", services.TypeRole, map[string]any{"name": "role", "assumeRolePolicy": `{"Statement": []}`}, "EntityAlreadyExists: Role with name role already exists."},
		{"log group taken", services.TypeLogGroup, map[string]any{"name": "there"}, "ResourceAlreadyExistsException"},
		{"group taken", services.TypeSecurityGroup, map[string]any{"name": "there"}, "InvalidGroup.Duplicate: The security group 'there' already exists for VPC"},
		{"no application", platforms.TypeEnvironment, sandboxtest.Environment("fresh", map[string]any{"application": "nope"}), "No Application named 'nope' found."},
		{"no version", platforms.TypeEnvironment, sandboxtest.Environment("fresh", map[string]any{"version": "nope"}), "No Application Version named 'nope' found."},
		{"no platform", platforms.TypeEnvironment, sandboxtest.Environment("fresh", map[string]any{"solutionStackName": "64bit Amazon Linux 2023 v0.0.0 running Docker"}), "No Solution Stack named"},
		{"no profile", platforms.TypeEnvironment, sandboxtest.Environment("fresh", map[string]any{"settings": []any{}}), "must have instance profile associated"},
		{"wrong profile", platforms.TypeEnvironment, sandboxtest.Environment("fresh", map[string]any{"settings": []any{sandboxtest.Option("aws:autoscaling:launchconfiguration", "IamInstanceProfile", "nope")}}), "instance profile nope associated with the environment does not exist"},
		{"no bundle", platforms.TypeApplicationVersion, map[string]any{"name": "v2", "application": "app", "bucket": "versions", "key": "nope.zip"}, "Unable to download from S3 location"},
		{"no snapshot", services.TypeDatabase, sandboxtest.Database("fresh", map[string]any{"snapshotIdentifier": "nope"}), "DBSnapshotNotFound: DBSnapshot not found: nope"},
		{"no subnet group", services.TypeDatabase, sandboxtest.Database("fresh", map[string]any{"dbSubnetGroupName": "nope"}), "DBSubnetGroupNotFoundFault"},
		{"no engine version", services.TypeDatabase, sandboxtest.Database("fresh", map[string]any{"engineVersion": "4"}), "Cannot find version 4 for postgres"},
		{"no password", services.TypeDatabase, sandboxtest.Database("fresh", map[string]any{"password": nil}), "MasterUserPassword must be provided"},
		{"no role", services.TypeInstanceProfile, map[string]any{"name": "fresh", "role": "nope"}, "NoSuchEntity"},
		{"no zone", services.TypeRecord, map[string]any{"zoneId": "ZNOPE", "name": "a", "type": "A", "ttl": 60, "records": []any{"192.0.2.1"}}, "NoSuchHostedZone"},
		{"no bucket", services.TypeBucketVersioning, map[string]any{"bucket": "nope", "versioningConfiguration": map[string]any{"status": "Enabled"}}, "NoSuchBucket"},
		{"one zone only", services.TypeSubnetGroup, map[string]any{"name": "fresh", "subnetIds": []any{"subnet-0a1b2c3d4e5f6071a"}}, "DBSubnetGroupDoesNotCoverEnoughAZs"},
		{"policy not JSON", services.TypeRole, map[string]any{"name": "fresh", "assumeRolePolicy": "{"}, "contains an invalid JSON policy"},
	}
	c := sandboxtest.New(t, cloud.Config{})
	c.Platform()
	c.Create(platforms.TypeEnvironment, "there", sandboxtest.Environment("there", nil))
	c.Create(services.TypeDatabase, "there", sandboxtest.Database("there", nil))
	c.Create(services.TypeSecret, "there", map[string]any{"name": "there"})
	c.Create(services.TypeLogGroup, "there", map[string]any{"name": "there"})
	c.Create(services.TypeSecurityGroup, "there", map[string]any{"name": "there"})
	before, err := c.Cloud.Resources()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		_, _, err := c.TryCreate(test.typ, "x", test.inputs)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q in it", test.name, err, test.want)
		}
	}
	after, err := c.Cloud.Resources()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("a refused create left something behind: -before +after\n%s", diff)
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{})
	zone, err := c.Invoke("aws:route53/getZone:getZone", map[string]any{"name": "preview.example.com", "privateZone": false})
	if err != nil {
		t.Fatal(err)
	}
	record := func(name, typ string, overwrite bool) map[string]any {
		return map[string]any{"zoneId": zone["zoneId"], "name": name, "type": typ, "ttl": 60, "records": []any{"x.example.com"}, "allowOverwrite": overwrite}
	}
	id, out := c.Create(services.TypeRecord, "a", record("login", "CNAME", false))
	if want := value.Text(zone["zoneId"]) + "_login.preview.example.com_CNAME"; id != want || out["fqdn"] != "login.preview.example.com" {
		t.Errorf("got %s %v, want %s", id, out["fqdn"], want)
	}
	if _, _, err := c.TryCreate(services.TypeRecord, "b", record("login.preview.example.com", "CNAME", false)); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("a record was taken over: %v", err)
	}
	if _, _, err := c.TryCreate(services.TypeRecord, "b", record("login", "A", false)); err == nil || !strings.Contains(err.Error(), "conflicting RRSet") {
		t.Errorf("an address beside a CNAME: %v", err)
	}
	if _, _, err := c.TryCreate(services.TypeRecord, "b", record("login", "CNAME", true)); err != nil {
		t.Errorf("with allowOverwrite: %v", err)
	}
	if got, _ := c.Read(services.TypeRecord, id); got != id {
		t.Errorf("read by id: %q", got)
	}
	if err := c.Remove(services.TypeRecord, id, nil); err != nil {
		t.Error(err)
	}
	if got, _ := c.Read(services.TypeRecord, id); got != "" {
		t.Errorf("after its deletion: %q", got)
	}
}

func TestBucketDeletion(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{})
	id, out := c.Create(services.TypeBucket, "assets", map[string]any{"bucket": "assets"})
	c.Create(services.TypeBucketVersioning, "v", map[string]any{"bucket": id, "versioningConfiguration": map[string]any{"status": "Enabled"}})
	for range 3 {
		if _, err := c.Cloud.S3.PutObject("assets", "key", nil, strings.NewReader("content"), 7, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Cloud.S3.DeleteObject("assets", "key"); err != nil {
		t.Fatal(err)
	}
	err := c.Remove(services.TypeBucket, id, out)
	if err == nil || !strings.Contains(err.Error(), "BucketNotEmpty") {
		t.Fatalf("a bucket that is not empty: %v", err)
	}
	out["forceDestroy"] = true
	if err := c.Remove(services.TypeBucket, id, out); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Cloud.S3.HeadObject("assets", "key"); !gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchBucket) {
		t.Errorf("the bucket is still there: %v", err)
	}
	if got, _ := c.Read(services.TypeBucketVersioning, id); got != "" {
		t.Error("the versioning of a bucket that is gone is still there")
	}
	if err := c.Remove(services.TypeBucket, id, out); err != nil {
		t.Errorf("a bucket that is gone: %v", err)
	}
}

func TestDatabaseDeletion(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{})
	id, out := c.Create(services.TypeDatabase, "db", sandboxtest.Database("db", map[string]any{"deletionProtection": true, "skipFinalSnapshot": false}))
	if err := c.Remove(services.TypeDatabase, id, out); err == nil || !strings.Contains(err.Error(), "Cannot delete protected DB Instance") {
		t.Errorf("protected: %v", err)
	}
	in, _ := c.Check(services.TypeDatabase, "db", sandboxtest.Database("db", map[string]any{"deletionProtection": false, "skipFinalSnapshot": false}), nil)
	res, err := c.Provider.Update(t.Context(), &pulumirpc.UpdateRequest{Urn: sandboxtest.URN(services.TypeDatabase, "db"), Id: id, News: in, Olds: sandboxtest.Props(t, out)})
	if err != nil {
		t.Fatal(err)
	}
	out = sandboxtest.Values(t, res.GetProperties())
	if err := c.Remove(services.TypeDatabase, id, out); err == nil || !strings.Contains(err.Error(), "final_snapshot_identifier is required") {
		t.Errorf("without a final snapshot: %v", err)
	}
	out["finalSnapshotIdentifier"] = "db-final"
	if err := c.Remove(services.TypeDatabase, id, out); err != nil {
		t.Fatal(err)
	}
	got, err := c.Invoke("aws:rds/getSnapshot:getSnapshot", map[string]any{"dbInstanceIdentifier": "db", "mostRecent": true})
	if err != nil || got["dbSnapshotIdentifier"] != "db-final" || got["engineVersion"] != "16.10" {
		t.Errorf("final snapshot: %v, %v", got, err)
	}
	_, restored := c.Create(services.TypeDatabase, "again", map[string]any{"identifier": "again", "instanceClass": "db.t4g.micro", "snapshotIdentifier": "db-final", "skipFinalSnapshot": true})
	if restored["engine"] != "postgres" || restored["allocatedStorage"] != 20.0 || restored["username"] != "app" {
		t.Errorf("restored: %v", restored)
	}
}

// A resource that is in use cannot be deleted.
func TestInUse(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{})
	c.Platform()
	group, _ := c.Create(services.TypeSecurityGroup, "app", map[string]any{"name": "app"})
	other, _ := c.Create(services.TypeSecurityGroup, "db", map[string]any{"name": "db"})
	subnets, err := c.Invoke("aws:ec2/getSubnets:getSubnets", nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Create(services.TypeSubnetGroup, "sg", map[string]any{"name": "sg", "subnetIds": subnets["ids"]})
	db, dbOut := c.Create(services.TypeDatabase, "db", sandboxtest.Database("db", map[string]any{"vpcSecurityGroupIds": []any{other}, "dbSubnetGroupName": "sg"}))
	rule, _ := c.Create(services.TypeSecurityGroupRule, "r", map[string]any{
		"securityGroupId": other, "sourceSecurityGroupId": group, "type": "ingress", "protocol": "tcp", "fromPort": 5432, "toPort": 5432,
	})
	if got, _ := c.Read(services.TypeSecurityGroupRule, other+"_ingress_tcp_5432_5432_"+group); got != rule {
		t.Errorf("rule by what it is imported by: %q, want %q", got, rule)
	}
	env, _ := c.Create(platforms.TypeEnvironment, "env", sandboxtest.Environment("an-env", map[string]any{"settings": []any{
		sandboxtest.Option("aws:autoscaling:launchconfiguration", "IamInstanceProfile", "profile"),
		sandboxtest.Option("aws:autoscaling:launchconfiguration", "SecurityGroups", group),
	}}))
	steps := []struct{ typ, id, refused string }{
		{platforms.TypeApplication, "app", "running environments"},
		{platforms.TypeApplicationVersion, "app/v1", "in use by environment an-env"},
		{services.TypeSecurityGroup, group, "DependencyViolation"},
		{services.TypeSecurityGroup, other, "DependencyViolation"},
		{services.TypeSubnetGroup, "sg", "is still using it"},
		{services.TypeRole, "role", "DeleteConflict"},
		{platforms.TypeEnvironment, env, ""},
		{services.TypeSecurityGroup, group, "DependencyViolation"}, // the other group's rule uses it
		{services.TypeSecurityGroupRule, rule, ""},
		{services.TypeSecurityGroup, group, ""},
		{platforms.TypeApplicationVersion, "app/v1", ""},
		{services.TypeDatabase, db, ""},
		{services.TypeSecurityGroup, other, ""},
		{services.TypeSubnetGroup, "sg", ""},
		{services.TypeInstanceProfile, "profile", ""},
		{services.TypeRole, "role", ""},
		{platforms.TypeApplication, "app", ""},
	}
	for i, s := range steps {
		state := map[string]any{"waitForReadyTimeout": "20m"}
		if s.typ == services.TypeDatabase {
			state = dbOut
		}
		err := c.Remove(s.typ, s.id, state)
		if s.refused == "" && err != nil || s.refused != "" && (err == nil || !strings.Contains(err.Error(), s.refused)) {
			t.Errorf("step %d, %s: got %v, want %q", i, s.typ, err, s.refused)
		}
	}
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{Quotas: map[string]int{"environments": 1, "databases": 1}})
	c.Platform()
	env, envOut := c.Create(platforms.TypeEnvironment, "one", sandboxtest.Environment("one-env", nil))
	if _, _, err := c.TryCreate(platforms.TypeEnvironment, "two", sandboxtest.Environment("two-env", nil)); err == nil || !strings.Contains(err.Error(), "TooManyEnvironmentsException") {
		t.Errorf("environments: %v", err)
	}
	if err := c.Remove(platforms.TypeEnvironment, env, envOut); err != nil {
		t.Fatal(err)
	}
	c.Create(platforms.TypeEnvironment, "two", sandboxtest.Environment("two-env", nil)) // a terminated environment does not count
	c.Create(services.TypeDatabase, "one", sandboxtest.Database("one", nil))
	if _, _, err := c.TryCreate(services.TypeDatabase, "two", sandboxtest.Database("two", nil)); err == nil || !strings.Contains(err.Error(), "InstanceQuotaExceeded") {
		t.Errorf("databases: %v", err)
	}
}

// A certificate is issued only if its validation records exist.
func TestCertificate(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{})
	arn, cert := c.Create(services.TypeCertificate, "c", map[string]any{"domainName": "*.preview.example.com", "validationMethod": "DNS"})
	validate := map[string]any{"certificateArn": arn}
	res, err := c.Provider.Create(t.Context(), &pulumirpc.CreateRequest{Urn: sandboxtest.URN(services.TypeCertificateValidation, "v"), Properties: sandboxtest.Props(t, validate), Timeout: 0.05})
	if err == nil {
		t.Fatalf("validated without a record: %v", res)
	}
	zone, err := c.Invoke("aws:route53/getZone:getZone", map[string]any{"name": "preview.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	option := value.ObjectOf(value.List(cert["domainValidationOptions"])[0])
	c.Create(services.TypeRecord, "r", map[string]any{
		"zoneId": zone["zoneId"], "name": option["resourceRecordName"], "type": option["resourceRecordType"], "ttl": 60,
		"records": []any{option["resourceRecordValue"]},
	})
	c.Create(services.TypeCertificateValidation, "v", validate)
	got, err := c.Invoke("aws:acm/getCertificate:getCertificate", map[string]any{"domain": "*.preview.example.com"})
	if err != nil || got["arn"] != arn {
		t.Errorf("after the validation: %v, %v", got, err)
	}
}

// An operation goes on without the process that began it, and other processes see it.
func TestWaitsSeenByOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := sandboxtest.New(t, cloud.Config{Dir: dir, Waits: cloud.Waits{Environment: time.Hour}})
	c.Platform()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in, _ := c.Check(platforms.TypeEnvironment, "env", sandboxtest.Environment("an-env", nil), nil)
	if _, err := c.Provider.Create(ctx, &pulumirpc.CreateRequest{Urn: sandboxtest.URN(platforms.TypeEnvironment, "env"), Properties: in}); err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Fatalf("a cancelled wait: %v", err)
	}
	other := sandboxtest.New(t, cloud.Config{Dir: dir})
	clock := time.Now()
	other.Cloud.Store.Now = func() time.Time { return clock }
	id, _ := other.Read(platforms.TypeEnvironment, "an-env")
	status := func() string {
		var r *cloud.Record
		if err := other.Cloud.Store.Do(func(tx *cloud.Tx) (err error) { r, err = tx.Get(platforms.TypeEnvironment, id); return err }); err != nil || r == nil {
			t.Fatalf("the environment is gone: %v", err)
		}
		return r.Status + " " + r.Health
	}
	if got := status(); got != "Launching Grey" {
		t.Errorf("at once: %s", got)
	}
	state := map[string]any{"waitForReadyTimeout": "20m"}
	if err := other.Remove(platforms.TypeEnvironment, id, state); err == nil || !strings.Contains(err.Error(), "Must be Ready") {
		t.Errorf("a termination while it is pending: %v", err)
	}
	clock = clock.Add(time.Hour + time.Minute)
	if got := status(); got != "Ready Green" {
		t.Errorf("an hour later: %s", got)
	}
	if err := other.Remove(platforms.TypeEnvironment, id, state); err != nil {
		t.Fatal(err)
	}
	if got := status(); got != "Terminated Grey" {
		t.Errorf("after its termination: %s", got)
	}
	if got, _ := other.Read(platforms.TypeEnvironment, id); got != "" {
		t.Error("a terminated environment is read as if it existed")
	}
	clock = clock.Add(platforms.TerminatedVisible + time.Minute)
	if err := other.Cloud.Store.Do(func(tx *cloud.Tx) error {
		r, err := tx.Get(platforms.TypeEnvironment, id)
		if r != nil {
			t.Error("a terminated environment is visible for ever")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestLookups(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{})
	tests := []struct {
		token string
		args  map[string]any
		key   string
		want  any // if key is "", a part of the error
	}{
		{"aws:ec2/getVpc:getVpc", map[string]any{"default": true}, "id", services.DefaultVPC},
		{"aws:ec2/getVpc:getVpc", map[string]any{"id": "vpc-nope"}, "", "no matching EC2 VPC found"},
		{"aws:ec2/getSubnets:getSubnets", map[string]any{"filters": []any{map[string]any{"name": "vpc-id", "values": []any{services.DefaultVPC}}, map[string]any{"name": "default-for-az", "values": []any{"true"}}}},
			"ids", []any{"subnet-0a1b2c3d4e5f6071a", "subnet-0a1b2c3d4e5f6071b", "subnet-0a1b2c3d4e5f6071c"}},
		{"aws:ec2/getSubnets:getSubnets", map[string]any{"filters": []any{map[string]any{"name": "vpc-id", "values": []any{"vpc-nope"}}}}, "ids", []any{}},
		{"aws:ec2/getSubnet:getSubnet", map[string]any{"id": "subnet-0a1b2c3d4e5f6071b"}, "availabilityZone", "eu-central-1b"},
		{"aws:elasticbeanstalk/getSolutionStack:getSolutionStack", map[string]any{"nameRegex": `^64bit Amazon Linux 2023 v[0-9.]+ running Docker$`, "mostRecent": true}, "name", platforms.SolutionStacks()[0]},
		{"aws:elasticbeanstalk/getSolutionStack:getSolutionStack", map[string]any{"nameRegex": "Fortran"}, "", "returned no results"},
		{"aws:route53/getZone:getZone", map[string]any{"name": "com"}, "", "no matching Route 53 Hosted Zone found"},
		{"aws:rds/getSnapshot:getSnapshot", map[string]any{"dbInstanceIdentifier": "nope"}, "", "returned no results"},
		{"aws:index/getCallerIdentity:getCallerIdentity", nil, "accountId", cloud.Account},
		{"aws:index/getRegion:getRegion", nil, "name", "eu-central-1"},
		{"aws:ec2/getVpc:getVpc", map[string]any{"defualt": true}, "", `unknown property "defualt", did you mean "default"?`},
		{"aws:ec2/getAmi:getAmi", nil, "", "the sandbox does not know the function aws:ec2/getAmi:getAmi"},
	}
	for _, test := range tests {
		got, err := c.Invoke(test.token, test.args)
		if test.key == "" {
			if err == nil || !strings.Contains(err.Error(), test.want.(string)) {
				t.Errorf("%s %v: got %v, want %q", test.token, test.args, err, test.want)
			}
			continue
		}
		if diff := cmp.Diff(test.want, got[test.key]); err != nil || diff != "" {
			t.Errorf("%s %v: %v, -want +got\n%s", test.token, test.args, err, diff)
		}
	}
}

// A resource that was deleted through S3's API is gone.
func TestDeletedThroughAPI(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{})
	exist := func() (names []string) {
		t.Helper()
		all, err := c.Cloud.Resources()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			names = append(names, r.Name)
		}
		return names
	}
	c.Create(services.TypeBucket, "b", map[string]any{"bucket": "a-bucket"})
	id, _ := c.Create(services.TypeObject, "o", map[string]any{"bucket": "a-bucket", "key": "k", "content": "text"})
	before := exist()
	if _, err := c.Cloud.S3.DeleteObject("a-bucket", "k"); err != nil {
		t.Fatal(err)
	}
	if got := exist(); len(got) != len(before)-1 || slices.Contains(got, "a-bucket/k") {
		t.Errorf("after the object was deleted: %q, before %q", got, before)
	}
	if id, _ := c.Read(services.TypeObject, id); id != "" {
		t.Errorf("the engine still finds object %s", id)
	}
	if err := c.Cloud.S3.DeleteBucket("a-bucket"); err != nil {
		t.Fatal(err)
	}
	if got := exist(); len(got) != len(before)-2 {
		t.Errorf("after the bucket was deleted: %q, before %q", got, before)
	}
}

// A refresh keeps the values in the state of inputs that AWS does not return; an import has none. An environment without a
// waitForReadyTimeout in its state cannot be deleted, as with the real provider.
func TestUnseen(t *testing.T) {
	t.Parallel()
	c := sandboxtest.New(t, cloud.Config{})
	c.Platform()
	id, made := c.Create(platforms.TypeEnvironment, "env", sandboxtest.Environment("an-env", map[string]any{"waitForReadyTimeout": "45m"}))
	refresh := func(typ, id string, state map[string]any) map[string]any {
		t.Helper()
		res, err := c.Provider.Read(t.Context(), &pulumirpc.ReadRequest{Urn: sandboxtest.URN(typ, "x"), Id: id, Properties: sandboxtest.Props(t, state), Inputs: sandboxtest.Props(t, state)})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sandboxtest.Values(t, res.GetProperties())["waitForReadyTimeout"], sandboxtest.Values(t, res.GetInputs())["waitForReadyTimeout"]); diff != "" {
			t.Errorf("-output +input\n%s", diff)
		}
		return sandboxtest.Values(t, res.GetProperties())
	}
	if got := refresh(platforms.TypeEnvironment, id, made)["waitForReadyTimeout"]; got != "45m" {
		t.Errorf("after a refresh: %v", got)
	}
	imported := refresh(platforms.TypeEnvironment, id, nil)
	if got, known := imported["waitForReadyTimeout"]; known {
		t.Errorf("after an import: %v", got)
	}
	if err := c.Remove(platforms.TypeEnvironment, id, imported); err == nil || !strings.Contains(err.Error(), "(timeout: 0s)") {
		t.Errorf("deleted without a time to wait: %v", err)
	}
	if err := c.Remove(platforms.TypeEnvironment, id, made); err != nil {
		t.Error(err)
	}
	db, _ := c.Create(services.TypeDatabase, "db", sandboxtest.Database("a-db", map[string]any{"skipFinalSnapshot": false, "finalSnapshotIdentifier": "last"}))
	if got := refresh(services.TypeDatabase, db, nil); got["skipFinalSnapshot"] != true || got["finalSnapshotIdentifier"] != nil {
		t.Errorf("after an import: %v", got)
	}
}
