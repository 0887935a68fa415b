package api

import (
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/services"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

func rds() service {
	return service{protocol: "query", namespace: "http://rds.amazonaws.com/doc/2014-10-31/", actions: map[string]action{
		"DescribeDBInstances":       describeDatabases,
		"DescribeDBSnapshots":       describeSnapshots,
		"DescribeDBSubnetGroups":    describeSubnetGroups,
		"DescribeDBParameterGroups": describeParameterGroups,
		"StopDBInstance":            stopDatabase,
		"StartDBInstance":           startDatabase,
		"ListTagsForResource":       listDatabaseTags,
	}}
}

// byName returns the region's records of a type, or the one whose name, id or ARN is in a parameter. If that one does not
// exist, it returns an error with code and message. The message has one verb, for the name.
func (c *call) byName(typ, parameter, code, message string) ([]*cloud.Record, error) {
	name := c.form.Get(parameter)
	records, err := c.inRegion(typ, func(r *cloud.Record) bool {
		return name == "" || strings.EqualFold(r.Name, name) || r.ID == name || r.Text("arn") == name
	})
	if err == nil && name != "" && len(records) == 0 {
		err = cloud.Errorf(code, message, name).WithStatus(404)
	}
	return records, err
}

func describeDatabases(c *call) (any, error) {
	records, err := c.byName(services.TypeDatabase, "DBInstanceIdentifier", "DBInstanceNotFound", "DBInstance %s not found.")
	if err != nil {
		return nil, err
	}
	records, token := paginate(records, c.form.Get("Marker"), c.form.Get("MaxRecords"))
	return []node{elements("DBInstances", "DBInstance", records, databaseNodes), leaf("Marker", token)}, nil
}

func databaseNodes(r *cloud.Record) []node {
	var groups []node
	for _, id := range r.Outputs.Texts("vpcSecurityGroupIds") {
		groups = append(groups, element("VpcSecurityGroupMembership", leaf("VpcSecurityGroupId", id), leaf("Status", "active")))
	}
	out := []node{
		leaf("DBInstanceIdentifier", r.Name), leaf("DbiResourceId", r.ID), leaf("DBInstanceArn", r.Text("arn")),
		leaf("DBInstanceClass", r.Text("instanceClass")), leaf("Engine", r.Text("engine")), leaf("EngineVersion", r.Text("engineVersionActual")),
		leaf("DBInstanceStatus", r.Status), leaf("MasterUsername", r.Text("username")), leaf("DBName", r.Text("dbName")),
		leaf("AllocatedStorage", r.Outputs["allocatedStorage"]), leaf("MultiAZ", r.Outputs.Bool("multiAz")),
		leaf("BackupRetentionPeriod", r.Outputs["backupRetentionPeriod"]), leaf("StorageEncrypted", r.Outputs.Bool("storageEncrypted")),
		leaf("DeletionProtection", r.Outputs.Bool("deletionProtection")), leaf("InstanceCreateTime", r.Created),
		leaf("AvailabilityZone", r.Text("availabilityZone")), leaf("PubliclyAccessible", r.Outputs.Bool("publiclyAccessible")),
		leaf("StorageType", r.Text("storageType")), leaf("AutoMinorVersionUpgrade", r.Outputs.Bool("autoMinorVersionUpgrade")),
		leaf("CopyTagsToSnapshot", r.Outputs.Bool("copyTagsToSnapshot")),
		element("VpcSecurityGroups", groups...), element("DBSubnetGroup", leaf("DBSubnetGroupName", r.Text("dbSubnetGroupName")), leaf("VpcId", services.DefaultVPC)),
		element("DBParameterGroups", element("DBParameterGroup", leaf("DBParameterGroupName", r.Text("parameterGroupName")), leaf("ParameterApplyStatus", "in-sync"))),
		tagNodes("TagList", "Tag", "Key", "Value", r.Tags()),
	}
	if r.Status != "creating" { // a new instance has no address yet, as on AWS
		out = append(out, element("Endpoint", leaf("Address", r.Text("address")), leaf("Port", r.Outputs["port"]), leaf("HostedZoneId", r.Text("hostedZoneId"))))
	}
	for _, s := range r.Outputs.List("masterUserSecrets") {
		out = append(out, element("MasterUserSecret", leaf("SecretArn", value.ObjectOf(s)["secretArn"]), leaf("SecretStatus", "active")))
	}
	return out
}

func describeSnapshots(c *call) (any, error) {
	records, err := c.byName(services.TypeSnapshot, "DBSnapshotIdentifier", "DBSnapshotNotFound", "DBSnapshot %s not found.")
	if err != nil {
		return nil, err
	}
	var out []*cloud.Record
	for _, r := range records {
		source, kind := c.form.Get("DBInstanceIdentifier"), c.form.Get("SnapshotType")
		if (source == "" || r.Text("dbInstanceIdentifier") == source) && (kind == "" || r.Text("snapshotType") == kind) {
			out = append(out, r)
		}
	}
	out, token := paginate(out, c.form.Get("Marker"), c.form.Get("MaxRecords"))
	return []node{elements("DBSnapshots", "DBSnapshot", out, func(r *cloud.Record) []node {
		return []node{
			leaf("DBSnapshotIdentifier", r.ID), leaf("DBInstanceIdentifier", r.Text("dbInstanceIdentifier")), leaf("SnapshotCreateTime", r.Created),
			leaf("Engine", r.Text("engine")), leaf("EngineVersion", r.Text("engineVersion")), leaf("Status", r.Status),
			leaf("SnapshotType", r.Text("snapshotType")), leaf("DBSnapshotArn", r.Text("dbSnapshotArn")),
			leaf("AllocatedStorage", r.Outputs["allocatedStorage"]), leaf("Encrypted", r.Outputs.Bool("encrypted")),
			tagNodes("TagList", "Tag", "Key", "Value", r.Tags()),
		}
	}), leaf("Marker", token)}, nil
}

func describeSubnetGroups(c *call) (any, error) {
	records, err := c.byName(services.TypeSubnetGroup, "DBSubnetGroupName", "DBSubnetGroupNotFoundFault", "DB subnet group '%s' does not exist.")
	if err != nil {
		return nil, err
	}
	return []node{elements("DBSubnetGroups", "DBSubnetGroup", records, func(r *cloud.Record) []node {
		return []node{
			leaf("DBSubnetGroupName", r.Name), leaf("DBSubnetGroupDescription", r.Text("description")), leaf("VpcId", r.Text("vpcId")),
			leaf("SubnetGroupStatus", "Complete"), leaf("DBSubnetGroupArn", r.Text("arn")),
			elements("Subnets", "Subnet", r.Outputs.Texts("subnetIds"), func(id string) []node {
				return []node{leaf("SubnetIdentifier", id), leaf("SubnetStatus", "Active")}
			}),
		}
	})}, nil
}

func describeParameterGroups(c *call) (any, error) {
	records, err := c.byName(services.TypeParameterGroup, "DBParameterGroupName", "DBParameterGroupNotFound", "DBParameterGroup not found: %s")
	if err != nil {
		return nil, err
	}
	return []node{elements("DBParameterGroups", "DBParameterGroup", records, func(r *cloud.Record) []node {
		return []node{
			leaf("DBParameterGroupName", r.Name), leaf("DBParameterGroupFamily", r.Text("family")),
			leaf("Description", r.Text("description")), leaf("DBParameterGroupArn", r.Text("arn")),
		}
	})}, nil
}

func stopDatabase(c *call) (any, error)  { return c.switchDatabase("available", "stopping", "stopped") }
func startDatabase(c *call) (any, error) { return c.switchDatabase("stopped", "starting", "available") }

// switchDatabase stops or starts the database that a call names.
func (c *call) switchDatabase(from, meanwhile, to string) (any, error) {
	records, err := c.byName(services.TypeDatabase, "DBInstanceIdentifier", "DBInstanceNotFound", "DBInstance %s not found.")
	if err != nil {
		return nil, err
	}
	if err := services.SwitchDatabase(c.Operation, records[0], from, meanwhile, to); err != nil {
		return nil, err
	}
	return []node{element("DBInstance", databaseNodes(records[0])...)}, nil
}

func listDatabaseTags(c *call) (any, error) {
	arn := c.form.Get("ResourceName")
	for _, typ := range []string{services.TypeDatabase, services.TypeSubnetGroup, services.TypeParameterGroup, services.TypeSnapshot} {
		found, err := c.inRegion(typ, func(r *cloud.Record) bool { return r.Text("arn") == arn })
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return []node{tagNodes("TagList", "Tag", "Key", "Value", found[0].Tags())}, nil
		}
	}
	return nil, cloud.Errorf("InvalidParameterValue", "The specified resource name does not match an RDS resource in this region: %s", arn)
}
