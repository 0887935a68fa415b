package sandbox

import (
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/branchenv/branchenv/internal/sandbox/value"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// A problem is what is wrong with one property.
type problem struct{ property, reason string }

// A rule is what AWS, or the real provider before it, demands of one property of a type.
type rule struct {
	property string
	allowed  []string // the only values
	pattern  string   // a regular expression that must match
	min, max float64  // bounds: of a number's value or a string's length; 0: none
	also     func(string) bool
	want     string // what to say about a value that pattern or also refuse
}

// checkRules checks the inputs that are known against the rules of their type. Where AWS says what it allows, the
// rule is AWS's; the wording is ours.
func checkRules(typ string, news resource.PropertyMap) []problem {
	var out []problem
	for _, r := range rules()[typ] {
		v, given := news[resource.PropertyKey(r.property)]
		if !given || v.ContainsUnknowns() {
			continue
		}
		if reason := r.check(plain(v)); reason != "" {
			out = append(out, problem{r.property, r.property + ": " + reason})
		}
	}
	if tags, ok := news["tags"]; ok && tags.IsObject() {
		out = append(out, checkTags(typ, tags.ObjectValue())...)
	}
	for _, c := range combinations()[typ] {
		if reason := c.check(news); reason != "" {
			out = append(out, problem{c.property, reason})
		}
	}
	return out
}

func (r rule) check(v any) string {
	switch v := v.(type) {
	case string:
		switch {
		case r.allowed != nil && !slices.Contains(r.allowed, v):
			return fmt.Sprintf("expected one of %s, got %q", strings.Join(r.allowed, ", "), v)
		case r.min > 0 && len(v) < int(r.min) || r.max > 0 && len(v) > int(r.max):
			return fmt.Sprintf("expected length to be in the range (%v - %v), got %q (%d)", r.min, r.max, v, len(v))
		case r.pattern != "" && !regexp.MustCompile(r.pattern).MatchString(v), r.also != nil && !r.also(v):
			return fmt.Sprintf("%s, got %q", r.want, v)
		}
	case float64:
		if r.allowed != nil && !slices.Contains(r.allowed, value.Text(v)) {
			return fmt.Sprintf("expected one of %s, got %v", strings.Join(r.allowed, ", "), v)
		}
		if r.allowed == nil && (v < r.min || r.max > 0 && v > r.max) {
			return fmt.Sprintf("expected to be in the range (%v - %v), got %v", r.min, r.max, v)
		}
	case []any:
		for _, e := range v {
			if reason := r.check(e); reason != "" {
				return reason
			}
		}
	}
	return ""
}

var tagCharacters = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`) })

// checkTags refuses what AWS refuses in tags.
func checkTags(typ string, tags resource.PropertyMap) []problem {
	var out []problem
	if len(tags) > 50 {
		out = append(out, problem{"tags", fmt.Sprintf("tags: at most 50 tags are allowed, got %d", len(tags))})
	}
	for _, key := range tags.StableKeys() {
		k, v := string(key), tags[key]
		path := "tags." + k
		switch {
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			out = append(out, problem{path, fmt.Sprintf("tags: the key %q begins with aws:, which is reserved", k)})
		case k == "" || len([]rune(k)) > 128 || !tagCharacters().MatchString(k):
			out = append(out, problem{path, fmt.Sprintf("tags: the key %q must have 1 to 128 letters, digits, spaces or _ . : / = + - @", k)})
		}
		if !v.IsString() {
			continue
		}
		if s := v.StringValue(); len([]rune(s)) > 256 || !tagCharacters().MatchString(s) {
			out = append(out, problem{path, fmt.Sprintf("tags: the value of %q must have at most 256 letters, digits, spaces or _ . : / = + - @, got %q", k, s)})
		}
	}
	return out
}

var bucketPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`) })

// validBucketName follows the rules in Amazon S3's user guide, "Bucket naming rules".
func validBucketName(name string) bool {
	return bucketPattern().MatchString(name) && !strings.Contains(name, "..") && net.ParseIP(name) == nil &&
		!slices.ContainsFunc([]string{"xn--", "sthree-", "amzn-s3-demo-"}, func(p string) bool { return strings.HasPrefix(name, p) }) &&
		!slices.ContainsFunc([]string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}, func(s string) bool { return strings.HasSuffix(name, s) })
}

var regionPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`) })

func validRegion(r string) bool { return regionPattern().MatchString(r) }

// rules are the rules by type; those that a program of ours can break.
var rules = sync.OnceValue(func() map[string][]rule {
	onlyBucket := rule{property: "bucket", also: validBucketName, want: "a bucket's name must have 3 to 63 lower-case letters, digits, hyphens or dots, with a letter or digit at both ends, and must not begin or end as S3 reserves"}
	rdsName := func(property string) rule {
		return rule{
			property: property, max: 63, pattern: `^[a-z]([a-z0-9-]*[a-z0-9])?$`,
			also: func(s string) bool { return !strings.Contains(s, "--") },
			want: "only lower-case letters, digits and hyphens, a letter first, no two hyphens in a row, no hyphen last",
		}
	}
	policy := func(property string) rule {
		return rule{property: property, also: func(s string) bool { return json.Valid([]byte(s)) }, want: "contains an invalid JSON policy"}
	}
	recovery := []string{"0"} // at once, or in 7 to 30 days
	for days := 7; days <= 30; days++ {
		recovery = append(recovery, strconv.Itoa(days))
	}
	iamName := func(limit float64) rule {
		return rule{property: "name", min: 1, max: limit, pattern: `^[\w+=,.@-]+$`, want: "only letters, digits and _ + = , . @ -"}
	}
	balancerName := rule{
		property: "name", min: 1, max: 32, pattern: `^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`,
		want: "only letters, digits and hyphens, no hyphen first or last",
	}
	retention := []string{"0", "1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731", "1096", "1827", "2192", "2557", "2922", "3288", "3653"}
	return map[string][]rule{
		typeBucket: {onlyBucket, {property: "bucketPrefix", max: 37}},
		"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": {{property: "expectedBucketOwner", pattern: `^[0-9]{12}$`, want: "an account id of 12 digits"}},
		typeObject: {{property: "key", min: 1, max: 1024}},
		typeDatabase: {
			rdsName("identifier"),
			{property: "finalSnapshotIdentifier", max: 255, pattern: `^[A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?$`, also: func(s string) bool { return !strings.Contains(s, "--") }, want: "only letters, digits and hyphens, a letter first, no two hyphens in a row, no hyphen last"},
			{property: "instanceClass", pattern: `^db\.[a-z0-9-]+\.[a-z0-9]+$`, want: "an instance class such as db.t4g.micro"},
			{property: "password", min: 8, max: 128, pattern: `^[^/"@ ]*$`, want: `only printable characters, none of / " @ and space`},
			{property: "username", min: 1, max: 63, pattern: `^[A-Za-z][A-Za-z0-9_]*$`, also: func(s string) bool { return !slices.Contains([]string{"admin_user", "rdsadmin", "postgres_admin"}, s) }, want: "only letters, digits and underscores, a letter first, no reserved word"},
			{property: "dbName", min: 1, max: 64, pattern: `^[A-Za-z_][A-Za-z0-9_]*$`, want: "only letters, digits and underscores, a letter first"},
			{property: "backupRetentionPeriod", max: 35}, {property: "allocatedStorage", min: 5, max: 65536},
			{property: "storageType", allowed: []string{"standard", "gp2", "gp3", "io1", "io2"}},
			{property: "monitoringInterval", allowed: []string{"0", "1", "5", "10", "15", "30", "60"}},
			{property: "engineLifecycleSupport", allowed: []string{"open-source-rds-extended-support", "open-source-rds-extended-support-disabled"}},
			{property: "maintenanceWindow", pattern: `(?i)^(mon|tue|wed|thu|fri|sat|sun):\d{2}:\d{2}-(mon|tue|wed|thu|fri|sat|sun):\d{2}:\d{2}$`, want: "ddd:hh24:mi-ddd:hh24:mi"},
			{property: "backupWindow", pattern: `^\d{2}:\d{2}-\d{2}:\d{2}$`, want: "hh24:mi-hh24:mi"},
		},
		typeSubnetGroup:    {{property: "name", min: 1, max: 255, pattern: `^[ .0-9a-z_-]+$`, also: func(s string) bool { return s != "default" }, want: "only lower-case letters, digits, hyphens, underscores, periods and spaces, and not default"}},
		typeParameterGroup: {{property: "name", max: 255, pattern: `^[a-z]([0-9a-z-]*[0-9a-z])?$`, also: func(s string) bool { return !strings.Contains(s, "--") }, want: "only lower-case letters, digits and hyphens, a letter first, no two hyphens in a row, no hyphen last"}},
		typeEnvironment: {
			{property: "name", min: 4, max: 40, pattern: `^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`, want: "only letters, digits and hyphens, no hyphen first or last"},
			{property: "cnamePrefix", min: 4, max: 63, pattern: `^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`, want: "only letters, digits and hyphens, no hyphen first or last"},
			{property: "tier", allowed: []string{"WebServer", "Worker"}},
			{property: "description", max: 200},
			{property: "waitForReadyTimeout", pattern: `^([0-9.]+(ns|us|ms|s|m|h))+$`, want: "a duration such as 20m"},
		},
		typeApplication:        {{property: "name", min: 1, max: 100, pattern: `^[^/]+$`, want: "no slash"}, {property: "description", max: 200}},
		typeApplicationVersion: {{property: "name", min: 1, max: 100, pattern: `^[^/]+$`, want: "no slash"}, {property: "description", max: 200}},
		typeRole:               {iamName(64), policy("assumeRolePolicy"), {property: "maxSessionDuration", min: 3600, max: 43200}, {property: "path", max: 512, pattern: `^/(.*/)?$`, want: "a path that begins and ends with /"}},
		typeInstanceProfile:    {iamName(128)},
		typePolicy:             {iamName(128), policy("policy")},
		typeRolePolicy:         {iamName(128), policy("policy")},
		typeRoleAttachment:     {{property: "policyArn", pattern: `^arn:aws[\w-]*:`, want: "an ARN"}},
		typeBalancer:           {balancerName, {property: "loadBalancerType", allowed: []string{"application", "network", "gateway"}}, {property: "ipAddressType", allowed: []string{"ipv4", "dualstack", "dualstack-without-public-ipv4"}}, {property: "idleTimeout", min: 1, max: 4000}},
		typeTargetGroup:        {balancerName, {property: "targetType", allowed: []string{"instance", "ip", "lambda", "alb"}}, {property: "port", min: 1, max: 65535}, {property: "protocol", allowed: []string{"GENEVE", "HTTP", "HTTPS", "TCP", "TCP_UDP", "TLS", "UDP"}}},
		typeListener:           {{property: "port", min: 1, max: 65535}, {property: "protocol", allowed: []string{"GENEVE", "HTTP", "HTTPS", "TCP", "TCP_UDP", "TLS", "UDP"}}},
		typeListenerRule:       {{property: "priority", min: 1, max: 50000}},
		typeSecurityGroup: {
			{property: "name", min: 1, max: 255, also: func(s string) bool { return !strings.HasPrefix(s, "sg-") && s != "default" }, want: "a name that does not begin with sg-"},
			{property: "description", max: 255, pattern: `^[0-9A-Za-z_ .:/()#,@\[\]+=&;{}!$*-]*$`, want: `only letters, digits, spaces and _.:/()#,@[]+=&;{}!$*-`},
		},
		typeSecurityGroupRule:              {{property: "type", allowed: []string{"ingress", "egress"}}, {property: "fromPort", min: -1, max: 65535}, {property: "toPort", min: -1, max: 65535}, {property: "cidrBlocks", also: validCIDR, want: "an IPv4 range such as 10.0.0.0/16"}},
		typeVPC:                            {{property: "cidrBlock", also: validCIDR, want: "an IPv4 range such as 10.0.0.0/16"}},
		typeRecord:                         {{property: "type", allowed: []string{"A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT"}}, {property: "name", also: validDNSName, want: "labels of 1 to 63 letters, digits, hyphens, underscores or a *"}, {property: "ttl", max: 2147483647}},
		typeZone:                           {{property: "name", also: validDNSName, want: "labels of 1 to 63 letters, digits, hyphens or underscores"}},
		typeLogGroup:                       {{property: "name", min: 1, max: 512, pattern: `^[.\-_/#A-Za-z0-9]+$`, want: "only letters, digits and . - _ / #"}, {property: "retentionInDays", allowed: retention}},
		"aws:s3/bucketPolicy:BucketPolicy": {policy("policy")},
		typeSecret:                         {{property: "name", min: 1, max: 512, pattern: `^[\w/+=.@!-]+$`, want: "only letters, digits and / _ + = . @ - !"}, {property: "recoveryWindowInDays", allowed: recovery}},
		typeParameter:                      {{property: "type", allowed: []string{"String", "StringList", "SecureString"}}, {property: "name", min: 1, max: 2048}},
		typeCertificate:                    {{property: "validationMethod", allowed: []string{"DNS", "EMAIL", "NONE"}}, {property: "domainName", max: 253, also: validDNSName, want: "a domain name"}},
	}
})

func validCIDR(s string) bool {
	ip, network, err := net.ParseCIDR(s)
	return err == nil && ip.To4() != nil && ip.Equal(network.IP)
}

var labelPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\*|[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)$`)
})

func validDNSName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return s == ""
	}
	return !slices.ContainsFunc(strings.Split(s, "."), func(l string) bool { return !labelPattern().MatchString(l) })
}
