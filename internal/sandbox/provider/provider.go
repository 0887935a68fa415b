// Package provider is the simulated AWS provider of Pulumi: a gRPC server that the real engine calls in place of the aws
// plugin. It checks inputs against the real provider's schema and the kinds' rules, compares them, converts them to plain
// values, and leaves the rest to package cloud.
//
// It may refuse more than the real provider, never less, and it plans the same replacements.
package provider

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/schema"
)

// A Provider serves all engines that are attached to it. Each provider resource of each engine has a connection, and so a
// session, of its own.
type Provider struct {
	pulumirpc.UnimplementedResourceProviderServer
	aws      *cloud.Cloud
	mu       sync.Mutex
	sessions map[string]*session // by the connection's remote address
}

// A session is a configured provider of an engine.
type session struct {
	config providerConfig
	done   chan struct{} // closed when the engine cancels; ends all waits
	cancel func()
}

// providerConfig is the configuration that the sandbox uses.
type providerConfig struct {
	region      string
	defaultTags map[string]string
}

// New returns a provider for aws.
func New(aws *cloud.Cloud) *Provider {
	return &Provider{aws: aws, sessions: map[string]*session{}}
}

// session returns the caller's session. It begins a new one if there is none, or if renew is set.
func (p *Provider) session(ctx context.Context, renew bool) *session {
	key := ""
	if remote, ok := peer.FromContext(ctx); ok {
		key = remote.Addr.String()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sessions[key]
	if s == nil || renew {
		done := make(chan struct{})
		s = &session{config: providerConfig{region: p.aws.Region}, done: done, cancel: sync.OnceFunc(func() { close(done) })}
		p.sessions[key] = s
	}
	return s
}

// Handshake says what the provider supports. It does not support secrets: the engine itself marks outputs that come from
// secret inputs, and encode marks those that are secret in the schema.
func (p *Provider) Handshake(context.Context, *pulumirpc.ProviderHandshakeRequest) (*pulumirpc.ProviderHandshakeResponse, error) {
	return &pulumirpc.ProviderHandshakeResponse{SupportsAutonamingConfiguration: true}, nil
}

// Attach does nothing: the provider needs nothing from the engine.
func (p *Provider) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// GetPluginInfo returns the version of the schema.
func (p *Provider) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: schema.AWS().Version}, nil
}

// GetSchema is not supported.
func (p *Provider) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return nil, status.Error(codes.Unimplemented, "the sandbox's aws provider has no full schema")
}

// Cancel ends the session's waits. Accepted operations go on, as on AWS.
func (p *Provider) Cancel(ctx context.Context, _ *emptypb.Empty) (*emptypb.Empty, error) {
	p.session(ctx, false).cancel()
	return &emptypb.Empty{}, nil
}

// Check checks and completes a resource's inputs.
func (p *Provider) Check(ctx context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	typ := typeOf(req.GetUrn())
	spec, ok := schema.AWS().Resources[typ]
	if !ok {
		return nil, status.Errorf(codes.Unimplemented, "the sandbox does not know the resource type %s", typ)
	}
	olds, err := decode(req.GetOlds())
	if err != nil {
		return nil, err
	}
	news, err := decode(req.GetNews())
	if err != nil {
		return nil, err
	}
	c := &checker{kind: p.aws.Kinds[typ], spec: spec, olds: olds, news: news.Copy(), defaultTags: p.session(ctx, false).config.defaultTags, req: req}
	failures := c.run()
	inputs, err := encode(c.news, nil)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.CheckResponse{Inputs: inputs, Failures: failures}, nil
}

// Diff compares a resource's old and new inputs.
func (p *Provider) Diff(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	typ := typeOf(req.GetUrn())
	olds, err := decode(req.GetOldInputs())
	if err != nil {
		return nil, err
	}
	news, err := decode(req.GetNews())
	if err != nil {
		return nil, err
	}
	return diff(p.aws.Kinds[typ], schema.AWS().Resources[typ], olds, news), nil
}

// Create creates a resource, or shows what a preview knows of it.
func (p *Provider) Create(ctx context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	typ := typeOf(req.GetUrn())
	news, err := decode(req.GetProperties())
	if err != nil {
		return nil, err
	}
	if req.GetPreview() {
		props, err := encode(previewOutputs(typ, news, nil), secretsOf(typ))
		return &pulumirpc.CreateResponse{Properties: props}, err
	}
	region := p.session(ctx, false).config.region
	ctx, stop := p.withTimeout(ctx, req.GetTimeout(), typ)
	defer stop()
	r, err := p.aws.Create(ctx, cloud.Request{Type: typ, LogicalName: nameOf(req.GetUrn()), Region: region, Inputs: plainObject(news)})
	if r == nil {
		return nil, rpcError(err)
	}
	props, encErr := encode(outputsOf(r), secretsOf(typ))
	if encErr != nil {
		return nil, encErr
	}
	if err != nil {
		return nil, initFailed(r.ID, props, req.GetProperties(), err)
	}
	return &pulumirpc.CreateResponse{Id: r.ID, Properties: props}, nil
}

