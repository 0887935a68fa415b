package provider

import (
	"errors"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/branchenv/branchenv/internal/sandbox/schema"
)

// previewOutputs is what a preview shows of a resource: its inputs, what it has already, and unknowns for the rest.
func (p *Provider) previewOutputs(typ string, news, olds resource.PropertyMap) resource.PropertyMap {
	out := resource.PropertyMap{}
	for name := range schema.AWS().Resources[typ].Properties {
		key := resource.PropertyKey(name)
		if v, ok := olds[key]; ok {
			out[key] = v
		} else if olds == nil {
			out[key] = resource.MakeComputed(resource.NewStringProperty(""))
		}
	}
	for key, v := range news {
		if !strings.HasPrefix(string(key), "__") {
			out[key] = v
		}
	}
	if tags, ok := news["tags"]; ok {
		out["tagsAll"] = tags
	}
	return out
}

func typeOf(u string) string { return string(urn.URN(u).Type()) }
func nameOf(u string) string { return urn.URN(u).Name() }

// initFailed reports an operation that was accepted and then went wrong: the engine stores the resource all the same.
func initFailed(id string, props, inputs *structpb.Struct, err error) error {
	st := status.New(codes.Unknown, err.Error())
	detailed, detailErr := st.WithDetails(&pulumirpc.ErrorResourceInitFailed{
		Id: id, Properties: props, Inputs: inputs, Reasons: []string{err.Error()},
	})
	if detailErr != nil {
		return errors.Join(err, detailErr)
	}
	return detailed.Err()
}

// rpcError gives an error the form in which the engine prints it without decoration.
func rpcError(err error) error {
	if err == nil {
		return nil
	}
	return status.Error(codes.Unknown, err.Error())
}

var decodeOptions = plugin.MarshalOptions{KeepUnknowns: true, SkipNulls: true}

func decode(s *structpb.Struct) (resource.PropertyMap, error) {
	return plugin.UnmarshalProperties(s, decodeOptions)
}

// Encode marshals properties, those named in secrets as secrets.
func encode(m resource.PropertyMap, secrets map[string]bool) (*structpb.Struct, error) {
	if len(secrets) > 0 {
		m = m.Copy()
		for name := range secrets {
			if v, ok := m[resource.PropertyKey(name)]; ok && !v.IsNull() {
				m[resource.PropertyKey(name)] = resource.MakeSecret(v)
			}
		}
	}
	return plugin.MarshalProperties(m, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, SkipNulls: true})
}

func secretsOf(typ string) map[string]bool {
	out := map[string]bool{}
	for name, p := range schema.AWS().Resources[typ].Properties {
		if p.Secret {
			out[name] = true
		}
	}
	return out
}
