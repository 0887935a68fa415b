package aws

import (
	"context"
	"strings"
	"unicode"
)

// Type is what branchenv knows of one type of AWS resources.
type Type struct {
	// Token is Pulumi's type token, for instance aws:rds/instance:Instance.
	Token string
	// Noun is what people call such a resource: "database". A type that is not registered is named after its token.
	Noun string

	pace     pace
	describe describer // nil if AWS cannot be asked for such a resource
	find     finder    // nil only for a type that is not registered
	arn      arnForm   // empty if describe needs more than the ARN
}

// Slow reports whether AWS takes minutes to create or delete such a resource.
func (t Type) Slow() bool { return t.pace == slow }

// pace says how long AWS takes to create or delete a resource.
type pace int

const (
	quick pace = iota + 1 // seconds
	slow                  // minutes
)

// describer asks AWS whether a resource exists. Ids and properties are those of the provider's schema. The provider invents the
// ids of records, policies and rules; for these the properties hold AWS's names.
type describer func(*Client, context.Context, Resource) (answer, error)

// finder finds a resource by its inputs. gone lists the error codes that mean that there is none.
type finder func(*Client, context.Context, Resource) (found Found, gone []string, err error)

// registry holds every type that branchenv creates or asks AWS for. A new service is one file, types_SERVICE.go, and one
// line here.
var registry = byToken(
	acmTypes,
	beanstalkTypes,
	cloudWatchTypes,
	ec2Types,
	elbTypes,
	iamTypes,
	rdsTypes,
	route53Types,
	s3Types,
	secretsManagerTypes,
)

func byToken(services ...[]Type) map[string]Type {
	all := map[string]Type{}
	for _, types := range services {
		for _, t := range types {
			all[t.Token] = t
		}
	}
	return all
}

// TypeOf returns what is known of a type. Of an unregistered type that is the noun, and for a bucket's setting that it goes with
// its bucket.
func TypeOf(token string) Type {
	if t, ok := registry[token]; ok {
		return t
	}
	t := Type{Token: token, Noun: noun(token)}
	if strings.HasPrefix(token, bucketSettings) {
		t.describe = (*Client).describeBucketSetting
	}
	return t
}

// noun returns the last part of a token in words: "bar baz" for aws:foo/barBaz:BarBaz.
func noun(token string) string {
	last := token[strings.LastIndex(token, ":")+1:]
	var b strings.Builder
	var before rune
	for _, r := range last {
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
		before = r
	}
	if b.Len() == 0 {
		return "resource"
	}
	return b.String()
}
