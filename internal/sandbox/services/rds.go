package services

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// Resource types of RDS.
const (
	TypeDatabase       = "aws:rds/instance:Instance"
	TypeParameterGroup = "aws:rds/parameterGroup:ParameterGroup"
	TypeSnapshot       = "aws:rds/snapshot:Snapshot"
	TypeSubnetGroup    = "aws:rds/subnetGroup:SubnetGroup"
)

func rdsService() cloud.Service {
	noTwoHyphens := func(s string) bool { return !strings.Contains(s, "--") }
	const lowerCase = "only lower-case letters, digits and hyphens, a letter first, no two hyphens in a row, no hyphen last"
	return cloud.Service{
		Kinds: map[string]cloud.Kind{
			TypeDatabase: {
				Title: "RDS DB Instance", Naming: cloud.Naming{Property: "identifier", MaxLength: 63, LowerCase: true}, ID: "{resourceId}", Timeout: 40 * time.Minute,
				Defaults: map[string]any{"autoMinorVersionUpgrade": true, "deleteAutomatedBackups": true},
				Unreadable: []string{
					"password", "skipFinalSnapshot", "finalSnapshotIdentifier", "deleteAutomatedBackups", "applyImmediately",
					"allowMajorVersionUpgrade", "snapshotIdentifier",
				},
				ImportDefaults: map[string]any{"skipFinalSnapshot": true, "deleteAutomatedBackups": true},
				ARN:            "rds:{region}:{account}:db:{name}",
				NameTaken:      "DBInstanceAlreadyExists: DB instance already exists",
				Quota:          "databases", QuotaError: "InstanceQuotaExceeded: DB Instance quota exceeded: you cannot have more than %d DB instances.",
				Rules: []cloud.Rule{
					{Property: "identifier", Max: 63, Pattern: `^[a-z]([a-z0-9-]*[a-z0-9])?$`, Valid: noTwoHyphens, Message: lowerCase},
					{Property: "finalSnapshotIdentifier", Max: 255, Pattern: `^[A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?$`, Valid: noTwoHyphens, Message: "only letters, digits and hyphens, a letter first, no two hyphens in a row, no hyphen last"},
					{Property: "instanceClass", Pattern: `^db\.[a-z0-9-]+\.[a-z0-9]+$`, Message: "an instance class such as db.t4g.micro"},
					{Property: "password", Min: 8, Max: 128, Pattern: `^[^/"@ ]*$`, Message: `only printable characters, none of / " @ and space`},
					{Property: "username", Min: 1, Max: 63, Pattern: `^[A-Za-z][A-Za-z0-9_]*$`, Valid: func(s string) bool { return !slices.Contains([]string{"admin_user", "rdsadmin", "postgres_admin"}, s) }, Message: "only letters, digits and underscores, a letter first, no reserved word"},
					{Property: "dbName", Min: 1, Max: 64, Pattern: `^[A-Za-z_][A-Za-z0-9_]*$`, Message: "only letters, digits and underscores, a letter first"},
					{Property: "backupRetentionPeriod", Max: 35}, {Property: "allocatedStorage", Min: 5, Max: 65536},
					{Property: "storageType", Allowed: []string{"standard", "gp2", "gp3", "io1", "io2"}},
					{Property: "monitoringInterval", Allowed: []string{"0", "1", "5", "10", "15", "30", "60"}},
					{Property: "engineLifecycleSupport", Allowed: []string{"open-source-rds-extended-support", "open-source-rds-extended-support-disabled"}},
					{Property: "maintenanceWindow", Pattern: `(?i)^(mon|tue|wed|thu|fri|sat|sun):\d{2}:\d{2}-(mon|tue|wed|thu|fri|sat|sun):\d{2}:\d{2}$`, Message: "ddd:hh24:mi-ddd:hh24:mi"},
					{Property: "backupWindow", Pattern: `^\d{2}:\d{2}-\d{2}:\d{2}$`, Message: "hh24:mi-hh24:mi"},
				},
				Combinations: []cloud.Combination{cloud.Exclusive("identifier", "identifierPrefix"), cloud.Exclusive("password", "manageMasterUserPassword")},
				Uses:         func(r *cloud.Record) []string { return r.Outputs.Texts("vpcSecurityGroupIds") },
				OnCreate:     createDatabase, OnUpdate: updateDatabase, OnRemove: removeDatabase, OnRead: readDatabase,
				Outcome: databaseOutcome, FailedStatus: "incompatible-parameters",
			},
			TypeSubnetGroup: {
				Title: "RDS DB Subnet Group", Naming: cloud.Naming{Property: "name", MaxLength: 255, LowerCase: true}, HasDescription: true, ARN: "rds:{region}:{account}:subgrp:{name}",
				NameTaken: "DBSubnetGroupAlreadyExists: The DB subnet group '{name}' already exists.",
				Quota:     "database subnet groups", QuotaError: "DBSubnetGroupQuotaExceeded: DB subnet group quota exceeded: you cannot have more than %d DB subnet groups.",
				Rules: []cloud.Rule{{
					Property: "name", Min: 1, Max: 255, Pattern: `^[ .0-9a-z_-]+$`, Valid: func(s string) bool { return s != "default" },
					Message: "only lower-case letters, digits, hyphens, underscores, periods and spaces, and not default",
				}},
				OnCreate: createSubnetGroup, OnUpdate: createSubnetGroup, OnRemove: removeSubnetGroup,
			},
			TypeParameterGroup: {
				Title: "RDS DB Parameter Group", Naming: cloud.Naming{Property: "name", MaxLength: 255, LowerCase: true}, HasDescription: true, ARN: "rds:{region}:{account}:pg:{name}",
				NameTaken: "DBParameterGroupAlreadyExists: Parameter group {name} already exists",
				Rules:     []cloud.Rule{{Property: "name", Max: 255, Pattern: `^[a-z]([0-9a-z-]*[0-9a-z])?$`, Valid: noTwoHyphens, Message: lowerCase}},
				OnRemove:  removeParameterGroup,
			},
			TypeSnapshot: {
				Title: "RDS DB Snapshot", ID: "{dbSnapshotIdentifier}", ARN: "rds:{region}:{account}:snapshot:{dbSnapshotIdentifier}",
				OnCreate: createSnapshot,
			},
		},
		Functions: map[string]cloud.Function{"aws:rds/getSnapshot:getSnapshot": getSnapshot},
	}
}

