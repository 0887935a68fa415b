package sandbox

import pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

func (c *cloud) invoke(token string, config providerConfig, args map[string]any) (map[string]any, []*pulumirpc.CheckFailure, error) {
	return nil, nil, awsErrorf("UnknownFunction", "the sandbox does not know the function %s", token)
}
