package aws

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// Identity is what AWS knows of a resource of which only the inputs are known.
type Identity struct {
	ID   string            // the provider's id; "" where there is no such resource
	Tags map[string]string // its AWS tags
	// Untagged: the type has no tags, or gets them after its creation, so that their absence says nothing. What the
	// inputs name is then the same thing beyond doubt: a name with a random part, a record with the same target.
	Untagged bool
}

// Identify looks for a resource that an interrupted run may have made: Inputs are all that is known of r. Types that a
// second creation simply overwrites (an object, a bucket's settings) are never
// found, and need not be.
func (c *Client) Identify(ctx context.Context, r Resource) (Identity, error) {
	find := c.finder(r.Type)
	if find == nil {
		return Identity{}, nil
	}
	id, gone, err := find(ctx, r)
	switch {
	case err == nil:
		return id, nil
	case slices.Contains(gone, code(err)):
		return Identity{}, nil
	}
	return Identity{}, failed(err, "look for %s %s, which an interrupted run may have made", r.Type, r.Name)
}

// finder finds a resource by its inputs, and says which error codes mean that there is none.
type finder func(ctx context.Context, r Resource) (found Identity, gone []string, err error)

func (c *Client) finder(token string) finder {
	switch token {
	case "aws:s3/bucketV2:BucketV2":
		return c.findBucket
	case "aws:elasticbeanstalk/environment:Environment":
		return c.findEnvironment
	case "aws:elasticbeanstalk/application:Application":
		return c.findApplication
	case "aws:rds/instance:Instance":
		return c.findDatabase
	case "aws:rds/subnetGroup:SubnetGroup":
		return c.findSubnetGroup
	case "aws:ec2/securityGroup:SecurityGroup":
		return c.findSecurityGroup
	case "aws:ec2/securityGroupRule:SecurityGroupRule":
		return c.findSecurityGroupRule
	case "aws:rds/parameterGroup:ParameterGroup":
		return c.findParameterGroup
	case "aws:secretsmanager/secret:Secret":
		return c.findSecret
	case "aws:secretsmanager/secretVersion:SecretVersion":
		return c.findSecretVersion
	case "aws:route53/record:Record":
		return c.findRecord
	case "aws:iam/role:Role":
		return c.findRole
	case "aws:iam/rolePolicy:RolePolicy":
		return c.findRolePolicy
	case "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
		return c.findRolePolicyAttachment
	case "aws:iam/instanceProfile:InstanceProfile":
		return c.findInstanceProfile
	case "aws:lb/loadBalancer:LoadBalancer":
		return c.findLoadBalancer
	case "aws:lb/listener:Listener":
		return c.findListener
	case "aws:acm/certificate:Certificate":
		return c.findCertificate
	}
	return nil
}

// The provider tags a bucket after it has made it.
func (c *Client) findBucket(ctx context.Context, r Resource) (Identity, []string, error) {
	name := r.text("bucket")
	a, err := c.bucket(ctx, Resource{ID: name})
	if err != nil || a.state != Exists {
		return Identity{}, a.gone, err
	}
	return Identity{ID: name, Untagged: true}, nil, nil
}

func (c *Client) findEnvironment(ctx context.Context, r Resource) (Identity, []string, error) {
	row, err := c.environmentRow(ctx, r.text("name"))
	if err != nil || row == nil {
		return Identity{}, nil, err
	}
	tags, err := c.beanstalkTags(ctx, awssdk.ToString(row.EnvironmentArn))
	return Identity{ID: awssdk.ToString(row.EnvironmentId), Tags: tags}, nil, err
}

func (c *Client) findApplication(ctx context.Context, r Resource) (Identity, []string, error) {
	out, err := c.beans().DescribeApplications(ctx, &elasticbeanstalk.DescribeApplicationsInput{ApplicationNames: []string{r.text("name")}})
	if err != nil || len(out.Applications) == 0 {
		return Identity{}, nil, err
	}
	tags, err := c.beanstalkTags(ctx, awssdk.ToString(out.Applications[0].ApplicationArn))
	return Identity{ID: r.text("name"), Tags: tags}, nil, err
}

