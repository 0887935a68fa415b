package config

import "encoding/binary"

// Resolver returns a Resolve that caches. Branches that the same entries of the file match have the same settings, so the
// settings of thousands of branches cost little more than matching their names. The returned settings are shared between
// branches and must not be changed. The function is not safe for concurrent use.
func (f *File) Resolver() func(branch string) (Resolved, error) {
	type result struct {
		resolved Resolved
		err      error
	}
	known := map[string]result{}
	var key []byte
	return func(branch string) (Resolved, error) {
		key = key[:0]
		for i, l := range f.layers.branches {
			if matches(l.match, branch) {
				key = binary.AppendUvarint(key, uint64(i)) // #nosec G115 -- an index
			}
		}
		r, ok := known[string(key)]
		if !ok {
			r.resolved, r.err = f.Resolve(branch)
			known[string(key)] = r
		}
		return r.resolved, r.err
	}
}
