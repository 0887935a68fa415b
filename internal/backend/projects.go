package backend

import (
	"context"
	"errors"
	"io"
	"path"
	"slices"

	"gocloud.dev/blob"
)

// Projects returns the names of the projects with stacks in the backend, sorted.
func (b *diyBackend) Projects(ctx context.Context) ([]string, error) {
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

// Projects returns none: Pulumi Cloud lists the stacks of one project only.
func (b *cloudBackend) Projects(context.Context) ([]string, error) { return nil, nil }
