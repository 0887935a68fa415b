package stacks

import (
	"context"
	"slices"
	"strings"
)

// warnOfOthers warns if the backend has stacks of other projects and, as the caller found, none of this one: then project
// was probably renamed in the settings, and the environments that exist go on under the old name, unseen.
func (m Manager) warnOfOtherProjects(ctx context.Context) {
	others, err := m.backend.Projects(ctx)
	others = slices.DeleteFunc(others, func(name string) bool { return name == m.file.Project })
	if err != nil || len(others) == 0 { // it is only advice
		return
	}
	m.warn("", "the backend has no stack of project "+m.file.Project+", but of "+
		strings.Join(others, ", ")+": if project was renamed in the settings, set it back; those environments still exist and cost money")
}
