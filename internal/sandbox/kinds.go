package sandbox

import "sync"

// The types that other code of the sandbox speaks of.
const (
	typeCertificate           = "aws:acm/certificate:Certificate"
	typeCertificateValidation = "aws:acm/certificateValidation:CertificateValidation"
	typeLogGroup              = "aws:cloudwatch/logGroup:LogGroup"
	typeSecurityGroup         = "aws:ec2/securityGroup:SecurityGroup"
	typeSecurityGroupRule     = "aws:ec2/securityGroupRule:SecurityGroupRule"
	typeSubnet                = "aws:ec2/subnet:Subnet"
	typeVPC                   = "aws:ec2/vpc:Vpc"
	typeApplication           = "aws:elasticbeanstalk/application:Application"
	typeApplicationVersion    = "aws:elasticbeanstalk/applicationVersion:ApplicationVersion"
	typeTemplate              = "aws:elasticbeanstalk/configurationTemplate:ConfigurationTemplate"
	typeEnvironment           = "aws:elasticbeanstalk/environment:Environment"
	typeInstanceProfile       = "aws:iam/instanceProfile:InstanceProfile"
	typePolicy                = "aws:iam/policy:Policy"
	typeRole                  = "aws:iam/role:Role"
	typeRolePolicy            = "aws:iam/rolePolicy:RolePolicy"
	typeRoleAttachment        = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
	typeListener              = "aws:lb/listener:Listener"
	typeListenerRule          = "aws:lb/listenerRule:ListenerRule"
	typeListenerCertificate   = "aws:lb/listenerCertificate:ListenerCertificate"
	typeBalancer              = "aws:lb/loadBalancer:LoadBalancer"
	typeTargetGroup           = "aws:lb/targetGroup:TargetGroup"
	typeDatabase              = "aws:rds/instance:Instance"
	typeParameterGroup        = "aws:rds/parameterGroup:ParameterGroup"
	typeSnapshot              = "aws:rds/snapshot:Snapshot"
	typeSubnetGroup           = "aws:rds/subnetGroup:SubnetGroup"
	typeRecord                = "aws:route53/record:Record"
	typeZone                  = "aws:route53/zone:Zone"
	typeBucket                = "aws:s3/bucketV2:BucketV2"
	typeBucketVersioning      = "aws:s3/bucketVersioningV2:BucketVersioningV2"
	typeObject                = "aws:s3/bucketObjectv2:BucketObjectv2"
	typeSecret                = "aws:secretsmanager/secret:Secret"
	typeSecretVersion         = "aws:secretsmanager/secretVersion:SecretVersion"
	typeParameter             = "aws:ssm/parameter:Parameter"
)

func kindOf(typ string) kind { return kinds()[typ] }

