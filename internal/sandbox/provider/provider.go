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

// A Provider serves the simulated AWS to the Pulumi engine in place of the aws plugin. One server answers every
// provider of every engine that is attached to it; each has a connection and with it a session of its own.
type Provider struct {
	pulumirpc.UnimplementedResourceProviderServer
	aws      *cloud.Cloud
	mu       sync.Mutex
	sessions map[string]*session // by the connection's remote address
}

// A session is one configured provider of one engine.
type session struct {
	config providerConfig
	done   chan struct{} // closed when the engine cancels: waits end with it
	cancel func()
}

// providerConfig is what a program or stack configures on the provider.
type providerConfig struct {
	region      string
	defaultTags map[string]string
}

func New(aws *cloud.Cloud) *Provider {
	return &Provider{aws: aws, sessions: map[string]*session{}}
}

// Session is the caller's; renew makes a new one, as configuring does.
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

// Handshake tells the engine what the provider understands. Secrets are not passed to it: the engine marks the outputs
// that come from secret inputs itself, and encode marks those that the schema says are secret.
func (p *Provider) Handshake(context.Context, *pulumirpc.ProviderHandshakeRequest) (*pulumirpc.ProviderHandshakeResponse, error) {
	return &pulumirpc.ProviderHandshakeResponse{SupportsAutonamingConfiguration: true}, nil
}

func (p *Provider) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (p *Provider) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: schema.AWS().Version}, nil
}

func (p *Provider) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return nil, status.Error(codes.Unimplemented, "the sandbox's aws provider has no full schema")
}

// Cancel ends all waits; what was accepted goes on without us, as on AWS.
func (p *Provider) Cancel(ctx context.Context, _ *emptypb.Empty) (*emptypb.Empty, error) {
	p.session(ctx, false).cancel()
	return &emptypb.Empty{}, nil
}

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

func (p *Provider) Create(ctx context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	typ := typeOf(req.GetUrn())
	news, err := decode(req.GetProperties())
	if err != nil {
		return nil, err
	}
	if req.GetPreview() {
		props, err := encode(p.previewOutputs(typ, news, nil), secretsOf(typ))
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
		props, err := encode(p.previewOutputs(typ, news, olds), secretsOf(typ))
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
		if v.IsAsset() || v.IsArchive() { // files of the program: AWS has only their contents
			found[key] = v
		}
	}
	inputs, err := encode(found, secretsOf(typ))
	if err != nil {
		return nil, err
	}
	return &pulumirpc.ReadResponse{Id: r.ID, Properties: props, Inputs: inputs}, nil
}

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

// withTimeout limits a wait: by the engine's cancellation, and by the custom timeout of the resource or the real provider's
// default for its type.
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

// Close ends every wait.
func (p *Provider) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sessions {
		s.cancel()
	}
}
