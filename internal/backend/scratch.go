package backend

import (
	"context"
	"errors"

	"github.com/branchenv/branchenv/stacks/names"
)

// Scratch creates a backend in a folder, with an empty stack and a copy of the application stack, whose outputs the program
// reads. The stack is not created in b itself, because an `up` of the same branch at any time would adopt it.
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

// Scratch returns errors.ErrUnsupported: only pulumi can create a stack in Pulumi Cloud.
func (b *cloudBackend) Scratch(context.Context, string, string) error { return errors.ErrUnsupported }
