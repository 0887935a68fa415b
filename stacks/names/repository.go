package names

// Repository says which repository a source is. The same name may be another repository tomorrow, and another name the
// same: only ID counts.
type Repository struct {
	ID      string // as it is kept in stack tags: github:NUMBER, or git: and the normalised remote
	Name    string // for people: github.com/owner/name, or the remote
	Default string // the default branch; "" if it is not known
}

// Describe names i for a message.
func (i Repository) Describe() string {
	if i.Name == "" || i.ID == "git:"+i.Name {
		return i.ID
	}
	return i.Name + " (" + i.ID + ")"
}

// IsDefault reports whether branch is the source's default branch, which never expires and is never destroyed. If the
// source does not say which that is, it is the one that was recorded last, in one of the tags.
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

// SetTags notes in a stack's tags which source it follows, and the source's default branch.
func (i Repository) SetTags(tags map[string]string) {
	if i.ID != "" {
		tags[TagSource], tags[TagSourceName] = i.ID, TruncateTag(i.Name)
	}
	if i.Default != "" {
		tags[TagDefault] = BranchTag(i.Default)
	}
}
