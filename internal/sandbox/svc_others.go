package sandbox

// The resource types of services of which the sandbox knows little.
const (
	typeLogGroup  = "aws:cloudwatch/logGroup:LogGroup"
	typeParameter = "aws:ssm/parameter:Parameter"
)

func othersService() service {
	byName := naming{property: "name"}
	retention := []string{"0", "1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731", "1096", "1827", "2192", "2557", "2922", "3288", "3653"}
	return service{kinds: map[string]kind{
		typeLogGroup: {
			title: "CloudWatch Logs Log Group", naming: byName, arn: "logs:{region}:{account}:log-group:{name}",
			taken: "ResourceAlreadyExistsException: The specified log group already exists",
			rules: []rule{
				{property: "name", min: 1, max: 512, pattern: `^[.\-_/#A-Za-z0-9]+$`, want: "only letters, digits and . - _ / #"},
				{property: "retentionInDays", allowed: retention},
			},
		},
		"aws:cloudwatch/metricAlarm:MetricAlarm": {naming: byName, arn: "cloudwatch:{region}:{account}:alarm:{name}"},
		"aws:cloudwatch/eventRule:EventRule":     {naming: byName, arn: "events:{region}:{account}:rule/{name}"},
		typeParameter: {
			title: "SSM Parameter", naming: byName, arn: "ssm:{region}:{account}:parameter/{bare}",
			taken:    "ParameterAlreadyExists: The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
			rules:    []rule{{property: "type", allowed: []string{"String", "StringList", "SecureString"}}, {property: "name", min: 1, max: 2048}},
			onCreate: createParameter, onUpdate: createParameter,
		},
		"aws:kms/key:Key":                                   {id: "{uuid}", onCreate: createKey},
		"aws:kms/alias:Alias":                               {naming: byName, arn: "kms:{region}:{account}:{name}"},
		"aws:sns/topic:Topic":                               {naming: byName, id: "{arn}", arn: "sns:{region}:{account}:{name}"},
		"aws:sqs/queue:Queue":                               {naming: naming{property: "name", max: 80}, id: "https://sqs.{region}.amazonaws.com/{account}/{name}", arn: "sqs:{region}:{account}:{name}"},
		"aws:ecr/repository:Repository":                     {naming: naming{property: "name", lower: true}, arn: "ecr:{region}:{account}:repository/{name}"},
		"aws:elasticache/subnetGroup:SubnetGroup":           {naming: naming{property: "name", lower: true}, described: true, arn: "elasticache:{region}:{account}:subnetgroup:{name}"},
		"aws:elasticache/cluster:Cluster":                   {naming: naming{property: "clusterId", max: 50, lower: true}, arn: "elasticache:{region}:{account}:cluster:{name}"},
		"aws:elasticache/replicationGroup:ReplicationGroup": {naming: naming{property: "replicationGroupId", max: 40, lower: true}, arn: "elasticache:{region}:{account}:replicationgroup:{name}"},
		"aws:opensearch/domain:Domain":                      {naming: naming{property: "domainName", max: 28, lower: true}, id: "{arn}", arn: "es:{region}:{account}:domain/{name}"},
		"aws:autoscaling/group:Group":                       {naming: byName, arn: "autoscaling:{region}:{account}:autoScalingGroup:{uuid}:autoScalingGroupName/{name}"},
		"aws:budgets/budget:Budget":                         {naming: byName, id: "{account}:{name}", arn: "budgets::{account}:budget/{name}"},
		"aws:appautoscaling/policy:Policy":                  {naming: byName, arn: "autoscaling:{region}:{account}:scalingPolicy:{uuid}:policyName/{name}"},
	}}
}

func createParameter(o *op) error {
	o.force(map[string]any{"version": float64(o.rec.Outputs.Int("version") + 1)})
	o.set(map[string]any{"dataType": "text", "tier": "Standard"})
	return nil
}

func createKey(o *op) error {
	id := o.expand("{uuid}")
	o.rec.ID = id
	o.force(map[string]any{"keyId": id, "arn": o.arn("kms", "key/"+id)})
	o.set(map[string]any{"keyUsage": "ENCRYPT_DECRYPT", "customerMasterKeySpec": "SYMMETRIC_DEFAULT", "isEnabled": true})
	return nil
}
