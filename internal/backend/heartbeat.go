package backend

import (
	"context"
	"maps"

	"gocloud.dev/gcerrors"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/stacks/names"
)

func (b *diyBackend) heartbeatKey() string { return ".branchenv/heartbeat-" + b.project + ".json" }

func (b *diyBackend) Heartbeat(ctx context.Context) ([]byte, error) {
	text, err := b.bucket.ReadAll(ctx, b.heartbeatKey())
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Failedf("read reconcile's heartbeat: %w", err)
	}
	return text, nil
}

func (b *diyBackend) SetHeartbeat(ctx context.Context, text []byte) error {
	if err := b.bucket.WriteAll(ctx, b.heartbeatKey(), text, nil); err != nil {
		return fault.Failedf("write reconcile's heartbeat: %w", err)
	}
	return nil
}

func (b *cloudBackend) Heartbeat(ctx context.Context) ([]byte, error) {
	f, err := b.Read(ctx, names.ApplicationStack)
	if err != nil || f == nil {
		return nil, err
	}
	return []byte(f.Tags[names.TagHeartbeat]), nil
}

func (b *cloudBackend) SetHeartbeat(ctx context.Context, text []byte) error {
	f, err := b.Read(ctx, names.ApplicationStack)
	if err != nil {
		return err
	}
	if f == nil {
		return NoApplicationError()
	}
	tags := maps.Clone(f.Tags)
	tags[names.TagHeartbeat] = string(text)
	return b.SetTags(ctx, names.ApplicationStack, tags)
}
