package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/internal/sandbox/services"
)

// ec2Answer has the parts of an answer that the test compares. The element names are those of EC2's API reference.
type ec2Answer struct {
	Groups  []ec2Item `xml:"securityGroupInfo>item"`
	Rules   []ec2Item `xml:"securityGroupRuleSet>item"`
	VPCs    []ec2Item `xml:"vpcSet>item"`
	Subnets []ec2Item `xml:"subnetSet>item"`
	Code    string    `xml:"Errors>Error>Code"`
}

type ec2Item struct {
	Group string `xml:"groupId"`
	VPC   string `xml:"vpcId"`
	CIDR  string `xml:"cidrIpv4"`
	Tag   string `xml:"tagSet>item>value"`
}

// askEC2 sends a signed query. It does not use the SDK, whose ec2 package takes 3 GB of memory to compile.
func askEC2(t *testing.T, s *Server, action string, parameters ...string) ec2Answer {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for i := 0; i < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	body := form.Encode()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Endpoint(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	cfg := sdk(t, s)
	credentials, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, req, hex.EncodeToString(sum[:]), "ec2", cfg.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer ec2Answer
	if err := xml.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestEC2API(t *testing.T) {
	t.Parallel()
	s, c := served(t, Options{})
	group, _ := c.Create(services.TypeSecurityGroup, "g", map[string]any{"name": "g", "tags": map[string]any{"branchenv:project": "p"}})
	c.Create(services.TypeSecurityGroupRule, "r", map[string]any{
		"securityGroupId": group, "type": "ingress", "protocol": "tcp", "fromPort": 80, "toPort": 80, "cidrBlocks": []any{"0.0.0.0/0"},
	})
	subnet := ec2Item{VPC: services.DefaultVPC}
	for _, test := range []struct {
		action     string
		parameters []string
		want       ec2Answer
	}{
		{"DescribeSecurityGroups", []string{"Filter.1.Name", "group-name", "Filter.1.Value.1", "g"}, ec2Answer{Groups: []ec2Item{{Group: group, VPC: services.DefaultVPC, Tag: "p"}}}},
		{"DescribeSecurityGroups", []string{"GroupId.1", "sg-nope"}, ec2Answer{Code: "InvalidGroup.NotFound"}},
		{"DescribeSecurityGroupRules", []string{"Filter.1.Name", "group-id", "Filter.1.Value.1", group}, ec2Answer{Rules: []ec2Item{{Group: group, CIDR: "0.0.0.0/0"}}}},
		{"DescribeSecurityGroupRules", []string{"SecurityGroupRuleId.1", "sgr-nope"}, ec2Answer{Code: "InvalidSecurityGroupRuleId.NotFound"}},
		{"DescribeVpcs", []string{"Filter.1.Name", "is-default", "Filter.1.Value.1", "true"}, ec2Answer{VPCs: []ec2Item{{VPC: services.DefaultVPC}}}},
		{"DescribeSubnets", nil, ec2Answer{Subnets: []ec2Item{subnet, subnet, subnet}}},
	} {
		if diff := cmp.Diff(test.want, askEC2(t, s, test.action, test.parameters...)); diff != "" {
			t.Errorf("%s %q: -want +got\n%s", test.action, test.parameters, diff)
		}
	}
}
