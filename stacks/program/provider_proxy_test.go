//lint:file-ignore SA1019 the engine still fills in the deprecated Variables, so a proxy must rename what is in them

package program

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// realProviderVar names a directory that holds the real AWS provider, where it is not on PATH.
const realProviderVar = "BRANCHENV_REAL_AWS_PROVIDER"

// realProvider runs the real AWS provider's plugin against an AWS endpoint and returns the port at which an engine can
// attach to it. A test that needs it is skipped where there is none.
func realProvider(t *testing.T, endpoint string) (port int, client pulumirpc.ResourceProviderClient) {
	t.Helper()
	name := "pulumi-resource-aws"
	if dir := os.Getenv(realProviderVar); dir != "" {
		name = filepath.Join(dir, name)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("not checked against the real AWS provider: %s is not on PATH, nor in $%s", name, realProviderVar)
	}
	cmd := exec.CommandContext(t.Context(), path)
	own := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	cmd.Env = append(own, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_ENDPOINT_URL="+endpoint, "AWS_EC2_METADATA_DISABLED=true")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Wait() }) // it ends with the test's context
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the provider did not say its port: %v", err)
	}
	conn, err := grpc.NewClient("127.0.0.1:"+strings.TrimSpace(line), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(400<<20)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p := &proxy{real: pulumirpc.NewResourceProviderClient(conn)}
	p.learn(t)
	return p.serve(t)
}

// A proxy stands between the engine and a provider built from the upstream AWS provider alone, which calls a few
// properties otherwise than the official plugin and the Go SDK, and tells them in the SDK's words. To the official
// plugin it passes everything on as it is.
type proxy struct {
	pulumirpc.UnimplementedResourceProviderServer
	real    pulumirpc.ResourceProviderClient
	renames map[string][]rename // by type
}

// A rename is one property that has another name in the SDK, or is a list there.
type rename struct {
	sdk, upstream string
	list          bool
}

// knownRenames are those of the types that the programs use.
func knownRenames() map[string][]rename {
	return map[string][]rename{
		"aws:ec2/securityGroup:SecurityGroup":          {{"ingress", "ingresses", false}, {"egress", "egresses", false}},
		"aws:elasticbeanstalk/environment:Environment": {{"version", "versionLabel", false}},
		"aws:route53/record:Record":                    {{"aliases", "alias", true}},
		"aws:s3/bucketV2:BucketV2":                     {{"loggings", "logging", true}, {"versionings", "versioning", true}, {"websites", "website", true}},
	}
}

// otherwiseNamed are the types whose automatic name the official plugin puts elsewhere than a provider built from upstream
// does, or makes none. With it goes whether a given name asks for the deletion before the replacement; the components
// say themselves what they want of these.
func otherwiseNamed() []string {
	return []string{"aws:rds/instance:Instance", "aws:route53/record:Record", "aws:s3/bucketV2:BucketV2"}
}

// learn keeps the renames that the provider needs, as its schema says.
func (p *proxy) learn(t *testing.T) {
	t.Helper()
	res, err := p.real.GetSchema(t.Context(), &pulumirpc.GetSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Resources map[string]struct{ Properties map[string]json.RawMessage }
	}
	if err := json.Unmarshal([]byte(res.GetSchema()), &schema); err != nil {
		t.Fatal(err)
	}
	p.renames = map[string][]rename{}
	for typ, renames := range knownRenames() {
		for _, r := range renames {
			if _, has := schema.Resources[typ].Properties[r.upstream]; has {
				p.renames[typ] = append(p.renames[typ], r)
			}
		}
	}
}

func (p *proxy) serve(t *testing.T) (int, pulumirpc.ResourceProviderClient) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(400<<20), grpc.MaxSendMsgSize(400<<20))
	pulumirpc.RegisterResourceProviderServer(server, p)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return listener.Addr().(*net.TCPAddr).Port, pulumirpc.NewResourceProviderClient(conn)
}

// typeOf is the type of the resource with that URN, without those of its parents.
func typeOf(urn string) string {
	types := strings.Split(strings.Split(urn, "::")[2], "$")
	return types[len(types)-1]
}

// toReal puts a resource's properties in the provider's words.
func (p *proxy) toReal(urn string, s *structpb.Struct) *structpb.Struct {
	for _, r := range p.renames[typeOf(urn)] {
		v, has := s.GetFields()[r.sdk]
		if !has {
			continue
		}
		delete(s.Fields, r.sdk)
		if l := v.GetListValue(); r.list && l != nil {
			if len(l.Values) == 0 {
				continue
			}
			v = l.Values[0]
		}
		s.Fields[r.upstream] = v
	}
	return s
}

