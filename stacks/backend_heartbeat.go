package stacks

import (
	"context"
	"maps"

	"gocloud.dev/gcerrors"

	"github.com/branchenv/branchenv/internal/fault"
)

func (b *diyBackend) heartbeatKey() string { return ".branchenv/heartbeat-" + b.project + ".json" }

func (b *diyBackend) heartbeat(ctx context.Context) ([]byte, error) {
	text, err := b.bucket.ReadAll(ctx, b.heartbeatKey())
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Failedf("read reconcile's heartbeat: %w", err)
	}
	return text, nil
}

func (b *diyBackend) beat(ctx context.Context, text []byte) error {
	if err := b.bucket.WriteAll(ctx, b.heartbeatKey(), text, nil); err != nil {
		return fault.Failedf("write reconcile's heartbeat: %w", err)
	}
	return nil
}

func (b *cloudBackend) heartbeat(ctx context.Context) ([]byte, error) {
	f, err := b.read(ctx, ApplicationStack)
	if err != nil || f == nil {
		return nil, err
	}
	return []byte(f.tags[tagHeartbeat]), nil
}

func (b *cloudBackend) beat(ctx context.Context, text []byte) error {
	f, err := b.read(ctx, ApplicationStack)
	if err != nil {
		return err
	}
	if f == nil {
		return noApplication()
	}
	tags := maps.Clone(f.tags)
	tags[tagHeartbeat] = string(text)
	return b.setTags(ctx, ApplicationStack, tags)
}
