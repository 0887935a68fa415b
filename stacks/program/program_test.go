package program

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/branchenv/branchenv/config"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/pulumitest"
	"github.com/branchenv/branchenv/stacks/names"
)

// branchSpec is an ordinary branch: image, shared balancer, Postgres.
func branchSpec(t testing.TB) Spec {
	t.Helper()
	text, err := os.ReadFile("../../internal/stackstest/spec.json")
	if err != nil {
		t.Fatal(err)
	}
	var s Spec
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// productionSpec is a protected environment with everything: its own balancer, MySQL, a bundle.
func productionSpec(t testing.TB) Spec {
	s := branchSpec(t)
	s.Branch, s.Stack, s.Kind, s.Host = "main", "main", "production", "main"
	s.Version = Version{BundleKey: "main/app.zip", Label: "build-17"}
	s.Settings.Protected, s.Settings.Application, s.Settings.Balancer = true, "production", "own"
	s.Settings.Secrets = map[string]string{"API_KEY": "arn:aws:ssm:eu-central-1:1:parameter/branchenv/shop/production/key"}
	s.Settings.Instances = config.Instances{Type: "m7g.large", Min: 2, Max: 6}
	s.Settings.Deployment = config.Deployment{Policy: "RollingWithAdditionalBatch", BatchSize: 30}
	s.Settings.Database = config.Database{
		Engine: "mysql", Version: "8.4", Class: "db.r7g.large", Storage: 200, MultiAZ: true, BackupDays: 14, Username: "app", Name: "app",
	}
	s.Settings.Assets.CORSOrigins = []string{"https://www.example.com"}
	return s
}

// bareSpec has nothing that can be left out.
func bareSpec(t testing.TB) Spec {
	s := branchSpec(t)
	s.Version, s.Settings.Balancer, s.Settings.Logs = Version{}, "none", config.Logs{}
	s.Settings.Environment, s.Settings.Secrets = nil, nil
	s.Settings.Database.Engine, s.Settings.Assets.Enabled = "none", false
	return s
}

// sharedValues are the outputs of an application stack.
func sharedValues() map[string]any {
	stage := func(name string) map[string]any {
		return map[string]any{
			"name": "shop-" + name, "instanceProfile": "shop-eu-central-1-" + name,
			"roleArn": "arn:aws:iam::1:role/shop-eu-central-1-" + name, "roleName": "shop-eu-central-1-" + name,
		}
	}
	return map[string]any{
		"vpc": "vpc-1", "subnets": []any{"subnet-1", "subnet-2"}, "databaseSubnets": "shop-databases", "zone": "Z1",
		"certificate":   "arn:aws:acm:eu-central-1:1:certificate/1",
		"solutionStack": "64bit Amazon Linux 2023 v4.3.0 running Docker",
		"serviceRole":   "arn:aws:iam::1:role/shop-eu-central-1-service", "versionsBucket": "shop-versions-a1b2c3",
		"balancer": map[string]any{
			"arn":     "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/shop-shared/1",
			"dnsName": "shared.elb.amazonaws.com", "zone": "Z215", "securityGroup": "sg-balancer",
		},
		"applications": map[string]any{"production": stage("production"), "staging": stage("staging")},
	}
}

// program is one run of a program against a recorder.
type testProgram struct {
	stack     string
	config    map[string]string
	shared    map[string]any // outputs of the application stack
	functions map[string]func(map[string]any) (map[string]any, error)
}

// graph is what a run made.
type graph struct {
	Outputs   map[string]any        `json:"outputs"`
	Resources []pulumitest.Resource `json:"resources"`
}

func (p testProgram) run(make func(*pulumi.Context) (pulumi.Map, error)) (*pulumitest.Recorder, graph, error) {
	r := &pulumitest.Recorder{Functions: p.functions, Computed: map[string]map[string]any{
		"pulumi:pulumi:StackReference/*": {"outputs": p.shared},
		"aws:s3/bucketV2:BucketV2/*":     {"arn": "arn:aws:s3:::bucket"},
		"aws:elasticbeanstalk/environment:Environment/*": {
			"endpointUrl": "awseb.elb.amazonaws.com", "cname": "shop.elasticbeanstalk.com",
			"loadBalancers": []any{"arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/awseb/1"},
		},
		"aws:rds/instance:Instance/*": {
			"address": "shop.rds.amazonaws.com", "port": 5432,
			"masterUserSecrets": []any{map[string]any{"secretArn": "arn:aws:secretsmanager:eu-central-1:1:secret:rds!db-1"}},
		},
		"aws:secretsmanager/secretVersion:SecretVersion/*": {"arn": "arn:aws:secretsmanager:eu-central-1:1:secret:password"},
		"aws:acm/certificate:Certificate/*": {
			"arn": "arn:aws:acm:eu-central-1:1:certificate/1",
			"domainValidationOptions": []any{map[string]any{
				"resourceRecordName": "_a.preview.example.com", "resourceRecordType": "CNAME", "resourceRecordValue": "_b.acm-validations.aws",
			}},
		},
		"aws:lb/loadBalancer:LoadBalancer/*": {"arn": "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/shop-shared/1", "dnsName": "shared.elb.amazonaws.com", "zoneId": "Z215"},
		"aws:route53/record:Record/*":        {"fqdn": "login.preview.example.com"},
		"aws:iam/role:Role/*":                {"arn": "arn:aws:iam::1:role/made"},
	}}
	var g graph
	err := r.Run("shop", p.stack, p.config, func(ctx *pulumi.Context) error {
		outputs, err := make(ctx)
		if err != nil {
			return err
		}
		var once sync.WaitGroup
		once.Add(1)
		pulumi.JSONMarshal(outputs).ApplyT(func(text string) error {
			defer once.Done()
			return json.Unmarshal([]byte(text), &g.Outputs)
		})
		once.Wait()
		return nil
	})
	g.Resources = r.Resources()
	return r, g, err
}

// configOf is the stack's config as the manager writes it.
func configOf(t testing.TB, key string, spec any) map[string]string {
	t.Helper()
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"shop:" + key: string(text)}
}

