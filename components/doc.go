// Package components holds the Pulumi components of environments. BeanstalkEnv, AppGroup, BranchDatabase, AssetsBucket,
// SecretAccess and BranchDNS belong to one environment. SharedBalancer, WildcardCertificate, DatabaseSubnets,
// BeanstalkServiceRole and BeanstalkApplication are shared by environments.
//
// Settings are plain Go values, and other resources' outputs are Pulumi inputs. The caller gives every AWS name. Arguments are
// checked before anything is registered, and all mistakes are reported at once. The logical name of a child begins with its
// component's, so a program can use a component many times. AWS tags come from the provider's default tags. The package knows
// nothing of settings files or branches.
package components

import (
	"fmt"
	"regexp"
	"strings"
)

// mistakes collects what is wrong with a component's arguments.
type mistakes []string

// check adds a mistake unless ok.
func (m *mistakes) check(ok bool, format string, args ...any) {
	if !ok {
		*m = append(*m, fmt.Sprintf(format, args...))
	}
}

// err returns the mistakes as an error of the component with that type and logical name, or nil if there are none.
func (m mistakes) err(component, name string) error {
	if len(m) == 0 {
		return nil
	}
	return fmt.Errorf("%s %s: %s", component, name, strings.Join(m, "; "))
}

// variableName matches the names of environment variables that a shell and Beanstalk accept.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// hostName matches lower-case DNS names of at least two labels.
var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// isHost reports whether s is a full host name of at most 253 characters.
func isHost(s string) bool { return len(s) <= 253 && hostName.MatchString(s) }