// kinds is what the sandbox knows of each type. What is not here is served by its schema alone.
var kinds = sync.OnceValue(func() map[string]kind {
	byName := naming{property: "name"}
	part := kind{id: "{bucket}", onCreate: needBucket, onUpdate: needBucket, onRead: bucketGone}
	return map[string]kind{
		typeBucket: {
			naming: naming{property: "bucket", max: 63, lower: true}, arn: "s3:::{name}", anywhere: true,
			unseen: []string{"forceDestroy"}, imported: map[string]any{"forceDestroy": false},
			onCreate: createBucket, onUpdate: bucketOutputs, onRemove: removeBucket, onRead: readBucket,
		},
		typeBucketVersioning: {
			id: "{bucket}", onCreate: setVersioning, onUpdate: setVersioning, onRemove: suspendVersioning, onRead: bucketGone,
		},
		typeObject: {id: "{key}", onCreate: putObject, onUpdate: putObject, onRemove: removeObject, onRead: objectGone},
		"aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2":                                 part,
		"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2":                       part,
		"aws:s3/bucketOwnershipControls:BucketOwnershipControls":                                     part,
		"aws:s3/bucketPolicy:BucketPolicy":                                                           part,
		"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":                                     part,
		"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": part,

		typeCertificate: {
			id: "{arn}", arn: "acm:{region}:{account}:certificate/{uuid}", onCreate: createCertificate, onRemove: removeCertificate,
		},
		typeCertificateValidation: {id: "{now}", onCreate: createValidation},

		typeLogGroup: {
			naming: byName, arn: "logs:{region}:{account}:log-group:{name}",
			taken: "ResourceAlreadyExistsException: The specified log group already exists",
		},
		"aws:cloudwatch/metricAlarm:MetricAlarm": {naming: byName, arn: "cloudwatch:{region}:{account}:alarm:{name}"},
		"aws:cloudwatch/eventRule:EventRule":     {naming: byName, arn: "events:{region}:{account}:rule/{name}"},

		typeSecurityGroup: {
			naming: byName, described: true, id: "sg-{hex17}", quota: "security groups",
			onCreate: createSecurityGroup, onRemove: removeSecurityGroup,
		},
		typeSecurityGroupRule: {id: "sgrule-{hex10}", imports: []string{"{rule}"}, onCreate: createSecurityGroupRule, onRead: securityGroupGone},
		typeVPC: {
			id: "vpc-{hex17}", quota: "VPCs", onCreate: createVPC, onRemove: removeVPC,
		},
		typeSubnet: {id: "subnet-{hex17}", onCreate: createSubnet},

		typeApplication: {
			naming: byName, arn: "elasticbeanstalk:{region}:{account}:application/{name}",
			taken:    "InvalidParameterValue: Application {name} already exists.",
			onRemove: removeApplication,
		},
		typeApplicationVersion: {
			naming: byName, arn: "elasticbeanstalk:{region}:{account}:applicationversion/{application}/{name}",
			quota: "application versions", onCreate: createApplicationVersion, onRemove: removeApplicationVersion,
		},
		typeTemplate: {naming: byName, onCreate: needApplication},
		typeEnvironment: {
			naming: naming{property: "name", max: 40}, id: "e-{base10}", defaults: map[string]any{"tier": "WebServer", "waitForReadyTimeout": "20m"},
			unseen: []string{"waitForReadyTimeout", "pollInterval"},
			arn:    "elasticbeanstalk:{region}:{account}:environment/{application}/{name}",
			taken:  "InvalidParameterValue: Environment {name} already exists.", quota: "environments",
			onCreate: createEnvironment, onUpdate: updateEnvironment, onRemove: removeEnvironment, onRead: readEnvironment,
			gone:  func(r *record) bool { return r.Status == "Terminated" },
			ended: environmentOutcome,
		},

		typeRole: {
			naming: naming{property: "name", max: 64}, arn: "iam::{account}:role/{name}", anywhere: true,
			taken:    "EntityAlreadyExists: Role with name {name} already exists.",
			onCreate: createRole, onRemove: removeRole,
		},
		typeInstanceProfile: {
			naming: naming{property: "name", max: 128}, arn: "iam::{account}:instance-profile/{name}", anywhere: true,
			taken:    "EntityAlreadyExists: Instance Profile {name} already exists.",
			onCreate: createInstanceProfile, onUpdate: needRole,
		},
		typePolicy: {
			naming: naming{property: "name", max: 128}, id: "{arn}", arn: "iam::{account}:policy/{name}", anywhere: true,
			taken:    "EntityAlreadyExists: A policy called {name} already exists. Duplicate names are not allowed.",
			onCreate: createPolicy, onRemove: removePolicy,
		},
		typeRolePolicy: {naming: byName, id: "{role}:{name}", anywhere: true, onCreate: needRole, onRead: roleGone},
		typeRoleAttachment: {
			id: "{role}-{now}", imports: []string{"{role}/{policyArn}"}, anywhere: true,
			onCreate: createRoleAttachment, onRead: roleGone,
		},
		"aws:iam/openIdConnectProvider:OpenIdConnectProvider": {id: "{arn}", onCreate: createOIDC, anywhere: true},

		typeBalancer: {
			naming: naming{property: "name", max: 32}, id: "{arn}", quota: "load balancers",
			defaults: map[string]any{"loadBalancerType": "application"},
			taken:    "DuplicateLoadBalancerName: A load balancer with the same name '{name}' exists, but with different settings",
			onCreate: createBalancer, onUpdate: updateBalancer, onRemove: removeBalancer,
		},
		typeTargetGroup: {
			naming: naming{property: "name", max: 32}, id: "{arn}", quota: "target groups",
			arn:      "elasticloadbalancing:{region}:{account}:targetgroup/{name}/{hex16}",
			taken:    "DuplicateTargetGroupName: A target group with the same name '{name}' exists, but with different settings",
			onCreate: createTargetGroup, onRemove: removeTargetGroup,
		},
		typeListener:            {id: "{arn}", onCreate: createListener, onUpdate: completeActions},
		typeListenerRule:        {id: "{arn}", onCreate: createListenerRule, onUpdate: checkListenerRule},
		typeListenerCertificate: {id: "{listenerArn}_{certificateArn}", onCreate: createListenerCertificate},

		typeDatabase: {
			naming: naming{property: "identifier", max: 63, lower: true}, id: "{resourceId}",
			defaults: map[string]any{"autoMinorVersionUpgrade": true, "deleteAutomatedBackups": true},
			unseen: []string{
				"password", "skipFinalSnapshot", "finalSnapshotIdentifier", "deleteAutomatedBackups", "applyImmediately",
				"allowMajorVersionUpgrade", "snapshotIdentifier",
			},
			imported: map[string]any{"skipFinalSnapshot": true, "deleteAutomatedBackups": true},
			arn:      "rds:{region}:{account}:db:{name}",
			taken:    "DBInstanceAlreadyExists: DB instance already exists", quota: "databases",
			onCreate: createDatabase, onUpdate: updateDatabase, onRemove: removeDatabase, onRead: readDatabase,
			ended: databaseOutcome,
		},
		typeSubnetGroup: {
			naming: naming{property: "name", max: 255, lower: true}, described: true, arn: "rds:{region}:{account}:subgrp:{name}",
			taken: "DBSubnetGroupAlreadyExists: The DB subnet group '{name}' already exists.", quota: "database subnet groups",
			onCreate: createSubnetGroup, onUpdate: createSubnetGroup, onRemove: removeSubnetGroup,
		},
		typeParameterGroup: {
			naming: naming{property: "name", max: 255, lower: true}, described: true, arn: "rds:{region}:{account}:pg:{name}",
			taken:    "DBParameterGroupAlreadyExists: Parameter group {name} already exists",
			onRemove: removeParameterGroup,
		},
		typeSnapshot: {
			id: "{dbSnapshotIdentifier}", arn: "rds:{region}:{account}:snapshot:{dbSnapshotIdentifier}",
			onCreate: createSnapshot,
		},

		typeZone: {
			id: "Z{id20}", anywhere: true, onCreate: createZone, onRemove: removeZone,
		},
		typeRecord: {anywhere: true, onCreate: createRecord, onUpdate: updateRecord},

		typeSecret: {
			naming: byName, id: "{arn}", arn: "secretsmanager:{region}:{account}:secret:{name}-{base6}",
			onCreate: createSecret, onRemove: removeSecret,
			gone: func(r *record) bool { return r.Status == "deleted" },
		},
		typeSecretVersion: {id: "{arn}|{versionId}", onCreate: createSecretVersion, onUpdate: createSecretVersion, onRead: secretGone},
		typeParameter: {
			naming: byName, arn: "ssm:{region}:{account}:parameter/{bare}",
			taken:    "ParameterAlreadyExists: The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
			onCreate: createParameter, onUpdate: createParameter,
		},

		"aws:kms/key:Key":               {id: "{uuid}", onCreate: createKey},
		"aws:kms/alias:Alias":           {naming: byName, arn: "kms:{region}:{account}:{name}"},
		"aws:sns/topic:Topic":           {naming: byName, id: "{arn}", arn: "sns:{region}:{account}:{name}"},
		"aws:sqs/queue:Queue":           {naming: naming{property: "name", max: 80}, id: "https://sqs.{region}.amazonaws.com/{account}/{name}", arn: "sqs:{region}:{account}:{name}"},
		"aws:ecr/repository:Repository": {naming: naming{property: "name", lower: true}, arn: "ecr:{region}:{account}:repository/{name}"},
		"aws:ecs/cluster:Cluster":       {naming: byName, id: "{arn}", arn: "ecs:{region}:{account}:cluster/{name}"},
		"aws:ecs/service:Service":       {naming: byName, id: "arn:aws:ecs:{region}:{account}:service/{name}"},
		"aws:ecs/taskDefinition:TaskDefinition": {
			id: "{family}", arn: "ecs:{region}:{account}:task-definition/{family}:1",
		},
		"aws:elasticache/subnetGroup:SubnetGroup":           {naming: naming{property: "name", lower: true}, described: true, arn: "elasticache:{region}:{account}:subnetgroup:{name}"},
		"aws:elasticache/cluster:Cluster":                   {naming: naming{property: "clusterId", max: 50, lower: true}, arn: "elasticache:{region}:{account}:cluster:{name}"},
		"aws:elasticache/replicationGroup:ReplicationGroup": {naming: naming{property: "replicationGroupId", max: 40, lower: true}, arn: "elasticache:{region}:{account}:replicationgroup:{name}"},
		"aws:opensearch/domain:Domain":                      {naming: naming{property: "domainName", max: 28, lower: true}, id: "{arn}", arn: "es:{region}:{account}:domain/{name}"},
		"aws:autoscaling/group:Group":                       {naming: byName, arn: "autoscaling:{region}:{account}:autoScalingGroup:{uuid}:autoScalingGroupName/{name}"},
		"aws:budgets/budget:Budget":                         {naming: byName, id: "{account}:{name}", arn: "budgets::{account}:budget/{name}"},
		"aws:appautoscaling/policy:Policy":                  {naming: byName, arn: "autoscaling:{region}:{account}:scalingPolicy:{uuid}:policyName/{name}"},
	}
})

