package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// describesInFlight bounds how many resources are asked for at once; AWS's describe calls allow few a second.
const describesInFlight = 8

// Resource is a resource as a stack's state has it.
type Resource struct {
	Type    string         // Pulumi type token, for instance aws:s3/bucketV2:BucketV2
	ID      string         // the provider's id
	Name    string         // name to show
	Inputs  map[string]any // as in the state; may be nil
	Outputs map[string]any // as in the state; may be nil
}

// State tells whether a resource is there.
type State string

// The states of a resource.
const (
	Exists  State = "exists"
	Gone    State = "gone"
	Unknown State = "unknown" // AWS could not be asked, or the answer does not tell; Finding.Note says why
)

// Finding is what AWS says about a resource.
type Finding struct {
	Resource Resource
	State    State
	Note     string // one clean line, may be empty
}

// Describe asks AWS whether each resource is still there, several at once, and answers in the order given. It never
// fails as a whole: a resource that cannot be asked for is Unknown.
func (c *Client) Describe(ctx context.Context, resources []Resource) []Finding {
	findings := make([]Finding, len(resources))
	var group errgroup.Group
	group.SetLimit(describesInFlight)
	for i, r := range resources {
		group.Go(func() error {
			findings[i] = c.describe(ctx, r)
			return nil
		})
	}
	_ = group.Wait() // no function above returns an error
	return findings
}

func (c *Client) describe(ctx context.Context, r Resource) Finding {
	probe := c.probe(r.Type)
	if probe == nil {
		return Finding{r, Unknown, "branchenv does not know how to ask for this type"}
	}
	answer, err := probe(ctx, r)
	switch {
	case err == nil:
		return Finding{r, answer.state, answer.note}
	case slices.Contains(answer.gone, code(err)):
		return Finding{r, Gone, ""}
	default:
		return Finding{r, Unknown, cause(err)}
	}
}

// answer is what a probe found out. gone lists the error codes that mean that the resource does not exist; they count
// for that probe alone, because the same code can mean something else elsewhere.
type answer struct {
	state State
	note  string
	gone  []string
}

// there is the answer for a list that holds the resource, or is empty if there is none.
func there(ok bool) answer {
	if ok {
		return answer{state: Exists}
	}
	return answer{state: Gone}
}

// goneIf is the answer that goes with an error.
func goneIf(codes ...string) answer { return answer{gone: codes} }

// probe is the function that asks for a type, nil for an unknown one. Ids and properties are those of the provider's
// schema; where an id is made up by the provider (route53 records, policies, rules) the properties tell the name.
func (c *Client) probe(token string) func(context.Context, Resource) (answer, error) {
	switch token {
	case "aws:s3/bucketV2:BucketV2":
		return c.bucket
	case "aws:s3/bucketObjectv2:BucketObjectv2":
		return c.object
	case "aws:elasticbeanstalk/environment:Environment":
		return c.environment
	case "aws:elasticbeanstalk/application:Application":
		return c.application
	case "aws:elasticbeanstalk/applicationVersion:ApplicationVersion":
		return c.applicationVersion
	case "aws:rds/instance:Instance":
		return c.database
	case "aws:rds/subnetGroup:SubnetGroup":
		return c.databaseSubnets
	case "aws:rds/parameterGroup:ParameterGroup":
		return c.databaseParameters
	case "aws:route53/record:Record":
		return c.record
	case "aws:ec2/securityGroup:SecurityGroup":
		return c.securityGroup
	case "aws:ec2/securityGroupRule:SecurityGroupRule":
		return c.securityGroupRule
	case "aws:secretsmanager/secret:Secret":
		return c.secret
	case "aws:secretsmanager/secretVersion:SecretVersion":
		return c.secretVersion
	case "aws:iam/role:Role":
		return c.role
	case "aws:iam/rolePolicy:RolePolicy":
		return c.rolePolicy
	case "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
		return c.rolePolicyAttachment
	case "aws:iam/instanceProfile:InstanceProfile":
		return c.instanceProfile
	case "aws:lb/loadBalancer:LoadBalancer":
		return c.loadBalancer
	case "aws:lb/listener:Listener":
		return c.listener
	case "aws:lb/listenerRule:ListenerRule":
		return c.listenerRule
	case "aws:lb/targetGroup:TargetGroup":
		return c.targetGroup
	case "aws:acm/certificate:Certificate", "aws:acm/certificateValidation:CertificateValidation":
		return c.certificate
	case "aws:cloudwatch/logGroup:LogGroup":
		return c.logGroup
	}
	if strings.HasPrefix(token, "aws:s3/bucket") {
		return c.bucketSetting
	}
	return nil
}

// text is the first of a resource's properties, outputs before inputs, that is a string with something in it.
func (r Resource) text(properties ...string) string {
	for _, p := range properties {
		for _, from := range []map[string]any{r.Outputs, r.Inputs} {
			if s, ok := from[p].(string); ok && s != "" {
				return s
			}
		}
	}
	return ""
}

// name is the first of a resource's properties that says something, else its id.
func (r Resource) name(properties ...string) string {
	if s := r.text(properties...); s != "" {
		return s
	}
	return r.ID
}

// missing is the error for a state that lacks what AWS must be asked with.
func missing(properties ...string) error {
	return fmt.Errorf("the state does not tell its %s", strings.Join(properties, " and "))
}
