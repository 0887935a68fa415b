package backend

import (
	"context"
	"errors"

	"github.com/branchenv/branchenv/stacks/names"
)

// Scratch makes a backend in a folder that has an empty stack, and a copy of the application stack, whose outputs the program
// reads. What happens there is nobody else's concern: an `up` of the same branch may come at any time, and would adopt an
// empty stack that it found.
func (b *diyBackend) Scratch(ctx context.Context, folder, stack string) (err error) {
	beside, err := openDIY(ctx, "file://"+folder, b.project)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, beside.Close()) }()
	if err := beside.Create(ctx, stack, nil, func(Lock) bool { return false }); err != nil || stack == names.ApplicationStack {
		return err
	}
	return b.copyStack(ctx, names.ApplicationStack, beside)
}

// Scratch has no use: only pulumi can make a stack in Pulumi Cloud.
func (b *cloudBackend) Scratch(context.Context, string, string) error { return errors.ErrUnsupported }