// toSDK puts them in the SDK's.
func (p *proxy) toSDK(urn string, s *structpb.Struct) *structpb.Struct {
	for _, r := range p.renames[typeOf(urn)] {
		v, has := s.GetFields()[r.upstream]
		if !has {
			continue
		}
		delete(s.Fields, r.upstream)
		if _, computed := v.GetKind().(*structpb.Value_StringValue); r.list && !computed {
			v = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{v}})
		}
		s.Fields[r.sdk] = v
	}
	return s
}

// pathToSDK puts a property path in the SDK's words.
func (p *proxy) pathToSDK(urn, path string) string {
	for _, r := range p.renames[typeOf(urn)] {
		if rest, ok := strings.CutPrefix(path, r.upstream); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			if r.list && rest != "" {
				return r.sdk + "[0]" + rest
			}
			return r.sdk + rest
		}
	}
	return path
}

func (p *proxy) pathsToSDK(urn string, paths []string) {
	for i, path := range paths {
		paths[i] = p.pathToSDK(urn, path)
	}
}

func (p *proxy) GetPluginInfo(ctx context.Context, in *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return p.real.GetPluginInfo(ctx, in)
}

func (p *proxy) Attach(ctx context.Context, in *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return p.real.Attach(ctx, in)
}

func (p *proxy) Cancel(ctx context.Context, in *emptypb.Empty) (*emptypb.Empty, error) {
	return p.real.Cancel(ctx, in)
}

func (p *proxy) CheckConfig(ctx context.Context, in *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return p.real.CheckConfig(ctx, in)
}

func (p *proxy) DiffConfig(ctx context.Context, in *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return p.real.DiffConfig(ctx, in)
}

// Configure adds what keeps the provider from asking AWS who it is.
func (p *proxy) Configure(ctx context.Context, in *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	for _, skip := range []string{"skipCredentialsValidation", "skipRequestingAccountId", "skipMetadataApiCheck"} {
		if in.Variables == nil {
			in.Variables = map[string]string{}
		}
		in.Variables["aws:config:"+skip] = "true"
		in.GetArgs().GetFields()[skip] = structpb.NewStringValue("true")
	}
	return p.real.Configure(ctx, in)
}

func (p *proxy) Check(ctx context.Context, in *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	in.Olds, in.News = p.toReal(in.Urn, in.Olds), p.toReal(in.Urn, in.News)
	res, err := p.real.Check(ctx, in)
	if err != nil {
		return nil, err
	}
	res.Inputs = p.toSDK(in.Urn, res.Inputs)
	for _, f := range res.GetFailures() {
		f.Property = p.pathToSDK(in.Urn, f.GetProperty())
	}
	return res, nil
}

func (p *proxy) Diff(ctx context.Context, in *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	in.Olds, in.News, in.OldInputs = p.toReal(in.Urn, in.Olds), p.toReal(in.Urn, in.News), p.toReal(in.Urn, in.OldInputs)
	res, err := p.real.Diff(ctx, in)
	if err != nil {
		return nil, err
	}
	p.pathsToSDK(in.Urn, res.Replaces)
	p.pathsToSDK(in.Urn, res.Diffs)
	p.pathsToSDK(in.Urn, res.Stables)
	details := map[string]*pulumirpc.PropertyDiff{}
	for path, d := range res.GetDetailedDiff() {
		details[p.pathToSDK(in.Urn, path)] = d
	}
	res.DetailedDiff = details
	return res, nil
}

func (p *proxy) Create(ctx context.Context, in *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	in.Properties = p.toReal(in.Urn, in.Properties)
	res, err := p.real.Create(ctx, in)
	if err == nil {
		res.Properties = p.toSDK(in.Urn, res.Properties)
	}
	return res, err
}

func (p *proxy) Update(ctx context.Context, in *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	in.Olds, in.News, in.OldInputs = p.toReal(in.Urn, in.Olds), p.toReal(in.Urn, in.News), p.toReal(in.Urn, in.OldInputs)
	res, err := p.real.Update(ctx, in)
	if err == nil {
		res.Properties = p.toSDK(in.Urn, res.Properties)
	}
	return res, err
}

func (p *proxy) Read(ctx context.Context, in *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	in.Properties, in.Inputs = p.toReal(in.Urn, in.Properties), p.toReal(in.Urn, in.Inputs)
	res, err := p.real.Read(ctx, in)
	if err == nil {
		res.Properties, res.Inputs = p.toSDK(in.Urn, res.Properties), p.toSDK(in.Urn, res.Inputs)
	}
	return res, err
}

func (p *proxy) Delete(ctx context.Context, in *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	in.Properties, in.OldInputs = p.toReal(in.Urn, in.Properties), p.toReal(in.Urn, in.OldInputs)
	return p.real.Delete(ctx, in)
}

func (p *proxy) Invoke(ctx context.Context, in *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	return p.real.Invoke(ctx, in)
}
