package names

import "github.com/branchenv/branchenv/internal/text"

// TruncateTag returns value cut to fit into a stack tag: Pulumi accepts 256 bytes.
func TruncateTag(value string) string { return text.Cut(value, 250) }