func (c *Client) beanstalkTags(ctx context.Context, arn string) (map[string]string, error) {
	out, err := c.beans().ListTagsForResource(ctx, &elasticbeanstalk.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, t := range out.ResourceTags {
		tags[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
	}
	return tags, nil
}

func (c *Client) findDatabase(ctx context.Context, r Resource) (Identity, []string, error) {
	gone := []string{"DBInstanceNotFound", "DBInstanceNotFoundFault"}
	out, err := c.rds().DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: awssdk.String(r.text("identifier"))})
	if err != nil || len(out.DBInstances) == 0 {
		return Identity{}, gone, err
	}
	tags := map[string]string{}
	for _, t := range out.DBInstances[0].TagList {
		tags[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
	}
	return Identity{ID: awssdk.ToString(out.DBInstances[0].DbiResourceId), Tags: tags}, nil, nil
}

func (c *Client) findSubnetGroup(ctx context.Context, r Resource) (Identity, []string, error) {
	name := r.text("name")
	out, err := c.rds().DescribeDBSubnetGroups(ctx, &rds.DescribeDBSubnetGroupsInput{DBSubnetGroupName: &name})
	if err != nil || len(out.DBSubnetGroups) == 0 {
		return Identity{}, []string{"DBSubnetGroupNotFoundFault"}, err
	}
	tags, err := c.rdsTags(ctx, out.DBSubnetGroups[0].DBSubnetGroupArn)
	return Identity{ID: name, Tags: tags}, nil, err
}

func (c *Client) findSecurityGroup(ctx context.Context, r Resource) (Identity, []string, error) {
	var out struct {
		Groups []struct {
			ID   string `xml:"groupId"`
			Tags []struct {
				Key   string `xml:"key"`
				Value string `xml:"value"`
			} `xml:"tagSet>item"`
		} `xml:"securityGroupInfo>item"`
	}
	params := url.Values{"Filter.1.Name": {"group-name"}, "Filter.1.Value.1": {r.text("name")}}
	if vpc := r.text("vpcId"); vpc != "" {
		params.Set("Filter.2.Name", "vpc-id")
		params.Set("Filter.2.Value.1", vpc)
	}
	if err := c.ec2.call(ctx, "DescribeSecurityGroups", params, &out); err != nil || len(out.Groups) == 0 {
		return Identity{}, []string{"InvalidGroup.NotFound"}, err
	}
	tags := map[string]string{}
	for _, t := range out.Groups[0].Tags {
		tags[t.Key] = t.Value
	}
	return Identity{ID: out.Groups[0].ID, Tags: tags}, nil, nil
}

// A rule is what it allows: one in our group that allows the same is ours. Its id is what the provider imports it by,
// for instance sg-1_ingress_tcp_80_80_sg-2.
// https://registry.terraform.io/providers/hashicorp/aws/5.68.0/docs/resources/security_group_rule#import
func (c *Client) findSecurityGroupRule(ctx context.Context, r Resource) (Identity, []string, error) {
	var out struct {
		Rules []struct {
			Egress   bool    `xml:"isEgress"`
			Protocol string  `xml:"ipProtocol"`
			From     float64 `xml:"fromPort"`
			To       float64 `xml:"toPort"`
			CIDR     string  `xml:"cidrIpv4"` // IPv6 rules come with one of these
			Source   string  `xml:"referencedGroupInfo>groupId"`
		} `xml:"securityGroupRuleSet>item"`
	}
	group := r.text("securityGroupId")
	err := c.ec2.call(ctx, "DescribeSecurityGroupRules", url.Values{"Filter.1.Name": {"group-id"}, "Filter.1.Value.1": {group}}, &out)
	if err != nil {
		return Identity{}, []string{"InvalidGroup.NotFound"}, err
	}
	protocol := r.text("protocol")
	var sources []string
	for _, property := range []string{"cidrBlocks", "ipv6CidrBlocks"} {
		list, _ := r.Inputs[property].([]any)
		for _, v := range list {
			text, _ := v.(string)
			sources = append(sources, text)
		}
	}
	if s := r.text("sourceSecurityGroupId"); s != "" {
		sources = append(sources, s)
	}
	from, _ := r.Inputs["fromPort"].(float64)
	to, _ := r.Inputs["toPort"].(float64)
	for _, x := range out.Rules {
		all := protocol == "-1" && x.Protocol == "-1" // AWS keeps no ports for all protocols
		same := x.Egress == (r.text("type") == "egress") && (all || x.Protocol == protocol && x.From == from && x.To == to)
		if same && (slices.Contains(sources, x.CIDR) || slices.Contains(sources, x.Source)) {
			id := fmt.Sprintf("%s_%s_%s_%.0f_%.0f_%s", group, r.text("type"), strings.Replace(protocol, "-1", "all", 1), from, to, strings.Join(sources, "_"))
			return Identity{ID: id, Untagged: true}, nil, nil
		}
	}
	return Identity{}, nil, nil
}

func (c *Client) findParameterGroup(ctx context.Context, r Resource) (Identity, []string, error) {
	name := r.text("name")
	out, err := c.rds().DescribeDBParameterGroups(ctx, &rds.DescribeDBParameterGroupsInput{DBParameterGroupName: &name})
	if err != nil || len(out.DBParameterGroups) == 0 {
		return Identity{}, []string{"DBParameterGroupNotFound"}, err
	}
	tags, err := c.rdsTags(ctx, out.DBParameterGroups[0].DBParameterGroupArn)
	return Identity{ID: name, Tags: tags}, nil, err
}

func (c *Client) rdsTags(ctx context.Context, arn *string) (map[string]string, error) {
	list, err := c.rds().ListTagsForResource(ctx, &rds.ListTagsForResourceInput{ResourceName: arn})
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, t := range list.TagList {
		tags[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
	}
	return tags, nil
}

func (c *Client) findSecret(ctx context.Context, r Resource) (Identity, []string, error) {
	out, err := c.secrets().DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: awssdk.String(r.text("name"))})
	if err != nil || out.DeletedDate != nil {
		return Identity{}, []string{"ResourceNotFoundException"}, err
	}
	tags := map[string]string{}
	for _, t := range out.Tags {
		tags[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
	}
	return Identity{ID: awssdk.ToString(out.ARN), Tags: tags}, nil, nil
}

// A secret that is ours has no other versions than ours. What the current one holds is read when it is imported.
func (c *Client) findSecretVersion(ctx context.Context, r Resource) (Identity, []string, error) {
	out, err := c.secrets().DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: awssdk.String(r.text("secretId"))})
	if err != nil {
		return Identity{}, []string{"ResourceNotFoundException"}, err
	}
	for version, stages := range out.VersionIdsToStages {
		if slices.Contains(stages, "AWSCURRENT") {
			return Identity{ID: awssdk.ToString(out.ARN) + "|" + version, Untagged: true}, nil, nil
		}
	}
	return Identity{}, nil, nil
}

