package platforms

import (
	"github.com/branchenv/branchenv/internal/sandbox/cloud"
)

func ecsService() cloud.Service {
	return cloud.Service{Kinds: map[string]cloud.Kind{
		"aws:ecs/cluster:Cluster":               {Naming: cloud.Naming{Property: "name"}, ID: "{arn}", ARN: "ecs:{region}:{account}:cluster/{name}"},
		"aws:ecs/service:Service":               {Naming: cloud.Naming{Property: "name"}, ID: "arn:aws:ecs:{region}:{account}:service/{name}"},
		"aws:ecs/taskDefinition:TaskDefinition": {ID: "{family}", ARN: "ecs:{region}:{account}:task-definition/{family}:1"},
	}}
}
