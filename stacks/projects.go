package stacks

import (
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"gocloud.dev/blob"
)

// projects returns the names of the projects that have something in the backend, sorted.
func (b *diyBackend) projects(ctx context.Context) ([]string, error) {
	var names []string
	for it := b.bucket.List(&blob.ListOptions{Prefix: ".pulumi/stacks/", Delimiter: "/"}); ; {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			slices.Sort(names)
			return names, nil
		}
		if err != nil {
			return nil, err
		}
		if o.IsDir {
			names = append(names, path.Base(o.Key))
		}
	}
}

// warnOfOthers warns if the backend has stacks of other projects and, as the caller found, none of this one: then project
// was probably renamed in the settings, and the environments that exist go on under the old name, unseen.
func (m *Manager) warnOfOthers(ctx context.Context) {
	b, ok := m.backend.(*diyBackend)
	if !ok { // Pulumi Cloud names each project's stacks apart
		return
	}
	others, err := b.projects(ctx)
	others = slices.DeleteFunc(others, func(name string) bool { return name == m.File.Project })
	if err != nil || len(others) == 0 { // it is only advice
		return
	}
	m.tell("", Event{Kind: Warning, Message: "the backend has no stack of project " + m.File.Project + ", but of " +
		strings.Join(others, ", ") + ": if project was renamed in the settings, set it back; those environments still exist and cost money"})
}
