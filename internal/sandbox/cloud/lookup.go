package cloud

import (
	"fmt"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// A Function answers a look-up of a program.
type Function func(*Lookup) (value.Object, error)

// A Lookup is a call of a Function, inside a transaction.
type Lookup struct {
	*Operation
	Args value.Object
}

// Lookup calls a function by its token. It returns the function's own outputs only.
func (c *Cloud) Lookup(token, region string, args value.Object) (value.Object, error) {
	f, known := c.Functions[token]
	if !known {
		return nil, fmt.Errorf("the sandbox does not know the function %s", token)
	}
	var out value.Object
	err := c.Store.Do(func(t *Tx) error {
		fault, err := t.fault(c.faults, "invoke", token, token[strings.LastIndex(token, ":")+1:])
		if err != nil {
			return err
		}
		if refused := fault.Refusal(); refused != nil {
			return fmt.Errorf("invoking %s: api error %w", token, refused)
		}
		fault.kill()
		out, err = f(&Lookup{Operation: &Operation{Cloud: c, Tx: t, Region: region}, Args: args})
		return err
	})
	return out, err
}
