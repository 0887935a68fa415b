package names

// Repository identifies the repository of a source. Names may change and be reused, so only ID counts.
type Repository struct {
	ID      string // the value in stack tags: github:NUMBER, or git: and the normalised remote
	Name    string // for people: github.com/owner/name, or the remote
	Default string // the default branch; "" if it is not known
}

// Describe returns the repository's name and ID, for messages.
func (i Repository) Describe() string {
	if i.Name == "" || i.ID == "git:"+i.Name {
		return i.ID
	}
	return i.Name + " (" + i.ID + ")"
}

// IsDefault reports whether branch is the default branch of the source, which never expires and is never destroyed. If the
// default branch is unknown, the first non-empty tag in recorded decides.
func (i Repository) IsDefault(branch string, recorded ...string) bool {
	if i.Default != "" {
		return i.Default == branch
	}
	for _, tag := range recorded {
		if tag != "" {
			return tag == BranchTag(branch)
		}
	}
	return false
}

// SetTags stores the repository and its default branch in a stack's tags.
func (i Repository) SetTags(tags map[string]string) {
	if i.ID != "" {
		tags[TagSource], tags[TagSourceName] = i.ID, TruncateTag(i.Name)
	}
	if i.Default != "" {
		tags[TagDefault] = BranchTag(i.Default)
	}
}
