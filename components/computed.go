package components

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// first is the text that get reads from the first of the things that the provider computes and puts in list. A preview
// of the change that makes them shows the list as it was, empty: then the text is not known yet. Afterwards an empty
// list is an error that names what was expected. Index, which the SDK offers, ends the program where a list is empty.
func first[T any](ctx *pulumi.Context, list pulumi.Output, what string, get func(T) *string) pulumi.StringOutput {
	known := list.ApplyT(func(items []T) (any, error) {
		if len(items) > 0 {
			if text := get(items[0]); text != nil && *text != "" {
				return *text, nil
			}
		}
		if ctx.DryRun() {
			return pulumi.UnsafeUnknownOutput(nil), nil
		}
		return nil, fmt.Errorf("AWS tells of no %s", what)
	})
	return known.ApplyT(func(text any) string {
		s, _ := text.(string)
		return s
	}).(pulumi.StringOutput)
}
