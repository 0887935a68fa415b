package services

import (
	"github.com/branchenv/branchenv/internal/sandbox/cloud"
)

// Resource types of several small services.
const (
	TypeLogGroup  = "aws:cloudwatch/logGroup:LogGroup"
	typeParameter = "aws:ssm/parameter:Parameter"
)

func othersService() cloud.Service {
	byName := cloud.Naming{Property: "name"}
	retention := []string{"0", "1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731", "1096", "1827", "2192", "2557", "2922", "3288", "3653"}
	return cloud.Service{Kinds: map[string]cloud.Kind{
		TypeLogGroup: {
			Title: "CloudWatch Logs Log Group", Naming: byName, ARN: "logs:{region}:{account}:log-group:{name}",
			NameTaken: "ResourceAlreadyExistsException: The specified log group already exists",
			Rules: []cloud.Rule{
				{Property: "name", Min: 1, Max: 512, Pattern: `^[.\-_/#A-Za-z0-9]+$`, Message: "only letters, digits and . - _ / #"},
				{Property: "retentionInDays", Allowed: retention},
			},
		},
		"aws:cloudwatch/metricAlarm:MetricAlarm": {Naming: byName, ARN: "cloudwatch:{region}:{account}:alarm:{name}"},
		"aws:cloudwatch/eventRule:EventRule":     {Naming: byName, ARN: "events:{region}:{account}:rule/{name}"},
		typeParameter: {
			Title: "SSM Parameter", Naming: byName, ARN: "ssm:{region}:{account}:parameter/{bare}",
			NameTaken: "ParameterAlreadyExists: The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
			Rules:     []cloud.Rule{{Property: "type", Allowed: []string{"String", "StringList", "SecureString"}}, {Property: "name", Min: 1, Max: 2048}},
			OnCreate:  createParameter, OnUpdate: createParameter,
		},
		"aws:kms/key:Key":                                   {ID: "{uuid}", OnCreate: createKey},
		"aws:kms/alias:Alias":                               {Naming: byName, ARN: "kms:{region}:{account}:{name}"},
		"aws:sns/topic:Topic":                               {Naming: byName, ID: "{arn}", ARN: "sns:{region}:{account}:{name}"},
		"aws:sqs/queue:Queue":                               {Naming: cloud.Naming{Property: "name", MaxLength: 80}, ID: "https://sqs.{region}.amazonaws.com/{account}/{name}", ARN: "sqs:{region}:{account}:{name}"},
		"aws:ecr/repository:Repository":                     {Naming: cloud.Naming{Property: "name", LowerCase: true}, ARN: "ecr:{region}:{account}:repository/{name}"},
		"aws:elasticache/subnetGroup:SubnetGroup":           {Naming: cloud.Naming{Property: "name", LowerCase: true}, HasDescription: true, ARN: "elasticache:{region}:{account}:subnetgroup:{name}"},
		"aws:elasticache/cluster:Cluster":                   {Naming: cloud.Naming{Property: "clusterId", MaxLength: 50, LowerCase: true}, ARN: "elasticache:{region}:{account}:cluster:{name}"},
		"aws:elasticache/replicationGroup:ReplicationGroup": {Naming: cloud.Naming{Property: "replicationGroupId", MaxLength: 40, LowerCase: true}, ARN: "elasticache:{region}:{account}:replicationgroup:{name}"},
		"aws:opensearch/domain:Domain":                      {Naming: cloud.Naming{Property: "domainName", MaxLength: 28, LowerCase: true}, ID: "{arn}", ARN: "es:{region}:{account}:domain/{name}"},
		"aws:autoscaling/group:Group":                       {Naming: byName, ARN: "autoscaling:{region}:{account}:autoScalingGroup:{uuid}:autoScalingGroupName/{name}"},
		"aws:budgets/budget:Budget":                         {Naming: byName, ID: "{account}:{name}", ARN: "budgets::{account}:budget/{name}"},
		"aws:appautoscaling/policy:Policy":                  {Naming: byName, ARN: "autoscaling:{region}:{account}:scalingPolicy:{uuid}:policyName/{name}"},
	}}
}

func createParameter(o *cloud.Operation) error {
	o.SetOutputs(map[string]any{"version": float64(o.Record.Outputs.Int("version") + 1)})
	o.SetDefaults(map[string]any{"dataType": "text", "tier": "Standard"})
	return nil
}

func createKey(o *cloud.Operation) error {
	id := o.Expand("{uuid}")
	o.Record.ID = id
	o.SetOutputs(map[string]any{"keyId": id, "arn": o.ARN("kms", "key/"+id)})
	o.SetDefaults(map[string]any{"keyUsage": "ENCRYPT_DECRYPT", "customerMasterKeySpec": "SYMMETRIC_DEFAULT", "isEnabled": true})
	return nil
}