// Update updates a resource, or shows what a preview knows of it.
func (p *Provider) Update(ctx context.Context, req *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	typ := typeOf(req.GetUrn())
	olds, err := decode(req.GetOlds())
	if err != nil {
		return nil, err
	}
	news, err := decode(req.GetNews())
	if err != nil {
		return nil, err
	}
	if req.GetPreview() {
		props, err := encode(previewOutputs(typ, news, olds), secretsOf(typ))
		return &pulumirpc.UpdateResponse{Properties: props}, err
	}
	region := p.session(ctx, false).config.region
	ctx, stop := p.withTimeout(ctx, req.GetTimeout(), typ)
	defer stop()
	r, err := p.aws.Update(ctx, req.GetId(), cloud.Request{Type: typ, LogicalName: nameOf(req.GetUrn()), Region: region, Inputs: plainObject(news)})
	if r == nil {
		return nil, rpcError(err)
	}
	props, encErr := encode(outputsOf(r), secretsOf(typ))
	if encErr != nil {
		return nil, encErr
	}
	if err != nil {
		return nil, initFailed(r.ID, props, req.GetNews(), err)
	}
	return &pulumirpc.UpdateResponse{Properties: props}, nil
}

// Read reads a resource for a refresh or an import.
func (p *Provider) Read(ctx context.Context, req *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	typ := typeOf(req.GetUrn())
	if _, ok := schema.AWS().Resources[typ]; !ok {
		return nil, status.Errorf(codes.Unimplemented, "the sandbox does not know the resource type %s", typ)
	}
	r, err := p.aws.Read(typ, req.GetId(), nameOf(req.GetUrn()), p.session(ctx, false).config.region)
	if err != nil {
		return nil, rpcError(err)
	}
	if r == nil {
		return &pulumirpc.ReadResponse{}, nil // gone
	}
	known, err := decode(req.GetInputs())
	if err != nil {
		return nil, err
	}
	state, err := decode(req.GetProperties())
	if err != nil {
		return nil, err
	}
	outputs, found := outputsOf(r), inputsOf(r)
	keepUnreadable(p.aws.Kinds[typ], state, outputs, found)
	props, err := encode(outputs, secretsOf(typ))
	if err != nil {
		return nil, err
	}
	for key, v := range known {
		if v.IsAsset() || v.IsArchive() { // files of the program: AWS has their contents alone
			found[key] = v
		}
	}
	inputs, err := encode(found, secretsOf(typ))
	if err != nil {
		return nil, err
	}
	return &pulumirpc.ReadResponse{Id: r.ID, Properties: props, Inputs: inputs}, nil
}

// Delete deletes a resource.
func (p *Provider) Delete(ctx context.Context, req *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	typ := typeOf(req.GetUrn())
	olds, err := decode(req.GetProperties())
	if err != nil {
		return nil, err
	}
	region := p.session(ctx, false).config.region
	ctx, stop := p.withTimeout(ctx, req.GetTimeout(), typ)
	defer stop()
	err = p.aws.Remove(ctx, req.GetId(), cloud.Request{Type: typ, LogicalName: nameOf(req.GetUrn()), Region: region, Inputs: plainObject(olds)})
	if err != nil {
		return nil, rpcError(err)
	}
	return &emptypb.Empty{}, nil
}

// Invoke calls a function.
func (p *Provider) Invoke(ctx context.Context, req *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	args, err := decode(req.GetArgs())
	if err != nil {
		return nil, err
	}
	out, failures, err := p.invoke(req.GetTok(), p.session(ctx, false).config.region, plainObject(args))
	if err != nil {
		return nil, rpcError(err)
	}
	res := &pulumirpc.InvokeResponse{Failures: failures}
	if out != nil {
		res.Return, err = encode(resource.NewPropertyMapFromMap(out), nil)
	}
	return res, err
}

// withTimeout returns a context that ends when the engine cancels, or after seconds. If seconds is 0, it is the real
// provider's default for the type.
func (p *Provider) withTimeout(ctx context.Context, seconds float64, typ string) (context.Context, context.CancelFunc) {
	limit := time.Duration(seconds * float64(time.Second))
	if limit <= 0 {
		limit = cmp.Or(p.aws.Kinds[typ].Timeout, 20*time.Minute)
	}
	done := p.session(ctx, false).done
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("timeout while waiting for state to become ready (timeout: %s)", limit))
	go func() {
		select {
		case <-done:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// Close ends the waits of all sessions.
func (p *Provider) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sessions {
		s.cancel()
	}
}
