package aws

import "strings"

// arnForm is the form of a type's ARNs.
// https://docs.aws.amazon.com/service-authorization/latest/reference/
type arnForm struct {
	service string
	kind    string // what the ARN's last part begins with, up to a slash or a colon; "" if it is the name alone
	// resource returns the resource of an ARN. rest is the ARN's last part without kind. Nil if rest is the id and the name.
	resource func(arn, rest string) Resource
}

// FromARN returns the resource of an ARN. It reports false if Describe needs to know more than the ARN.
func FromARN(arn string) (Resource, bool) {
	parts := strings.SplitN(arn, ":", 6) // arn:PARTITION:SERVICE:REGION:ACCOUNT:REST
	if len(parts) < 6 || parts[0] != "arn" {
		return Resource{}, false
	}
	service, rest := parts[2], parts[5]
	kind, name := "", rest
	if i := strings.IndexAny(rest, "/:"); i >= 0 {
		kind, name = rest[:i], rest[i+1:]
	}
	for _, t := range registry {
		if t.arn.service != service || t.arn.service == "" || t.arn.kind != kind {
			continue
		}
		r := Resource{ID: name, Name: name}
		if t.arn.resource != nil {
			r = t.arn.resource(arn, name)
		}
		r.Type = t.Token
		return r, true
	}
	return Resource{}, false
}

// byARN returns a resource that AWS identifies by its ARN.
func byARN(arn, name string) Resource {
	return Resource{ID: arn, Name: name, Inputs: map[string]any{"arn": arn}}
}

// Is reports whether the state says that r is the resource of that ARN.
func (r Resource) Is(arn string) bool {
	return arn != "" && (r.ID == arn || r.text("arn") == arn)
}
