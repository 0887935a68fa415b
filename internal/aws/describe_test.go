package aws

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reply is a recorded answer of AWS. xmlError and jsonError are the two forms of errors.
type reply struct {
	status int
	body   string
}

func ok(body string) reply { return reply{200, body} }

func xmlError(status int, code string) reply {
	return reply{status, fmt.Sprintf(`<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>m</Message></Error></ErrorResponse>`, code)}
}

func ec2XMLError(code string) reply {
	return reply{400, fmt.Sprintf(`<Response><Errors><Error><Code>%s</Code><Message>m</Message></Error></Errors></Response>`, code)}
}

func jsonError(code string) reply {
	return reply{400, fmt.Sprintf(`{"__type":%q,"message":"m"}`, code)}
}

func result(action, body string) reply {
	return ok(fmt.Sprintf(`<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>`, action, body))
}

// fakeAWS answers by the operation: an Action, the operation in X-Amz-Target, or method and path. An unknown operation gets an
// error that does not mean absence.
func fakeAWS(t testing.TB, answer func(op string, params url.Values) (reply, bool)) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		op := r.Method + " " + r.URL.Path
		params := r.URL.Query()
		if target := r.Header.Get("X-Amz-Target"); target != "" {
			_, op, _ = strings.Cut(target, ".")
			params = url.Values{"": {string(body)}}
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		} else if form, err := url.ParseQuery(string(body)); err == nil && form.Has("Action") {
			op, params = form.Get("Action"), form
		}
		a, known := answer(op, params)
		if !known {
			a = xmlError(400, "NotAsked")
			t.Errorf("unexpected request %s %v", op, params)
		}
		w.WriteHeader(a.status)
		io.WriteString(w, a.body)
	}))
	t.Cleanup(server.Close)
	return open(t, server.URL)
}

