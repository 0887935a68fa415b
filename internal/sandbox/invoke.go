package sandbox

import (
	"fmt"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// lookup answers a function of the provider from what exists.
func (c *cloud) lookup(token, region string, args value.Object) (value.Object, error) {
	f, known := c.functions[token]
	if !known {
		return nil, fmt.Errorf("the sandbox does not know the function %s", token)
	}
	var out value.Object
	err := c.store.do(func(t *tx) error {
		fault, err := t.fault(c.given, "invoke", token, token[strings.LastIndex(token, ":")+1:])
		if err != nil {
			return err
		}
		if refused := fault.refusal(); refused != nil {
			return fmt.Errorf("invoking %s: api error %w", token, refused)
		}
		fault.kill()
		out, err = f(&lookup{op: &op{cloud: c, tx: t, region: region}, args: args})
		return err
	})
	return out, err
}