// takeSnapshot creates a snapshot of the database.
func takeSnapshot(o *cloud.Operation, id, kind string) error {
	if other, err := o.Tx.Get(TypeSnapshot, id); err != nil || other != nil {
		if err == nil {
			err = cloud.Errorf("DBSnapshotAlreadyExists", "Cannot create the snapshot because a snapshot with the identifier %s already exists.", id)
		}
		return err
	}
	snap := &cloud.Record{
		Type: TypeSnapshot, ID: id, Name: id, Region: o.Region, Status: "available", Created: o.Tx.Now, Updated: o.Tx.Now,
		Inputs:  map[string]any{"dbInstanceIdentifier": o.Record.Name, "dbSnapshotIdentifier": id},
		Outputs: map[string]any{"snapshotType": kind},
	}
	snapshotOutputs(snap, o.Record)
	return o.Tx.Put(snap)
}

// snapshotOutputs sets the outputs of a snapshot of db.
func snapshotOutputs(snap, db *cloud.Record) {
	for _, key := range []string{"allocatedStorage", "availabilityZone", "engine", "kmsKeyId", "licenseModel", "port", "storageType", "username", "dbName"} {
		snap.Outputs[key] = db.Outputs[key]
	}
	snap.Outputs["engineVersion"] = db.Text("engineVersionActual")
	snap.Outputs["encrypted"] = db.Outputs.Bool("storageEncrypted")
	snap.Outputs["storageEncrypted"] = db.Outputs.Bool("storageEncrypted")
	snap.Outputs["dbInstanceIdentifier"] = db.Name
	snap.Outputs["dbSnapshotIdentifier"] = snap.ID
	snap.Outputs["dbSnapshotArn"] = "arn:aws:rds:" + db.Region + ":" + cloud.Account + ":snapshot:" + snap.ID
	snap.Outputs["arn"] = snap.Outputs["dbSnapshotArn"]
	snap.Outputs["status"] = "available"
	snap.Outputs["vpcId"] = DefaultVPC
}

