package names

import "github.com/branchenv/branchenv/internal/text"

// TruncateTag cuts the value of a stack tag to what Pulumi takes, 256 bytes.
func TruncateTag(value string) string { return text.Cut(value, 250) }
