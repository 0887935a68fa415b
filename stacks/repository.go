package stacks

// Identity says which repository a source is. The same name may be another repository tomorrow, and another name the
// same: only ID counts.
type Identity struct {
	ID      string // as it is kept in stack tags: github:NUMBER, or git: and the normalised remote
	Name    string // for people: github.com/owner/name, or the remote
	Default string // the default branch; "" if it is not known
}

// describe names i for a message.
func (i Identity) describe() string {
	if i.Name == "" || i.ID == "git:"+i.Name {
		return i.ID
	}
	return i.Name + " (" + i.ID + ")"
}

// isDefault reports whether branch is the source's default branch, which never expires and is never destroyed. If the
// source does not say which that is, it is the one that was recorded last, in one of the tags.
func (i Identity) isDefault(branch string, recorded ...string) bool {
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

// record notes in a stack's tags which source it follows, and the source's default branch.
func (i Identity) record(tags map[string]string) {
	if i.ID != "" {
		tags[tagSource], tags[tagSourceName] = i.ID, cutTag(i.Name)
	}
	if i.Default != "" {
		tags[tagDefault] = BranchTag(i.Default)
	}
}
