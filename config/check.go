package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// This file checks each setting by itself. A check returns what is wrong and what to write instead.

var (
	instanceType = regexp.MustCompile(`^[a-z][a-z0-9-]*\.(nano|micro|small|medium|large|[0-9]*xlarge|metal(-[0-9]+xl)?)$`)
	databaseType = regexp.MustCompile(`^db\.[a-z][a-z0-9-]*\.(micro|small|medium|large|[0-9]*xlarge)(\.tpc[0-9]\.mem[0-9]+x)?$`)
	versionText  = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	sqlName      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)
	secretARN    = regexp.MustCompile(`^arn:aws[a-z-]*:(?:secretsmanager:([a-z0-9-]+):[0-9]{12}:secret:[A-Za-z0-9/_+=.@:-]+|ssm:([a-z0-9-]+):[0-9]{12}:parameter/[A-Za-z0-9/_.-]+)$`)
)

// retentions returns the numbers of days for which Beanstalk lets CloudWatch Logs keep its logs. CloudWatch itself allows
// a few more.
// Source: developer guide of Elastic Beanstalk, namespace aws:elasticbeanstalk:cloudwatch:logs.
func retentions() []int {
	return []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653}
}

// SecretPrefix returns how the names of the secrets begin that the environments of a Beanstalk application may read. In SSM
// a slash precedes it.
func SecretPrefix(project, application string) string {
	return "branchenv/" + project + "/" + application + "/"
}

// MayRead reports whether the environments of a Beanstalk application may read the secret or SSM parameter with that ARN.
// The role of their instances allows no other, and Beanstalk would report that only after the first instance has started.
func MayRead(project, application, arn string) bool {
	prefix := SecretPrefix(project, application)
	parts := strings.SplitN(arn, ":", 6) // arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE
	if len(parts) < 6 {
		return false
	}
	return parts[2] == "secretsmanager" && strings.HasPrefix(parts[5], "secret:"+prefix) ||
		parts[2] == "ssm" && strings.HasPrefix(parts[5], "parameter/"+prefix)
}

// checkSetting checks a value of Settings.
func checkSetting(path, key string, value any) (what, instead string) {
	switch v := value.(type) {
	case int:
		return checkNumber(path, v)
	case Duration:
		if path == "timeout" && (v < Duration(time.Minute) || v > Duration(24*time.Hour)) {
			return v.String() + " is not a sensible timeout", "write 1m to 24h"
		}
		return "", ""
	case string:
		if values := choices(path); values != nil {
			if !slices.Contains(values, v) {
				return quote(v) + " is not allowed", suggestion(v, values)
			}
			return "", ""
		}
		return checkText(path, key, v)
	}
	return "", ""
}

// choices returns the words that a setting allows, or nil if it allows others.
func choices(path string) []string {
	switch path {
	case "create":
		return []string{"auto", "manual"}
	case "application":
		return []string{Production, Staging}
	case "platform":
		return []string{"beanstalk"}
	case "balancer":
		return []string{"shared", "own", "none"}
	case "deployment.policy":
		return []string{"AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable"}
	case "database.engine":
		return []string{"postgres", "mysql", "none"}
	}
	return nil
}

// numberLimits returns the least and the greatest number of each setting.
func numberLimits() map[string][2]int {
	return map[string][2]int{
		"instances.min":         {1, 10_000},
		"instances.max":         {1, 10_000},
		"deployment.batchSize":  {1, 100},
		"health.port":           {1, 65_535},
		"database.storage":      {20, 65_536},
		"database.backupDays":   {0, 35},
		"assets.noncurrentDays": {1, 36_500},
	}
}

func checkNumber(path string, n int) (what, instead string) {
	if path == "logs.retentionDays" {
		if days := retentions(); !slices.Contains(days, n) {
			list := strings.Trim(fmt.Sprint(days), "[]")
			return fmt.Sprintf("Beanstalk does not keep logs for %d days", n), "use one of " + strings.ReplaceAll(list, " ", ", ")
		}
		return "", ""
	}
	if limit, ok := numberLimits()[path]; ok && (n < limit[0] || n > limit[1]) {
		return fmt.Sprintf("%d is out of range", n), fmt.Sprintf("write a number from %d to %d", limit[0], limit[1])
	}
	return "", ""
}

func checkText(path, key, s string) (what, instead string) {
	switch path {
	case "image":
		return checkImage(s)
	case "instances.type":
		if strings.HasPrefix(s, "db.") {
			return quote(s) + " is a database class", "write an EC2 instance type such as t3.micro"
		}
		return matching(s, instanceType, "an EC2 instance type", "t3.micro")
	case "health.path":
		if !strings.HasPrefix(s, "/") || strings.ContainsAny(s, " #") || len(s) > 1024 {
			return quote(s) + " is not a path", "write one such as /health"
		}
	case "environment", "secrets":
		return checkVariable(path, key, s)
	case "database.version":
		return matching(s, versionText, "a version", "16 or 16.4")
	case "database.class":
		return matching(s, databaseType, "a database class", "db.t4g.micro")
	case "database.username", "database.name":
		return matching(s, sqlName, "a name that RDS takes", "app: a letter, then letters, digits and underscores")
	case "assets.corsOrigins":
		if u, err := url.Parse(s); s != "*" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" ||
			u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.Count(s, "*") > 1) {
			return quote(s) + " is not an origin", "write https://app.example.com, with at most one *"
		}
	}
	return "", ""
}

// ReservedVariables returns the environment variables that branchenv sets itself. Settings must not name them.
func ReservedVariables() []string {
	return []string{
		"BRANCH_NAME", "ENVIRONMENT_KIND", "ENVIRONMENT_URL", "AWS_REGION", "ASSETS_BUCKET",
		"DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME", "DATABASE_USER", "DATABASE_INSTANCE",
		"DATABASE_PASSWORD", "DATABASE_CREDENTIALS_ARN",
	}
}

// maxVariables is how many bytes the settings' variables may have together. Beanstalk allows 4096. The rest is for
// branchenv's own variables, which may hold a long branch name.
// Source: developer guide of Elastic Beanstalk, "Environment properties and other software settings".
const maxVariables = 3000

func checkVariable(path, name, value string) (what, instead string) {
	switch {
	case !variableName.MatchString(name) || len(name) > 128:
		return quote(name) + " is not a name for an environment variable", "use letters, digits and underscores, no digit first"
	case slices.Contains(ReservedVariables(), name):
		return name + " is set by branchenv", "choose another name"
	case path == "environment" && len(value) > maxVariables:
		return fmt.Sprintf("the value has %d bytes", len(value)), "Beanstalk takes 4096 for all variables together: use a secret or a file"
	case path == "secrets" && !secretARN.MatchString(value):
		return "the value is not the ARN of a secret", "write the ARN of a Secrets Manager secret or an SSM parameter, never the secret itself"
	}
	return "", ""
}

func matching(s string, shape *regexp.Regexp, what, example string) (string, string) {
	if shape.MatchString(s) {
		return "", ""
	}
	return quote(s) + " is not " + what, "write one such as " + example
}

// hint returns s if it matches, else the example.
func hint(shape *regexp.Regexp, s, example string) string {
	if shape.MatchString(s) {
		return s
	}
	return example
}