func TestEnvironmentProgram(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]Spec{"branch": branchSpec(t), "production": productionSpec(t), "bare": bareSpec(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := testProgram{stack: spec.Stack, config: configOf(t, names.SpecKey, spec), shared: sharedValues()}
			r, g, err := p.run(createEnvironment)
			if err != nil {
				t.Fatal(err)
			}
			pulumitest.Golden(t, "environment-"+name, g)
			if !r.Find(t, "aws:route53/record:Record", "dns").DependsOn("aws:elasticbeanstalk/environment:Environment", "environment") {
				t.Error("the DNS record does not wait for what runs the app")
			}
		})
	}
}

// What the program tells the app is what the settings must not name, all of it and nothing else.
func TestReservedVariables(t *testing.T) {
	t.Parallel()
	told := map[string]bool{}
	for _, spec := range []Spec{branchSpec(t), productionSpec(t)} {
		spec.Settings.Environment, spec.Settings.Secrets = nil, nil
		p := testProgram{stack: spec.Stack, config: configOf(t, names.SpecKey, spec), shared: sharedValues()}
		r, _, err := p.run(createEnvironment)
		if err != nil {
			t.Fatal(err)
		}
		options, _ := r.Find(t, "aws:elasticbeanstalk/environment:Environment", "environment").Inputs["settings"].([]any)
		for _, o := range options {
			option, _ := o.(map[string]any)
			if space, _ := option["namespace"].(string); strings.HasPrefix(space, "aws:elasticbeanstalk:application:environment") {
				told[fmt.Sprint(option["name"])] = true
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(config.ReservedVariables())), slices.Sorted(maps.Keys(told))); diff != "" {
		t.Errorf("reserved (-) and told (+):\n%s", diff)
	}
}

func TestEnvironmentProgramRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*Spec)
		shared map[string]any
		stack  string
		code   int
		want   string
	}{
		"reserved variable": {
			change: func(s *Spec) { s.Settings.Environment["AWS_REGION"] = "us-east-1" }, code: fault.Usage,
			want: "the settings set AWS_REGION, which branchenv itself tells the app",
		},
		"reserved secret": {
			change: func(s *Spec) { s.Settings.Secrets["DATABASE_PASSWORD"] = "arn:aws:ssm:eu-central-1:1:parameter/p" }, code: fault.Usage,
			want: "the settings set DATABASE_PASSWORD, which branchenv itself tells the app",
		},
		"secret of production": {
			change: func(s *Spec) {
				s.Settings.Secrets["KEY"] = "arn:aws:secretsmanager:eu-central-1:1:secret:branchenv/shop/production/key-AbCd12"
			}, code: fault.Usage,
			want: "the instances of shop-staging may not read the secret KEY: arn:aws:secretsmanager:eu-central-1:1:secret:branchenv/shop/production/key-AbCd12",
		},
		"parameter of somebody else": {
			change: func(s *Spec) { s.Settings.Secrets["KEY"] = "arn:aws:ssm:eu-central-1:1:parameter/key" }, code: fault.Usage,
			want: "the instances of shop-staging may not read the secret KEY: arn:aws:ssm:eu-central-1:1:parameter/key",
		},
		"unknown platform": {
			change: func(s *Spec) { s.Settings.Platform = "lambda" }, code: fault.Usage, want: `there is no platform "lambda"`,
		},
		"unknown application": {
			change: func(s *Spec) { s.Settings.Application = "test" }, code: fault.Usage, want: `there is no Beanstalk application "test"`,
		},
		"another stack's config": {
			stack: "other", code: fault.Refused, want: "the config of stack other is that of stack feature-login-0123456789",
		},
		"destroyed application stack": {
			shared: map[string]any{}, code: fault.Usage, want: "the application stack of shop, which environments share, has no output vpc",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := branchSpec(t)
			if test.change != nil {
				test.change(&spec)
			}
			p := testProgram{stack: spec.Stack, config: configOf(t, names.SpecKey, spec), shared: sharedValues()}
			if test.shared != nil {
				p.shared = test.shared
			}
			if test.stack != "" {
				p.stack = test.stack
			}
			_, err := p.failure(createEnvironment)
			checkFault(t, err, test.code, test.want)
		})
	}
}

