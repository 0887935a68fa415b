package services

import (
	"github.com/branchenv/branchenv/internal/sandbox/cloud"
)

func ecsService() cloud.Service {
	return cloud.Service{Kinds: map[string]cloud.Kind{
		"aws:ecs/cluster:Cluster":               {Naming: cloud.Naming{Property: "name"}, Id: "{arn}", Arn: "ecs:{region}:{account}:cluster/{name}"},
		"aws:ecs/service:Service":               {Naming: cloud.Naming{Property: "name"}, Id: "arn:aws:ecs:{region}:{account}:service/{name}"},
		"aws:ecs/taskDefinition:TaskDefinition": {Id: "{family}", Arn: "ecs:{region}:{account}:task-definition/{family}:1"},
	}}
}
