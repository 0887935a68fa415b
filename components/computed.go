package components

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// first returns what get reads from the first item of list, which the provider computes. In the preview of a creation the list
// is still empty, so the result is unknown. Later an empty list is an error that names what was expected. The SDK's Index would
// end the program if the list is empty.
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
		return nil, fmt.Errorf("AWS returned no %s", what)
	})
	return known.ApplyT(func(text any) string {
		s, _ := text.(string)
		return s
	}).(pulumi.StringOutput)
}
