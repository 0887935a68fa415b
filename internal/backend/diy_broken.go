package backend

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
	"github.com/branchenv/branchenv/stacks/names"
)

// unreadable returns the error of a stack that cannot be read, with a hint that depends on the cause.
func (b *diyBackend) unreadable(ctx context.Context, f Facts, k *stackObjects, why failure) error {
	err := fault.Failedf("read the %s of stack %s: %s: %w", why.what, f.Name, b.address(why.object.key), why.err)
	if !errors.As(why.err, &damaged{}) {
		return err.WithHint("check that the credentials may read it, then run the same command again")
	}
	switch why.what {
	case "state":
		return err.WithHint("%s", b.restoreHint(ctx, f, k))
	case "tags":
		return err.WithHint("remove the file and set the tags again: %s; %s", b.removeCommand(k.tags), b.setTagsCommands(f))
	case "history":
		return err.WithHint("remove the file; the one before it counts then, and the next up or destroy writes a new one: %s", b.removeCommand(k.history))
	}
	return err.WithHint("if nobody works on the stack, remove the file: %s", b.removeCommand(why.object))
}

// classifyMissing classifies a stack that has tags or a history but no checkpoint. unfinished: its creation was interrupted
// before the first checkpoint, or its removal after the last. Otherwise its state is lost, and broken says so.
func (b *diyBackend) classifyMissing(ctx context.Context, f Facts, k *stackObjects) (unfinished bool, broken error) {
	if (f.LastUpdate == nil || f.destroyed()) && b.lastCopyEmpty(ctx, f.Name, k) {
		return true, nil
	}
	return false, fault.Refusedf("the state of stack %s is gone, and what it had may still be there: %s lacks its checkpoint", f.Name, b.address(b.folder("stacks", f.Name)+"json")).
		WithHint("%s", b.restoreHint(ctx, f, k))
}

// lastCopyEmpty reports whether the last checkpoint was empty, or never existed. pulumi copies the checkpoint when it removes a
// stack.
func (b *diyBackend) lastCopyEmpty(ctx context.Context, stack string, k *stackObjects) bool {
	for _, o := range k.copies {
		if !strings.HasSuffix(o.key, ".bak") {
			continue
		}
		s, err := b.state(ctx, stack, o)
		return err == nil && s.Empty()
	}
	return true
}

// restoreHint returns the hint that restores a lost state from the newest copy that can be read.
func (b *diyBackend) restoreHint(ctx context.Context, f Facts, k *stackObjects) fault.Text {
	target := b.folder("stacks", f.Name) + "json"
	from, newest := b.newestCopy(ctx, f.Name, k)
	if from.key == "" {
		return fault.Textf("no copy of it can be read: restore %s from a backup of the backend; without one, delete by hand what AWS has with the tag %s=%s, then %s",
			b.address(target), names.TagStack, f.Name, b.removeCommands(k))
	}
	if extension := path.Ext(strings.TrimSuffix(from.key, ".bak")); extension != ".json" {
		target += extension // it is compressed
	}
	up := fault.Command{"up", cmp.Or(f.Tags[names.TagBranch], "BRANCH")}
	if f.Name == names.ApplicationStack {
		up = fault.Command{"application", "up"}
	}
	return fault.Textf("restore it from the newest copy that can be read, of %s with %s: %s; then %s brings it in line. What was made after the copy, %s finds by its tags",
		text.Stamp(newest.Manifest.Time), text.Count(len(newest.AWS()), "AWS resource"), b.copyCommand(from, target), up, fault.Command{"doctor"})
}

// newestCopy returns the newest copy of a stack's state that can be read. pulumi keeps one beside the state, one in the history
// and one among the backups of each update. branchenv keeps the state before the last run (space.go).
func (b *diyBackend) newestCopy(ctx context.Context, stack string, k *stackObjects) (from object, newest State) {
	copies := slices.Clone(k.copies)
	older, err := b.objects(ctx, b.folder("backups", stack))
	if err == nil && len(older) > 0 { // each name ends in its time
		copies = append(copies, slices.MaxFunc(older, func(a, b object) int { return strings.Compare(a.key, b.key) }))
	}
	for _, o := range append(copies, b.ownCopies(ctx, stack)...) {
		s, err := b.state(ctx, stack, o)
		if err == nil && (from.key == "" || s.Manifest.Time.After(newest.Manifest.Time)) {
			from, newest = o, s
		}
	}
	return from, newest
}

// ownCopies returns the copies of a stack's state that branchenv made; none if they cannot be listed.
func (b *diyBackend) ownCopies(ctx context.Context, stack string) []object {
	own, err := b.objects(ctx, ".branchenv/state-copies/"+b.project+"/"+stack+".")
	if err != nil {
		return nil
	}
	return own
}

// removeCommands returns the commands that remove everything left of a stack.
func (b *diyBackend) removeCommands(k *stackObjects) string {
	var commands []string
	for _, o := range []object{k.checkpoint, k.tags, k.history} {
		if o.key != "" {
			commands = append(commands, b.removeCommand(o))
		}
	}
	return strings.Join(commands, "; ")
}

// address returns the place of an object, for people.
func (b *diyBackend) address(key string) string { return b.base + "/" + key }

// removeCommand returns the command that removes an object.
func (b *diyBackend) removeCommand(o object) string {
	if b.root != "" {
		return "rm " + fault.ShellWord(b.address(o.key))
	}
	return "aws s3 rm " + fault.ShellWord(b.address(o.key))
}

// copyCommand returns the command that copies an object.
func (b *diyBackend) copyCommand(from object, to string) string {
	command := "aws s3 cp "
	if b.root != "" {
		command = "cp "
	}
	return command + fault.ShellWord(b.address(from.key)) + " " + fault.ShellWord(b.address(to))
}

// setTagsCommands returns the commands that set the tags of a stack again, from the spec of its last update.
func (b *diyBackend) setTagsCommands(f Facts) string { return b.Location().SetTagsCommands(f) }