// failure is the error that a program returns, itself and not as the engine wraps it.
func (p testProgram) failure(make func(*pulumi.Context) (pulumi.Map, error)) (graph, error) {
	var failed error
	_, g, _ := p.run(func(ctx *pulumi.Context) (pulumi.Map, error) {
		var outputs pulumi.Map
		outputs, failed = make(ctx)
		return outputs, failed
	})
	return g, failed
}

func checkFault(t *testing.T, err error, code int, want string) {
	t.Helper()
	if err == nil || err.Error() != want || fault.Code(err) != code {
		t.Errorf("got error %v, code %d; want %s, code %d", err, fault.Code(err), want, code)
	}
	if code == fault.Usage && fault.Hint(err).IsZero() {
		t.Error("there is no hint")
	}
}

func applicationSpec() ApplicationSpec {
	return ApplicationSpec{Project: "shop", Region: "eu-central-1", Domain: "preview.example.com", BucketSuffix: "a1b2c3"}
}

// lookups answer as AWS does for an account with a default VPC and a hosted zone example.com.
func lookups() map[string]func(map[string]any) (map[string]any, error) {
	return map[string]func(map[string]any) (map[string]any, error){
		"aws:ec2/getVpc:getVpc":       func(map[string]any) (map[string]any, error) { return map[string]any{"id": "vpc-1"}, nil },
		"aws:ec2/getSubnet:getSubnet": func(map[string]any) (map[string]any, error) { return map[string]any{"vpcId": "vpc-2"}, nil },
		"aws:ec2/getSubnets:getSubnets": func(map[string]any) (map[string]any, error) {
			return map[string]any{"ids": []any{"subnet-2", "subnet-1"}}, nil
		},
		"aws:route53/getZone:getZone": func(args map[string]any) (map[string]any, error) {
			if args["name"] != "example.com" {
				return nil, errors.New("no matching Route 53 Hosted Zone found")
			}
			return map[string]any{"zoneId": "Z1"}, nil
		},
		"aws:elasticbeanstalk/getSolutionStack:getSolutionStack": func(map[string]any) (map[string]any, error) {
			return map[string]any{"name": "64bit Amazon Linux 2023 v4.3.0 running Docker"}, nil
		},
	}
}

