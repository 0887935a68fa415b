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

// previewOutputs returns a resource's outputs in a preview: its inputs, and its old outputs. The outputs of a new resource
// are unknown.
func previewOutputs(typ string, news, olds resource.PropertyMap) resource.PropertyMap {
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

// initFailed returns the error for an operation that was accepted and then failed. The engine stores the resource.
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

// rpcError wraps an error so that the engine prints its text alone.
func rpcError(err error) error {
	if err == nil {
		return nil
	}
	return status.Error(codes.Unknown, err.Error())
}

var decodeOptions = plugin.MarshalOptions{KeepUnknowns: true, SkipNulls: true}

// decode unmarshals properties. Secrets become plain.
func decode(s *structpb.Struct) (resource.PropertyMap, error) {
	return plugin.UnmarshalProperties(s, decodeOptions)
}

// encode marshals properties. Those named in secrets become secrets.
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

// secretsOf returns the names of a type's secret outputs.
func secretsOf(typ string) map[string]bool {
	out := map[string]bool{}
	for name, p := range schema.AWS().Resources[typ].Properties {
		if p.Secret {
			out[name] = true
		}
	}
	return out
}
