package sandbox

func ecsService() service {
	return service{kinds: map[string]kind{
		"aws:ecs/cluster:Cluster":               {naming: naming{property: "name"}, id: "{arn}", arn: "ecs:{region}:{account}:cluster/{name}"},
		"aws:ecs/service:Service":               {naming: naming{property: "name"}, id: "arn:aws:ecs:{region}:{account}:service/{name}"},
		"aws:ecs/taskDefinition:TaskDefinition": {id: "{family}", arn: "ecs:{region}:{account}:task-definition/{family}:1"},
	}}
}
