package sandbox

import (
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

func rdsAction(name string) action {
	return map[string]action{
		"DescribeDBInstances":       describeDatabases,
		"DescribeDBSnapshots":       describeSnapshots,
		"DescribeDBSubnetGroups":    describeSubnetGroups,
		"DescribeDBParameterGroups": describeParameterGroups,
		"StopDBInstance":            stopDatabase,
		"StartDBInstance":           startDatabase,
		"ListTagsForResource":       listDatabaseTags,
	}[name]
}

// one lists the region's records of a type, or the one named by a parameter. AWS says code and message (one verb) if
// that one does not exist.
func (c *call) one(typ, parameter, code, message string) ([]*record, error) {
	name := c.form.Get(parameter)
	records, err := c.here(typ, func(r *record) bool {
		return name == "" || strings.EqualFold(r.Name, name) || r.ID == name || r.str("arn") == name
	})
	if err == nil && name != "" && len(records) == 0 {
		err = awsErrorf(code, message, name).with(404)
	}
	return records, err
}

func describeDatabases(c *call) (any, error) {
	records, err := c.one(typeDatabase, "DBInstanceIdentifier", "DBInstanceNotFound", "DBInstance %s not found.")
	if err != nil {
		return nil, err
	}
	records, token := page(records, c.form.Get("Marker"), c.form.Get("MaxRecords"))
	return []node{many("DBInstances", "DBInstance", records, databaseNodes), leaf("Marker", token)}, nil
}

func databaseNodes(r *record) []node {
	var groups []node
	for _, id := range r.Outputs.Texts("vpcSecurityGroupIds") {
		groups = append(groups, el("VpcSecurityGroupMembership", leaf("VpcSecurityGroupId", id), leaf("Status", "active")))
	}
	out := []node{
		leaf("DBInstanceIdentifier", r.Name), leaf("DbiResourceId", r.ID), leaf("DBInstanceArn", r.str("arn")),
		leaf("DBInstanceClass", r.str("instanceClass")), leaf("Engine", r.str("engine")), leaf("EngineVersion", r.str("engineVersionActual")),
		leaf("DBInstanceStatus", r.Status), leaf("MasterUsername", r.str("username")), leaf("DBName", r.str("dbName")),
		leaf("AllocatedStorage", r.Outputs["allocatedStorage"]), leaf("MultiAZ", r.Outputs.Bool("multiAz")),
		leaf("BackupRetentionPeriod", r.Outputs["backupRetentionPeriod"]), leaf("StorageEncrypted", r.Outputs.Bool("storageEncrypted")),
		leaf("DeletionProtection", r.Outputs.Bool("deletionProtection")), leaf("InstanceCreateTime", r.Created),
		leaf("AvailabilityZone", r.str("availabilityZone")), leaf("PubliclyAccessible", r.Outputs.Bool("publiclyAccessible")),
		leaf("StorageType", r.str("storageType")), leaf("AutoMinorVersionUpgrade", r.Outputs.Bool("autoMinorVersionUpgrade")),
		leaf("CopyTagsToSnapshot", r.Outputs.Bool("copyTagsToSnapshot")),
		el("VpcSecurityGroups", groups...), el("DBSubnetGroup", leaf("DBSubnetGroupName", r.str("dbSubnetGroupName")), leaf("VpcId", defaultVPC)),
		el("DBParameterGroups", el("DBParameterGroup", leaf("DBParameterGroupName", r.str("parameterGroupName")), leaf("ParameterApplyStatus", "in-sync"))),
		tagNodes("TagList", "Tag", "Key", "Value", r.tags()),
	}
	if r.Status != "creating" { // AWS, too, tells the address when the instance has one
		out = append(out, el("Endpoint", leaf("Address", r.str("address")), leaf("Port", r.Outputs["port"]), leaf("HostedZoneId", r.str("hostedZoneId"))))
	}
	for _, s := range r.Outputs.List("masterUserSecrets") {
		out = append(out, el("MasterUserSecret", leaf("SecretArn", value.ObjectOf(s)["secretArn"]), leaf("SecretStatus", "active")))
	}
	return out
}

func describeSnapshots(c *call) (any, error) {
	records, err := c.one(typeSnapshot, "DBSnapshotIdentifier", "DBSnapshotNotFound", "DBSnapshot %s not found.")
	if err != nil {
		return nil, err
	}
	var out []*record
	for _, r := range records {
		source, kind := c.form.Get("DBInstanceIdentifier"), c.form.Get("SnapshotType")
		if (source == "" || r.str("dbInstanceIdentifier") == source) && (kind == "" || r.str("snapshotType") == kind) {
			out = append(out, r)
		}
	}
	out, token := page(out, c.form.Get("Marker"), c.form.Get("MaxRecords"))
	return []node{many("DBSnapshots", "DBSnapshot", out, func(r *record) []node {
		return []node{
			leaf("DBSnapshotIdentifier", r.ID), leaf("DBInstanceIdentifier", r.str("dbInstanceIdentifier")), leaf("SnapshotCreateTime", r.Created),
			leaf("Engine", r.str("engine")), leaf("EngineVersion", r.str("engineVersion")), leaf("Status", r.Status),
			leaf("SnapshotType", r.str("snapshotType")), leaf("DBSnapshotArn", r.str("dbSnapshotArn")),
			leaf("AllocatedStorage", r.Outputs["allocatedStorage"]), leaf("Encrypted", r.Outputs.Bool("encrypted")),
			tagNodes("TagList", "Tag", "Key", "Value", r.tags()),
		}
	}), leaf("Marker", token)}, nil
}

func describeSubnetGroups(c *call) (any, error) {
	records, err := c.one(typeSubnetGroup, "DBSubnetGroupName", "DBSubnetGroupNotFoundFault", "DB subnet group '%s' does not exist.")
	if err != nil {
		return nil, err
	}
	return []node{many("DBSubnetGroups", "DBSubnetGroup", records, func(r *record) []node {
		return []node{
			leaf("DBSubnetGroupName", r.Name), leaf("DBSubnetGroupDescription", r.str("description")), leaf("VpcId", r.str("vpcId")),
			leaf("SubnetGroupStatus", "Complete"), leaf("DBSubnetGroupArn", r.str("arn")),
			many("Subnets", "Subnet", r.Outputs.Texts("subnetIds"), func(id string) []node {
				return []node{leaf("SubnetIdentifier", id), leaf("SubnetStatus", "Active")}
			}),
		}
	})}, nil
}

func describeParameterGroups(c *call) (any, error) {
	records, err := c.one(typeParameterGroup, "DBParameterGroupName", "DBParameterGroupNotFound", "DBParameterGroup not found: %s")
	if err != nil {
		return nil, err
	}
	return []node{many("DBParameterGroups", "DBParameterGroup", records, func(r *record) []node {
		return []node{
			leaf("DBParameterGroupName", r.Name), leaf("DBParameterGroupFamily", r.str("family")),
			leaf("Description", r.str("description")), leaf("DBParameterGroupArn", r.str("arn")),
		}
	})}, nil
}

func stopDatabase(c *call) (any, error)  { return c.switchDatabase("available", "stopping", "stopped") }
func startDatabase(c *call) (any, error) { return c.switchDatabase("stopped", "starting", "available") }

func (c *call) switchDatabase(from, meanwhile, to string) (any, error) {
	records, err := c.one(typeDatabase, "DBInstanceIdentifier", "DBInstanceNotFound", "DBInstance %s not found.")
	if err != nil {
		return nil, err
	}
	if err := switchDatabase(c.op, records[0], from, meanwhile, to); err != nil {
		return nil, err
	}
	return []node{el("DBInstance", databaseNodes(records[0])...)}, nil
}

func listDatabaseTags(c *call) (any, error) {
	arn := c.form.Get("ResourceName")
	for _, typ := range []string{typeDatabase, typeSubnetGroup, typeParameterGroup, typeSnapshot} {
		found, err := c.here(typ, func(r *record) bool { return r.str("arn") == arn })
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return []node{tagNodes("TagList", "Tag", "Key", "Value", found[0].tags())}, nil
		}
	}
	return nil, awsErrorf("InvalidParameterValue", "The specified resource name does not match an RDS resource in this region: %s", arn)
}