func createSnapshot(o *cloud.Operation) error {
	db, err := o.Tx.Find(TypeDatabase, o.Inputs.Text("dbInstanceIdentifier"))
	if err != nil {
		return err
	}
	if db == nil {
		return cloud.Errorf("DBInstanceNotFound", "DBInstance %s not found.", o.Inputs.Text("dbInstanceIdentifier")).WithStatus(404)
	}
	o.Record.ID = o.Inputs.Text("dbSnapshotIdentifier")
	o.Record.Name = o.Record.ID
	if other, err := o.Tx.Get(TypeSnapshot, o.Record.ID); err != nil || other != nil {
		if err == nil {
			err = cloud.Errorf("DBSnapshotAlreadyExists", "Cannot create the snapshot because a snapshot with the identifier %s already exists.", o.Record.ID)
		}
		return err
	}
	o.SetOutputs(map[string]any{"snapshotType": "manual"})
	snapshotOutputs(o.Record, db)
	o.Schedule("creating", o.Waits.Database/2, "available", "")
	return nil
}

func createSubnetGroup(o *cloud.Operation) error {
	zones := map[string]bool{}
	for _, id := range o.Inputs.Texts("subnetIds") {
		s, err := FindSubnet(o, id)
		if err != nil {
			return err
		}
		if s == nil {
			return cloud.Errorf("InvalidSubnet", "Some input subnets in :[%s] are invalid.", id)
		}
		zones[s.Text("availabilityZone")] = true
	}
	if len(zones) < 2 {
		return cloud.Errorf("DBSubnetGroupDoesNotCoverEnoughAZs", "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: %s. Add subnets to cover at least 2 AZs.", strings.Join(slices.Sorted(maps.Keys(zones)), ", "))
	}
	o.SetOutputs(map[string]any{"supportedNetworkTypes": value.ListOf("IPV4"), "vpcId": DefaultVPC})
	return nil
}

func removeSubnetGroup(o *cloud.Operation) error {
	used, err := o.Tx.Where(TypeDatabase, func(r *cloud.Record) bool { return r.Text("dbSubnetGroupName") == o.Record.Name })
	if err != nil || len(used) == 0 {
		return err
	}
	return cloud.Errorf("InvalidDBSubnetGroupStateFault", "Cannot delete the subnet group '%s' because at least one database instance: %s is still using it.", o.Record.Name, used[0].Name)
}

func removeParameterGroup(o *cloud.Operation) error {
	used, err := o.Tx.Where(TypeDatabase, func(r *cloud.Record) bool { return r.Text("parameterGroupName") == o.Record.Name })
	if err != nil || len(used) == 0 {
		return err
	}
	return cloud.Errorf("InvalidDBParameterGroupState", "One or more database instances are still members of this parameter group %s, so the group cannot be deleted", o.Record.Name)
}

func getSnapshot(l *cloud.Lookup) (value.Object, error) {
	source, id, kind := l.Args.Text("dbInstanceIdentifier"), l.Args.Text("dbSnapshotIdentifier"), l.Args.Text("snapshotType")
	if source == "" && id == "" {
		return nil, fmt.Errorf("One of db_snapshot_identifier or db_instance_identifier must be assigned")
	}
	records, err := l.Tx.Where(TypeSnapshot, func(r *cloud.Record) bool {
		return r.Region == l.Region && (source == "" || r.Text("dbInstanceIdentifier") == source) && (id == "" || r.ID == id) &&
			(kind == "" || r.Text("snapshotType") == kind) && r.Status == "available"
	})
	if err != nil {
		return nil, err
	}
	switch {
	case len(records) == 0:
		return nil, fmt.Errorf("Your query returned no results. Please change your search criteria and try again.")
	case len(records) > 1 && !l.Args.Bool("mostRecent"):
		return nil, fmt.Errorf("Your query returned more than one result. Please try a more specific search criteria.")
	}
	slices.SortStableFunc(records, func(a, b *cloud.Record) int { return b.Created.Compare(a.Created) })
	out := resultOf(records[0])
	out["snapshotCreateTime"] = records[0].Created.UTC().Format("2006-01-02T15:04:05Z")
	return out, nil
}
