// Package components has the Pulumi components that environments are made of: BeanstalkEnv, BranchDatabase,
// AssetsBucket and BranchDNS for one environment, and SharedBalancer, WildcardCertificate, DatabaseSubnets,
// BeanstalkServiceRole and BeanstalkApplication for what environments share.
//
// The rules: settings are plain Go values, other resources' outputs are Pulumi inputs, and every AWS name is given by
// the caller. Arguments are checked before anything is registered, everything that is wrong with them at once. Every
// child's logical name begins with its component's, so a component can be used many times in one program. AWS tags come
// from the provider's default tags. Nothing is known here of settings files or branches.
package components

import (
	"fmt"
	"regexp"
	"strings"
)

// faults collects what is wrong with a component's arguments.
type faults []string

// check adds a fault unless ok.
func (f *faults) check(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

// err is the error for the component of that type and logical name, nil without a fault.
func (f faults) err(component, name string) error {
	if len(f) == 0 {
		return nil
	}
	return fmt.Errorf("%s %s: %s", component, name, strings.Join(f, "; "))
}

// variableName is a name that a shell and Beanstalk take for an environment variable.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// hostName is a lower-case DNS name of at least two labels.
var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// isHost tells whether s is a full host name, at most 253 characters.
func isHost(s string) bool { return len(s) <= 253 && hostName.MatchString(s) }