func TestApplicationProgram(t *testing.T) {
	t.Parallel()
	given := applicationSpec()
	given.Zone, given.Certificate = "Z9", "arn:aws:acm:eu-central-1:1:certificate/9"
	given.Network = config.Network{Subnets: []string{"subnet-8", "subnet-9"}, DatabaseSubnets: []string{"subnet-6", "subnet-7"}}
	for name, spec := range map[string]ApplicationSpec{"default": applicationSpec(), "given": given} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := testProgram{stack: names.ApplicationStack, config: configOf(t, names.ApplicationKey, spec), functions: lookups()}
			_, g, err := p.run(makeApplication)
			if err != nil {
				t.Fatal(err)
			}
			pulumitest.Golden(t, "application-"+name, g)
		})
	}
}

// TestSharedOutputs passes the application program's outputs to the environment program: what one writes the other
// must read.
func TestSharedOutputs(t *testing.T) {
	t.Parallel()
	p := testProgram{stack: names.ApplicationStack, config: configOf(t, names.ApplicationKey, applicationSpec()), functions: lookups()}
	_, g, err := p.run(makeApplication)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(g.Outputs)
	if err != nil {
		t.Fatal(err)
	}
	var s Shared
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := json.Unmarshal(again, &read); err != nil {
		t.Fatal(err)
	}
	read[OutDomain] = g.Outputs[OutDomain] // which the manager alone reads
	if diff := cmp.Diff(g.Outputs, read); diff != "" {
		t.Errorf("outputs written (-) and read (+):\n%s", diff)
	}
	for _, name := range sharedOutputs {
		if g.Outputs[name] == nil {
			t.Errorf("there is no output %s", name)
		}
	}
	spec := branchSpec(t)
	next := testProgram{stack: spec.Stack, config: configOf(t, names.SpecKey, spec), shared: g.Outputs}
	if _, _, err := next.run(createEnvironment); err != nil {
		t.Error(err)
	}
}

func TestApplicationProgramRefuses(t *testing.T) {
	t.Parallel()
	none := func(what string) func(map[string]any) (map[string]any, error) {
		return func(map[string]any) (map[string]any, error) { return nil, errors.New("no matching " + what + " found") }
	}
	tests := map[string]struct {
		change func(*ApplicationSpec)
		answer map[string]func(map[string]any) (map[string]any, error)
		want   string
	}{
		"no default VPC": {
			answer: map[string]func(map[string]any) (map[string]any, error){"aws:ec2/getVpc:getVpc": none("EC2 VPC")},
			want:   "region eu-central-1 has no default VPC",
		},
		"no zone": {
			answer: map[string]func(map[string]any) (map[string]any, error){"aws:route53/getZone:getZone": none("Route 53 Hosted Zone")},
			want:   "Route 53 has no public hosted zone for preview.example.com or a parent of it",
		},
		"VPC without subnets": {
			change: func(s *ApplicationSpec) { s.Network.VPC = "vpc-3" }, want: "network names VPC vpc-3 but no subnets",
		},
		"one subnet": {
			change: func(s *ApplicationSpec) { s.Network.Subnets = []string{"subnet-1"} },
			want:   "VPC vpc-2 gives 1 subnets, and a load balancer and a database need two in different zones",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec, functions := applicationSpec(), lookups()
			if test.change != nil {
				test.change(&spec)
			}
			for token, answer := range test.answer {
				functions[token] = answer
			}
			p := testProgram{stack: names.ApplicationStack, config: configOf(t, names.ApplicationKey, spec), functions: functions}
			g, err := p.failure(makeApplication)
			checkFault(t, err, fault.Usage, test.want)
			if len(g.Resources) > 0 {
				t.Errorf("%d resources were registered before the refusal", len(g.Resources))
			}
		})
	}
}

// TestProgramWithoutConfig runs both programs, as Pulumi's own commands do, in a stack that branchenv did not make.
func TestProgramWithoutConfig(t *testing.T) {
	t.Parallel()
	for stack, key := range map[string]string{names.ApplicationStack: "application", "login": "environment"} {
		p := testProgram{stack: stack}
		_, err := p.failure(func(ctx *pulumi.Context) (pulumi.Map, error) { return nil, Standalone(ctx) })
		checkFault(t, err, fault.Usage, "stack "+stack+" has no config shop:"+key+", which branchenv writes; "+
			"hint: make the stack with branchenv, then: pulumi config refresh --force --stack "+stack)
	}
}