// A record has no tags: it is ours where it has the very target that we meant to give it.
func (c *Client) findRecord(ctx context.Context, r Resource) (Identity, []string, error) {
	zone, name, kind := r.text("zoneId"), r.text("name"), r.text("type")
	out, err := c.route53().ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{
		HostedZoneId: &zone, StartRecordName: &name, StartRecordType: route53types.RRType(kind), MaxItems: awssdk.Int32(1),
	})
	if err != nil {
		return Identity{}, []string{"NoSuchHostedZone"}, err
	}
	for _, s := range out.ResourceRecordSets {
		if dnsName(awssdk.ToString(s.Name)) == dnsName(name) && string(s.Type) == kind && sameTarget(s, r.Inputs) {
			return Identity{ID: zone + "_" + strings.TrimSuffix(name, ".") + "_" + kind, Untagged: true}, nil, nil
		}
	}
	return Identity{}, nil, nil
}

// sameTarget compares a record's target with the one in a resource's inputs.
func sameTarget(s route53types.ResourceRecordSet, inputs map[string]any) bool {
	if aliases, _ := inputs["aliases"].([]any); len(aliases) == 1 && s.AliasTarget != nil {
		alias, _ := aliases[0].(map[string]any)
		want, _ := alias["name"].(string)
		return dnsName(strings.TrimPrefix(awssdk.ToString(s.AliasTarget.DNSName), "dualstack.")) == dnsName(strings.TrimPrefix(want, "dualstack."))
	}
	records, _ := inputs["records"].([]any)
	if len(records) == 0 || len(records) != len(s.ResourceRecords) {
		return false
	}
	for i, want := range records {
		if text, _ := want.(string); dnsName(text) != dnsName(awssdk.ToString(s.ResourceRecords[i].Value)) {
			return false
		}
	}
	return true
}