// typeTitles are the names by which the real provider calls its types in messages.
var typeTitles = sync.OnceValue(func() map[string]string {
	return map[string]string{
		typeBucket:                "S3 Bucket",
		typeBucketVersioning:      "S3 Bucket Versioning",
		typeObject:                "S3 Object",
		typeCertificate:           "ACM Certificate",
		typeCertificateValidation: "ACM Certificate Validation",
		typeLogGroup:              "CloudWatch Logs Log Group",
		typeSecurityGroup:         "EC2 Security Group",
		typeSecurityGroupRule:     "EC2 Security Group Rule",
		typeSubnet:                "EC2 Subnet",
		typeVPC:                   "EC2 VPC",
		typeApplication:           "Elastic Beanstalk Application",
		typeApplicationVersion:    "Elastic Beanstalk Application Version",
		typeTemplate:              "Elastic Beanstalk Configuration Template",
		typeEnvironment:           "Elastic Beanstalk Environment",
		typeInstanceProfile:       "IAM Instance Profile",
		typePolicy:                "IAM Policy",
		typeRole:                  "IAM Role",
		typeRolePolicy:            "IAM Role Policy",
		typeRoleAttachment:        "IAM Role Policy Attachment",
		typeListener:              "ELBv2 Listener",
		typeListenerRule:          "ELBv2 Listener Rule",
		typeListenerCertificate:   "ELBv2 Listener Certificate",
		typeBalancer:              "ELBv2 Load Balancer",
		typeTargetGroup:           "ELBv2 Target Group",
		typeDatabase:              "RDS DB Instance",
		typeParameterGroup:        "RDS DB Parameter Group",
		typeSnapshot:              "RDS DB Snapshot",
		typeSubnetGroup:           "RDS DB Subnet Group",
		typeRecord:                "Route 53 Record",
		typeZone:                  "Route 53 Hosted Zone",
		typeSecret:                "Secrets Manager Secret",
		typeSecretVersion:         "Secrets Manager Secret Version",
		typeParameter:             "SSM Parameter",
	}
})
