package aws

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTypes checks that every registered type has everything, and that no two have the same token or form of ARN.
func TestTypes(t *testing.T) {
	t.Parallel()
	forms := map[string]string{}
	for token, typ := range registry {
		if typ.Token != token || !strings.HasPrefix(token, "aws:") || strings.Count(token, ":") != 2 {
			t.Errorf("%q is not a token", token)
		}
		if typ.Noun == "" || typ.pace == 0 || typ.describe == nil || typ.find == nil {
			t.Errorf("%s lacks a noun, a pace, describe or find: %+v", token, typ)
		}
		if typ.arn.service == "" {
			continue
		}
		form := typ.arn.service + " " + typ.arn.kind
		if other := forms[form]; other != "" {
			t.Errorf("%s and %s have the same form of ARN: %s", token, other, form)
		}
		forms[form] = token
	}
	registered := 0
	for _, types := range [][]Type{acmTypes, beanstalkTypes, cloudWatchTypes, ec2Types, elbTypes, iamTypes, rdsTypes, route53Types, s3Types, secretsManagerTypes} {
		registered += len(types)
	}
	if registered != len(registry) {
		t.Errorf("%d types are registered under %d tokens", registered, len(registry))
	}
}

// resourceType matches the type of a resource in a golden resource graph.
var resourceType = regexp.MustCompile(`"type": "(aws:[^"]+)"`)

// TestCreatedTypesAreRegistered reads the golden resource graphs of the programs and the components: each type that
// branchenv creates is registered.
func TestCreatedTypesAreRegistered(t *testing.T) {
	t.Parallel()
	created := map[string]bool{}
	for _, dir := range []string{"stacks", "components"} {
		err := filepath.WalkDir(filepath.Join("..", "..", dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".golden.json") {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, match := range resourceType.FindAllSubmatch(data, -1) {
				created[string(match[1])] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for token := range created {
		if _, ok := registry[token]; !ok {
			t.Errorf("%s is created and not registered", token)
		}
	}
	if len(created) < 20 {
		t.Errorf("only %d types found in the golden files", len(created))
	}
}

func TestTypeOf(t *testing.T) {
	t.Parallel()
	type known struct {
		noun                    string
		slow, described, sought bool
	}
	for token, want := range map[string]known{
		"aws:rds/instance:Instance":                         {"database", true, true, true},
		"aws:iam/rolePolicyAttachment:RolePolicyAttachment": {"role policy", false, true, true},
		"aws:s3/bucketMetric:BucketMetric":                  {"bucket metric", false, true, false},
		"aws:foo/barBaz:BarBaz":                             {"bar baz", false, false, false},
		"aws:ec2/eip:EIP":                                   {"eip", false, false, false},
		"odd":                                               {"odd", false, false, false},
		"":                                                  {"resource", false, false, false},
	} {
		typ := TypeOf(token)
		if got := (known{typ.Noun, typ.Slow(), typ.describe != nil, typ.find != nil}); got != want {
			t.Errorf("TypeOf(%q) = %+v, want %+v", token, got, want)
		}
	}
}

func TestFromARN(t *testing.T) {
	t.Parallel()
	props := func(kv ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i].(string)] = kv[i+1]
		}
		return m
	}
	const at = ":eu-central-1:123456789012:"
	for arn, want := range map[string]Resource{
		"arn:aws:s3:::assets":                                           {Type: TypeBucket, ID: "assets", Name: "assets"},
		"arn:aws:elasticbeanstalk" + at + "application/shop":            {Type: TypeApplication, ID: "shop", Name: "shop"},
		"arn:aws:elasticbeanstalk" + at + "environment/shop/shop-main":  {Type: TypeEnvironment, Name: "shop-main", Inputs: props("application", "shop", "name", "shop-main")},
		"arn:aws:elasticbeanstalk" + at + "applicationversion/shop/v1":  {Type: TypeVersion, Name: "v1", Inputs: props("application", "shop", "name", "v1")},
		"arn:aws:rds" + at + "db:shop-main":                             {Type: TypeDatabase, ID: "shop-main", Name: "shop-main"},
		"arn:aws:rds" + at + "subgrp:shop":                              {Type: "aws:rds/subnetGroup:SubnetGroup", ID: "shop", Name: "shop"},
		"arn:aws:ec2" + at + "security-group/sg-1":                      {Type: "aws:ec2/securityGroup:SecurityGroup", ID: "sg-1", Name: "sg-1"},
		"arn:aws:ec2" + at + "security-group-rule/sgr-1":                {Type: "aws:ec2/securityGroupRule:SecurityGroupRule", ID: "sgr-1", Name: "sgr-1", Inputs: props("securityGroupRuleId", "sgr-1")},
		"arn:aws-cn:secretsmanager" + at + "secret:shop-AbC":            {Type: "aws:secretsmanager/secret:Secret", ID: "arn:aws-cn:secretsmanager" + at + "secret:shop-AbC", Name: "shop-AbC", Inputs: props("arn", "arn:aws-cn:secretsmanager"+at+"secret:shop-AbC")},
		"arn:aws:elasticloadbalancing" + at + "loadbalancer/app/shop/1": {Type: "aws:lb/loadBalancer:LoadBalancer", ID: "arn:aws:elasticloadbalancing" + at + "loadbalancer/app/shop/1", Name: "app/shop/1", Inputs: props("arn", "arn:aws:elasticloadbalancing"+at+"loadbalancer/app/shop/1")},
		"arn:aws:logs" + at + "log-group:/aws/x:*":                      {Type: "aws:cloudwatch/logGroup:LogGroup", ID: "/aws/x", Name: "/aws/x:*"},
		"arn:aws:iam::123456789012:role/service/shop":                   {Type: "aws:iam/role:Role", ID: "shop", Name: "service/shop"},
		"arn:aws:iam::123456789012:instance-profile/shop":               {Type: "aws:iam/instanceProfile:InstanceProfile", ID: "shop", Name: "shop"},
	} {
		got, ok := FromARN(arn)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("FromARN(%q): %v, %s", arn, ok, diff)
		}
		if !ok || want.Inputs["arn"] != nil && !got.Is(arn) {
			t.Errorf("%+v is not the resource of %s", got, arn)
		}
	}
	for _, arn := range []string{"", "x", "arn:aws:s3:::assets/key", "arn:aws:rds" + at + "cluster:x", "arn:aws:sns" + at + "topic", "arn:aws:::::"} {
		if r, ok := FromARN(arn); ok {
			t.Errorf("FromARN(%q) = %+v", arn, r)
		}
	}
}