func (c *Client) findRole(ctx context.Context, r Resource) (Identity, []string, error) {
	out, err := c.iam().GetRole(ctx, &iam.GetRoleInput{RoleName: awssdk.String(r.text("name"))})
	if err != nil {
		return Identity{}, []string{"NoSuchEntity"}, err
	}
	tags := map[string]string{}
	for _, t := range out.Role.Tags {
		tags[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
	}
	return Identity{ID: r.text("name"), Tags: tags}, nil, nil
}

// A role's policies have no tags; the role is ours. One that the state does not know keeps the role from being deleted.
func (c *Client) findRolePolicy(ctx context.Context, r Resource) (Identity, []string, error) {
	id := r.text("role") + ":" + r.text("name")
	a, err := c.rolePolicy(ctx, Resource{ID: id})
	if err != nil || a.state != Exists {
		return Identity{}, a.gone, err
	}
	return Identity{ID: id, Untagged: true}, nil, nil
}

// The provider imports an attachment by ROLE/POLICY-ARN.
// https://registry.terraform.io/providers/hashicorp/aws/5.68.0/docs/resources/iam_role_policy_attachment#import
func (c *Client) findRolePolicyAttachment(ctx context.Context, r Resource) (Identity, []string, error) {
	a, err := c.rolePolicyAttachment(ctx, r)
	if err != nil || a.state != Exists {
		return Identity{}, a.gone, err
	}
	return Identity{ID: r.text("role") + "/" + r.text("policyArn"), Untagged: true}, nil, nil
}

func (c *Client) findInstanceProfile(ctx context.Context, r Resource) (Identity, []string, error) {
	out, err := c.iam().GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: awssdk.String(r.text("name"))})
	if err != nil {
		return Identity{}, []string{"NoSuchEntity"}, err
	}
	tags := map[string]string{}
	for _, t := range out.InstanceProfile.Tags {
		tags[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
	}
	return Identity{ID: r.text("name"), Tags: tags}, nil, nil
}

func (c *Client) findLoadBalancer(ctx context.Context, r Resource) (Identity, []string, error) {
	out, err := c.elb().DescribeLoadBalancers(ctx, &elasticloadbalancingv2.DescribeLoadBalancersInput{Names: []string{r.text("name")}})
	if err != nil || len(out.LoadBalancers) == 0 {
		return Identity{}, []string{"LoadBalancerNotFound"}, err
	}
	return c.balancerTags(ctx, awssdk.ToString(out.LoadBalancers[0].LoadBalancerArn))
}

func (c *Client) findListener(ctx context.Context, r Resource) (Identity, []string, error) {
	port, _ := r.Inputs["port"].(float64) // a JSON number in the state
	balancer := r.text("loadBalancerArn")
	out, err := c.elb().DescribeListeners(ctx, &elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: &balancer})
	if err != nil {
		return Identity{}, []string{"ListenerNotFound", "LoadBalancerNotFound"}, err
	}
	for _, l := range out.Listeners {
		if awssdk.ToInt32(l.Port) == int32(port) {
			return c.balancerTags(ctx, awssdk.ToString(l.ListenerArn))
		}
	}
	return Identity{}, nil, nil
}

func (c *Client) balancerTags(ctx context.Context, arn string) (Identity, []string, error) {
	out, err := c.elb().DescribeTags(ctx, &elasticloadbalancingv2.DescribeTagsInput{ResourceArns: []string{arn}})
	if err != nil {
		return Identity{}, nil, err
	}
	tags := map[string]string{}
	for _, d := range out.TagDescriptions {
		for _, t := range d.Tags {
			tags[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
		}
	}
	return Identity{ID: arn, Tags: tags}, nil, nil
}

// A certificate has no name: it is looked for by its domain, and then by our tags.
func (c *Client) findCertificate(ctx context.Context, r Resource) (Identity, []string, error) {
	domain := r.text("domainName")
	pages := acm.NewListCertificatesPaginator(c.acm(), &acm.ListCertificatesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Identity{}, nil, err
		}
		for _, s := range page.CertificateSummaryList {
			if awssdk.ToString(s.DomainName) != domain {
				continue
			}
			out, err := c.acm().ListTagsForCertificate(ctx, &acm.ListTagsForCertificateInput{CertificateArn: s.CertificateArn})
			if err != nil {
				return Identity{}, []string{"ResourceNotFoundException"}, err
			}
			tags := map[string]string{}
			for _, t := range out.Tags {
				tags[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
			}
			if want, _ := r.Inputs["tagsAll"].(map[string]any); len(tags) > 0 && (want == nil || want["branchenv:project"] == tags["branchenv:project"]) {
				return Identity{ID: awssdk.ToString(s.CertificateArn), Tags: tags}, nil, nil
			}
		}
	}
	return Identity{}, nil, nil
}

// DiscardVersion deletes an application version that an interrupted run may have made, because the provider cannot
// import one and cannot make one that exists. It deletes only a version whose bundle lies below prefix; a missing one
// is fine. The bundle stays.
func (c *Client) DiscardVersion(ctx context.Context, application, label, prefix string) error {
	info, found, err := c.ApplicationVersion(ctx, application, label)
	if err != nil || !found || !strings.HasPrefix(info.Key, prefix) {
		return err
	}
	_, err = c.beans().DeleteApplicationVersion(ctx, &elasticbeanstalk.DeleteApplicationVersionInput{ApplicationName: &application, VersionLabel: &label})
	if err != nil {
		return failed(err, "delete version %q of application %q, which an interrupted run made", label, application)
	}
	return nil
}