// fixed answers a single operation.
func fixed(op string, a reply) func(string, url.Values) (reply, bool) {
	return func(asked string, _ url.Values) (reply, bool) { return a, asked == op }
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	props := func(kv ...string) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	const arn = "arn:aws:elasticloadbalancing:eu-central-1:1:x/y"
	environment := `<Environments><member><EnvironmentId>e-abc</EnvironmentId><EnvironmentName>n</EnvironmentName><Status>%s</Status></member></Environments>`
	record := `<ListResourceRecordSetsResponse><ResourceRecordSets><ResourceRecordSet><Name>%s</Name><Type>A</Type></ResourceRecordSet></ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>1</MaxItems></ListResourceRecordSetsResponse>`
	version := `{"ARN":"s","VersionIdsToStages":{"%s":["AWSCURRENT"]}}`
	sg := Resource{Type: "aws:ec2/securityGroup:SecurityGroup", ID: "sg-1"}
	ruled := Resource{Type: "aws:ec2/securityGroupRule:SecurityGroupRule", ID: "sgrule-9", Outputs: props("securityGroupId", "sg-1", "securityGroupRuleId", "sgr-1")}
	unruled := Resource{Type: ruled.Type, ID: "sgrule-9", Inputs: props("securityGroupId", "sg-1")}
	bucket := Resource{Type: "aws:s3/bucketV2:BucketV2", ID: "b"}
	policy := Resource{Type: "aws:s3/bucketPolicy:BucketPolicy", ID: "b", Outputs: props("bucket", "b")}
	object := Resource{Type: "aws:s3/bucketObjectv2:BucketObjectv2", ID: "k", Outputs: props("bucket", "b", "key", "dir/k")}
	env := Resource{Type: "aws:elasticbeanstalk/environment:Environment", ID: "e-abc"}
	app := Resource{Type: "aws:elasticbeanstalk/application:Application", ID: "a"}
	label := Resource{Type: "aws:elasticbeanstalk/applicationVersion:ApplicationVersion", ID: "v", Outputs: props("application", "a", "name", "v")}
	db := Resource{Type: "aws:rds/instance:Instance", ID: "db-RES", Outputs: props("identifier", "i", "resourceId", "db-RES")}
	subnets := Resource{Type: "aws:rds/subnetGroup:SubnetGroup", ID: "g"}
	parameters := Resource{Type: "aws:rds/parameterGroup:ParameterGroup", ID: "g"}
	dns := Resource{Type: "aws:route53/record:Record", ID: "Z1_*.x.example.com_A", Outputs: props("zoneId", "Z1", "name", "*.x", "fqdn", "*.X.example.com", "type", "A")}
	secret := Resource{Type: "aws:secretsmanager/secret:Secret", ID: "arn:s"}
	secretVersion := Resource{Type: "aws:secretsmanager/secretVersion:SecretVersion", ID: "arn:s|v1"}
	role := Resource{Type: "aws:iam/role:Role", ID: "r"}
	inline := Resource{Type: "aws:iam/rolePolicy:RolePolicy", ID: "r:p"}
	attached := Resource{Type: "aws:iam/rolePolicyAttachment:RolePolicyAttachment", ID: "r-2026", Inputs: props("role", "r", "policyArn", "arn:p")}
	profile := Resource{Type: "aws:iam/instanceProfile:InstanceProfile", ID: "ip"}
	lb := Resource{Type: "aws:lb/loadBalancer:LoadBalancer", ID: arn}
	listener := Resource{Type: "aws:lb/listener:Listener", ID: arn}
	rule := Resource{Type: "aws:lb/listenerRule:ListenerRule", ID: arn}
	target := Resource{Type: "aws:lb/targetGroup:TargetGroup", ID: arn}
	cert := Resource{Type: "aws:acm/certificate:Certificate", ID: "arn:c"}
	valid := Resource{Type: "aws:acm/certificateValidation:CertificateValidation", ID: "x", Outputs: props("certificateArn", "arn:c")}
	logs := Resource{Type: "aws:cloudwatch/logGroup:LogGroup", ID: "/aws/x"}
	const noLook = "AWS denies access: the bucket may belong to another account"

	for _, tt := range []struct {
		r     Resource
		op    string
		reply reply
		state State
		note  string
	}{
		{bucket, "HEAD /b", ok(""), Exists, ""},
		{bucket, "HEAD /b", reply{404, ""}, Gone, ""},
		{bucket, "HEAD /b", reply{403, ""}, Unknown, noLook},
		{policy, "HEAD /b", reply{404, ""}, Gone, ""},
		{policy, "HEAD /b", ok(""), Unknown, "not checked by itself: its bucket still exists"},
		{object, "HEAD /b/dir/k", ok(""), Exists, ""},
		{object, "HEAD /b/dir/k", reply{404, ""}, Gone, ""},
		{env, "DescribeEnvironments", result("DescribeEnvironments", fmt.Sprintf(environment, "Ready")), Exists, ""},
		{env, "DescribeEnvironments", result("DescribeEnvironments", fmt.Sprintf(environment, "Terminating")), Exists, "terminating"},
		{env, "DescribeEnvironments", result("DescribeEnvironments", fmt.Sprintf(environment, "Terminated")), Gone, ""},
		{env, "DescribeEnvironments", result("DescribeEnvironments", "<Environments/>"), Gone, ""},
		{app, "DescribeApplications", result("DescribeApplications", "<Applications><member><ApplicationName>a</ApplicationName></member></Applications>"), Exists, ""},
		{app, "DescribeApplications", result("DescribeApplications", "<Applications/>"), Gone, ""},
		{label, "DescribeApplicationVersions", result("DescribeApplicationVersions", "<ApplicationVersions><member><ApplicationName>a</ApplicationName><VersionLabel>v</VersionLabel></member></ApplicationVersions>"), Exists, ""},
		{label, "DescribeApplicationVersions", result("DescribeApplicationVersions", "<ApplicationVersions/>"), Gone, ""},
		{label, "DescribeApplicationVersions", reply{400, `<ErrorResponse><Error><Code>InvalidParameterValue</Code><Message>No Application named 'a' found.</Message></Error></ErrorResponse>`}, Gone, ""},
		{label, "DescribeApplicationVersions", xmlError(400, "InvalidParameterValue"), Unknown, "InvalidParameterValue: m"},
		{db, "DescribeDBInstances", result("DescribeDBInstances", "<DBInstances><DBInstance><DbiResourceId>db-RES</DbiResourceId><DBInstanceStatus>available</DBInstanceStatus></DBInstance></DBInstances>"), Exists, ""},
		{db, "DescribeDBInstances", result("DescribeDBInstances", "<DBInstances><DBInstance><DbiResourceId>db-RES</DbiResourceId><DBInstanceStatus>deleting</DBInstanceStatus></DBInstance></DBInstances>"), Exists, "deleting"},
		{db, "DescribeDBInstances", result("DescribeDBInstances", "<DBInstances><DBInstance><DbiResourceId>db-OTHER</DbiResourceId></DBInstance></DBInstances>"), Gone, "another instance has its identifier now"},
		{db, "DescribeDBInstances", xmlError(404, "DBInstanceNotFound"), Gone, ""},
		{subnets, "DescribeDBSubnetGroups", result("DescribeDBSubnetGroups", "<DBSubnetGroups><DBSubnetGroup><DBSubnetGroupName>g</DBSubnetGroupName></DBSubnetGroup></DBSubnetGroups>"), Exists, ""},
		{subnets, "DescribeDBSubnetGroups", xmlError(404, "DBSubnetGroupNotFoundFault"), Gone, ""},
		{parameters, "DescribeDBParameterGroups", result("DescribeDBParameterGroups", "<DBParameterGroups><DBParameterGroup><DBParameterGroupName>g</DBParameterGroupName></DBParameterGroup></DBParameterGroups>"), Exists, ""},
		{parameters, "DescribeDBParameterGroups", xmlError(404, "DBParameterGroupNotFound"), Gone, ""},
		{dns, "GET /2013-04-01/hostedzone/Z1/rrset", ok(fmt.Sprintf(record, `\052.x.example.com.`)), Exists, ""},
		{dns, "GET /2013-04-01/hostedzone/Z1/rrset", ok(fmt.Sprintf(record, `a.y.example.com.`)), Gone, ""},
		{dns, "GET /2013-04-01/hostedzone/Z1/rrset", xmlError(404, "NoSuchHostedZone"), Gone, ""},
		{sg, "DescribeSecurityGroups", ok("<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-1</groupId></item></securityGroupInfo></DescribeSecurityGroupsResponse>"), Exists, ""},
		{sg, "DescribeSecurityGroups", ec2XMLError("InvalidGroup.NotFound"), Gone, ""},
		{sg, "DescribeSecurityGroups", ec2XMLError("UnauthorizedOperation"), Unknown, "UnauthorizedOperation: m"},
		{ruled, "DescribeSecurityGroupRules", ok("<DescribeSecurityGroupRulesResponse><securityGroupRuleSet><item><securityGroupRuleId>sgr-1</securityGroupRuleId></item></securityGroupRuleSet></DescribeSecurityGroupRulesResponse>"), Exists, ""},
		{ruled, "DescribeSecurityGroupRules", ec2XMLError("InvalidSecurityGroupRuleId.NotFound"), Gone, ""},
		{unruled, "DescribeSecurityGroups", ec2XMLError("InvalidGroup.NotFound"), Gone, ""},
		{unruled, "DescribeSecurityGroups", ok("<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-1</groupId></item></securityGroupInfo></DescribeSecurityGroupsResponse>"), Unknown, "its security group still exists, and the rule has no id of its own"},
		{secret, "DescribeSecret", ok(`{"ARN":"s"}`), Exists, ""},
		{secret, "DescribeSecret", ok(`{"ARN":"s","DeletedDate":1.7e9}`), Gone, "scheduled for deletion; it can be restored until then"},
		{secret, "DescribeSecret", jsonError("ResourceNotFoundException"), Gone, ""},
		{secretVersion, "DescribeSecret", ok(fmt.Sprintf(version, "v1")), Exists, ""},
		{secretVersion, "DescribeSecret", ok(fmt.Sprintf(version, "v2")), Gone, ""},
		{role, "GetRole", result("GetRole", "<Role><RoleName>r</RoleName></Role>"), Exists, ""},
		{role, "GetRole", xmlError(404, "NoSuchEntity"), Gone, ""},
		{inline, "GetRolePolicy", result("GetRolePolicy", "<RoleName>r</RoleName><PolicyName>p</PolicyName>"), Exists, ""},
		{inline, "GetRolePolicy", xmlError(404, "NoSuchEntity"), Gone, ""},
		{attached, "ListAttachedRolePolicies", result("ListAttachedRolePolicies", "<AttachedPolicies><member><PolicyArn>arn:p</PolicyArn></member></AttachedPolicies><IsTruncated>false</IsTruncated>"), Exists, ""},
		{attached, "ListAttachedRolePolicies", result("ListAttachedRolePolicies", "<AttachedPolicies/><IsTruncated>false</IsTruncated>"), Gone, ""},
		{attached, "ListAttachedRolePolicies", xmlError(404, "NoSuchEntity"), Gone, ""},
		{profile, "GetInstanceProfile", result("GetInstanceProfile", "<InstanceProfile/>"), Exists, ""},
		{profile, "GetInstanceProfile", xmlError(404, "NoSuchEntity"), Gone, ""},
		{lb, "DescribeLoadBalancers", result("DescribeLoadBalancers", "<LoadBalancers><member/></LoadBalancers>"), Exists, ""},
		{lb, "DescribeLoadBalancers", xmlError(400, "LoadBalancerNotFound"), Gone, ""},
		{listener, "DescribeListeners", result("DescribeListeners", "<Listeners><member/></Listeners>"), Exists, ""},
		{listener, "DescribeListeners", xmlError(400, "ListenerNotFound"), Gone, ""},
		{rule, "DescribeRules", result("DescribeRules", "<Rules><member/></Rules>"), Exists, ""},
		{rule, "DescribeRules", xmlError(400, "RuleNotFound"), Gone, ""},
		{target, "DescribeTargetGroups", result("DescribeTargetGroups", "<TargetGroups><member/></TargetGroups>"), Exists, ""},
		{target, "DescribeTargetGroups", xmlError(400, "TargetGroupNotFound"), Gone, ""},
		{cert, "DescribeCertificate", ok(`{"Certificate":{}}`), Exists, ""},
		{cert, "DescribeCertificate", jsonError("ResourceNotFoundException"), Gone, ""},
		{valid, "DescribeCertificate", jsonError("ResourceNotFoundException"), Gone, ""},
		{logs, "DescribeLogGroups", ok(`{"logGroups":[{"logGroupName":"/aws/x"}]}`), Exists, ""},
		{logs, "DescribeLogGroups", ok(`{"logGroups":[{"logGroupName":"/aws/xy"}]}`), Gone, ""},
		{role, "GetRole", reply{403, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no` + "\n" + `way</Message></Error></ErrorResponse>`}, Unknown, "AccessDenied: no way"},
		{Resource{Type: "aws:sns/topic:Topic", ID: "t"}, "", reply{}, Unknown, "branchenv cannot ask AWS for this type"},
		{Resource{Type: dns.Type, ID: "Z1_x_A"}, "", reply{}, Unknown, "the state lacks its zoneId and name and type"},
	} {
		t.Run(strings.ReplaceAll(tt.r.Type, "/", ".")+"/"+string(tt.state), func(t *testing.T) {
			t.Parallel()
			got := fakeAWS(t, fixed(tt.op, tt.reply)).Describe(t.Context(), []Resource{tt.r})
			if diff := cmp.Diff([]Finding{{tt.r, tt.state, tt.note}}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDescribeKeepsOrder checks that answers come in the order of the resources.
func TestDescribeKeepsOrder(t *testing.T) {
	t.Parallel()
	c := fakeAWS(t, func(op string, p url.Values) (reply, bool) {
		if p.Get("RoleName") == "r7" {
			return xmlError(404, "NoSuchEntity"), true
		}
		return result("GetRole", "<Role/>"), op == "GetRole"
	})
	var ask []Resource
	var want []Finding
	for i := range 30 {
		r := Resource{Type: "aws:iam/role:Role", ID: fmt.Sprintf("r%d", i)}
		ask = append(ask, r)
		want = append(want, Finding{Resource: r, State: Exists})
	}
	want[7].State = Gone
	if diff := cmp.Diff(want, c.Describe(t.Context(), ask)); diff != "" {
		t.Error(diff)
	}
}
