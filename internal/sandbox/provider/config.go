package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/branchenv/branchenv/internal/sandbox/schema"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// CheckConfig checks the provider's configuration against the schema.
func (p *Provider) CheckConfig(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	news, err := decode(req.GetNews())
	if err != nil {
		return nil, err
	}
	known := schema.AWS().Provider.Inputs
	var failures []*pulumirpc.CheckFailure
	for _, key := range news.StableKeys() {
		name := string(key)
		if _, ok := known[name]; !ok && !strings.HasPrefix(name, "__") && name != "version" && name != "pluginDownloadURL" {
			failures = append(failures, &pulumirpc.CheckFailure{Property: name, Reason: unknownProperty(name, slices.Sorted(maps.Keys(known)))})
		}
	}
	if r, ok := news["region"]; ok && r.IsString() && !validRegion(r.StringValue()) {
		failures = append(failures, &pulumirpc.CheckFailure{Property: "region", Reason: fmt.Sprintf("%q is not a valid AWS region", r.StringValue())})
	}
	return &pulumirpc.CheckResponse{Inputs: req.GetNews(), Failures: failures}, nil
}

// DiffConfig compares configurations. Another region replaces the provider.
func (p *Provider) DiffConfig(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, err := decode(req.GetOlds())
	if err != nil {
		return nil, err
	}
	news, err := decode(req.GetNews())
	if err != nil {
		return nil, err
	}
	res := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}
	if !olds.DeepEquals(news) {
		res.Changes = pulumirpc.DiffResponse_DIFF_SOME
	}
	// The resources of another region are other resources.
	if o, n := olds["region"], news["region"]; o.IsString() && n.IsString() && o.StringValue() != n.StringValue() {
		res.Replaces = []string{"region"}
	}
	return res, nil
}

// Configure begins a new session with a configuration.
func (p *Provider) Configure(ctx context.Context, req *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	args, err := decode(req.GetArgs())
	if err != nil {
		return nil, err
	}
	values := plainObject(args)
	config := &p.session(ctx, true).config
	if r := values.Text("region"); r != "" {
		config.region = r
	}
	if config.region == "" {
		return nil, status.Error(codes.InvalidArgument, "missing AWS region: set aws:region or AWS_REGION")
	}
	// The engine passes nested configuration as a JSON string.
	var defaults struct {
		Tags map[string]string `json:"tags"`
	}
	if s := values.Text("defaultTags"); strings.HasPrefix(s, "{") {
		if err := json.Unmarshal([]byte(s), &defaults); err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "aws:defaultTags: %v", err)
		}
	}
	for k, v := range values.Object("defaultTags").Object("tags") {
		if defaults.Tags == nil {
			defaults.Tags = map[string]string{}
		}
		defaults.Tags[k] = value.Text(v)
	}
	config.defaultTags = defaults.Tags
	return &pulumirpc.ConfigureResponse{SupportsPreview: true, SupportsAutonamingConfiguration: true}, nil
}
