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
				Combinations:   []cloud.Combination{cloud.Exclusive("identifier", "identifierPrefix"), cloud.Exclusive("password", "manageMasterUserPassword")},
				Uses: func(r *cloud.Record) []string { return r.Outputs.Texts("vpcSecurityGroupIds") },
				OnCreate:       createDatabase, OnUpdate: updateDatabase, OnRemove: removeDatabase, OnRead: readDatabase,
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

// databasePort returns the default port of an engine. known is false if there is no such engine.
func databasePort(engine string) (port int, known bool) {
	port, known = map[string]int{"postgres": 5432, "mysql": 3306, "mariadb": 3306, "oracle-se2": 1521, "sqlserver-ex": 1433}[engine]
	return port, known
}

// fullVersions returns the version that RDS picks for each major version of an engine, nil if it takes any version.
func fullVersions(engine string) map[string]string {
	return map[string]map[string]string{
		"postgres": {"13": "13.22", "14": "14.19", "15": "15.14", "16": "16.10", "17": "17.6", "18": "18.1"},
		"mysql":    {"8.0": "8.0.43", "8.4": "8.4.6"},
		"mariadb":  {"10.11": "10.11.14", "11.4": "11.4.8"},
	}[engine]
}

func createDatabase(o *cloud.Operation) error {
	r, in := o.Record, o.Inputs
	source, err := databaseSource(o)
	if err != nil {
		return err
	}
	engine := in.Text("engine")
	if source != nil && engine == "" {
		engine = source.Text("engine")
	}
	if source == nil {
		if engine == "" {
			return cloud.Errorf("InvalidParameterValue", `"engine": required field is not set`)
		}
		if in.Text("username") == "" {
			return cloud.Errorf("InvalidParameterValue", `"username": required field is not set`)
		}
		if in.Text("password") == "" && !in.Bool("manageMasterUserPassword") {
			return cloud.Errorf("InvalidParameterValue", "The parameter MasterUserPassword must be provided and must not be blank.")
		}
		if in.Int("allocatedStorage") == 0 {
			return cloud.Errorf("InvalidParameterValue", "The parameter AllocatedStorage must be provided and must not be blank.")
		}
	}
	version, err := fullVersion(engine, in.Text("engineVersion"), source)
	if err != nil {
		return err
	}
	if err := checkDatabaseReferences(o); err != nil {
		return err
	}
	port, _ := databasePort(engine)
	if p := in.Int("port"); p != 0 {
		port = p
	}
	r.ID = o.Expand("db-{id26}")
	address := r.Name + o.Expand(".c{base11}") + "." + o.Region + ".rds.amazonaws.com"
	o.SetOutputs(map[string]any{
		"resourceId": r.ID, "identifier": r.Name, "address": address, "endpoint": fmt.Sprintf("%s:%d", address, port),
		"port": float64(port), "engine": engine, "engineVersionActual": version, "hostedZoneId": "Z1RLNUO7B9Q6NB", "status": "available",
	})
	if source != nil {
		for _, key := range []string{"allocatedStorage", "username", "dbName", "storageEncrypted", "kmsKeyId"} {
			o.SetDefaults(map[string]any{key: source.Outputs[key]})
		}
	}
	o.SetDefaults(map[string]any{
		"engineVersion": version, "dbSubnetGroupName": "default", "parameterGroupName": "default." + engine,
		"vpcSecurityGroupIds": value.ListOf(defaultSecurityGroup), "storageType": "gp2", "licenseModel": "postgresql-license",
		"availabilityZone": o.Region + "a", "backupWindow": "03:00-03:30", "maintenanceWindow": "sun:04:00-sun:04:30",
		"caCertIdentifier": "rds-ca-rsa2048-g1", "networkType": "IPV4", "multiAz": false, "backupRetentionPeriod": 0.0,
	})
	addManagedPassword(o)
	o.Schedule("creating", o.Waits.Database, "available", "")
	return nil
}

// fullVersion returns the version that a database runs if the version wanted is asked for. Without one, it runs the newest
// version, or the version of the snapshot that it is restored from.
func fullVersion(engine, wanted string, source *cloud.Record) (string, error) {
	known := fullVersions(engine)
	if known == nil {
		if _, ok := databasePort(engine); !ok {
			return "", cloud.Errorf("InvalidParameterValue", "Invalid DB engine: %s", engine)
		}
		return wanted, nil
	}
	if wanted == "" && source != nil {
		return source.Text("engineVersion"), nil
	}
	if wanted == "" {
		versions := slices.Sorted(maps.Keys(known))
		return known[versions[len(versions)-1]], nil
	}
	if full, ok := known[wanted]; ok {
		return full, nil
	}
	for major := range known {
		if strings.HasPrefix(wanted, major+".") {
			return wanted, nil
		}
	}
	return "", cloud.Errorf("InvalidParameterCombination", "Cannot find version %s for %s", wanted, engine)
}

// databaseSource returns the snapshot that a database is restored from, nil if it starts empty.
func databaseSource(o *cloud.Operation) (*cloud.Record, error) {
	id := o.Inputs.Text("snapshotIdentifier")
	if id == "" {
		return nil, nil
	}
	snap, err := o.Tx.Find(TypeSnapshot, id)
	if err != nil {
		return nil, err
	}
	if snap == nil {
		return nil, cloud.Errorf("DBSnapshotNotFound", "DBSnapshot not found: %s", id).WithStatus(404)
	}
	if snap.Status != "available" {
		return nil, cloud.Errorf("InvalidDBSnapshotState", "Snapshot %s is not available", id)
	}
	return snap, nil
}

// checkDatabaseReferences refuses a subnet group, a parameter group or a security group that does not exist.
func checkDatabaseReferences(o *cloud.Operation) error {
	if name := o.Inputs.Text("dbSubnetGroupName"); name != "" && name != "default" {
		group, err := o.Tx.Find(TypeSubnetGroup, name)
		if err != nil {
			return err
		}
		if group == nil {
			return cloud.Errorf("DBSubnetGroupNotFoundFault", "DB subnet group '%s' does not exist.", name).WithStatus(404)
		}
	}
	if name := o.Inputs.Text("parameterGroupName"); name != "" && !strings.HasPrefix(name, "default.") {
		group, err := o.Tx.Find(TypeParameterGroup, name)
		if err != nil {
			return err
		}
		if group == nil {
			return cloud.Errorf("DBParameterGroupNotFound", "DBParameterGroup not found: %s", name).WithStatus(404)
		}
	}
	for _, id := range o.Inputs.Texts("vpcSecurityGroupIds") {
		if err := requireSecurityGroup(o, id, "InvalidParameterValue", "Invalid security group , groupId= %s, groupName=."); err != nil {
			return err
		}
	}
	return nil
}

// addManagedPassword sets the secret that holds the master password, if RDS manages the password.
func addManagedPassword(o *cloud.Operation) {
	if !o.Inputs.Bool("manageMasterUserPassword") {
		o.SetOutputs(map[string]any{"masterUserSecrets": []any{}})
		return
	}
	if len(o.Record.Outputs.List("masterUserSecrets")) > 0 {
		return
	}
	key := o.Inputs.Text("masterUserSecretKmsKeyId")
	if key == "" {
		key = o.ARN("kms", o.Expand("key/{uuid}"))
	}
	o.SetOutputs(map[string]any{"masterUserSecrets": []any{map[string]any{
		"secretArn": o.ARN("secretsmanager", "secret:rds!"+o.Record.ID+o.Expand("-{base6}")), "secretStatus": "active", "kmsKeyId": key,
	}}})
}

func updateDatabase(o *cloud.Operation) error {
	if o.Record.Status != "available" && o.Record.Status != "stopped" {
		if o.Record.Pending() {
			return nil // an interrupted run began this operation; the caller waits for its end
		}
		return cloud.Errorf("InvalidDBInstanceState", "Database instance is not in available state.")
	}
	if err := checkDatabaseReferences(o); err != nil {
		return err
	}
	if version := o.Inputs.Text("engineVersion"); version != "" {
		full, err := fullVersion(o.Record.Text("engine"), version, nil)
		if err != nil {
			return err
		}
		o.SetOutputs(map[string]any{"engineVersionActual": full})
	}
	addManagedPassword(o)
	o.Schedule("modifying", o.Waits.Database/2, "available", "")
	return nil
}

// SwitchDatabase stops or starts the database r. r must have the status from; it has the status meanwhile, and the status to
// at the end.
func SwitchDatabase(o *cloud.Operation, r *cloud.Record, from, meanwhile, to string) error {
	if r.Status != from {
		return cloud.Errorf("InvalidDBInstanceState", "Instance %s is not in %s state.", r.Name, from)
	}
	o.Record = r
	o.Schedule(meanwhile, o.Waits.Database/2, to, "")
	return o.Tx.Put(r)
}

func removeDatabase(o *cloud.Operation) error {
	if o.Record.Status == "deleting" {
		return nil
	}
	if o.Record.Outputs.Bool("deletionProtection") {
		return cloud.Errorf("InvalidParameterCombination", "Cannot delete protected DB Instance, please disable deletion protection and try again.")
	}
	final := o.Inputs.Text("finalSnapshotIdentifier")
	if !o.Inputs.Bool("skipFinalSnapshot") {
		if final == "" {
			return fmt.Errorf("final_snapshot_identifier is required when skip_final_snapshot is false")
		}
		if o.Record.Status != "available" {
			return cloud.Errorf("InvalidDBInstanceState", "Instance %s is currently %s - a final snapshot cannot be taken", o.Record.Name, o.Record.Status)
		}
		if err := takeSnapshot(o, final, "manual"); err != nil {
			return err
		}
	}
	o.Record.Status = "deleting"
	o.Record.Next = []cloud.Change{{At: o.Tx.Now.Add(o.Waits.Database / 2), Gone: true}}
	return nil
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

func readDatabase(o *cloud.Operation) (bool, error) {
	o.SetOutputs(map[string]any{"status": o.Record.Status})
	return false, nil
}

// databaseOutcome returns an error if the database did not become available.
func databaseOutcome(r *cloud.Record, doing string) error {
	if slices.Contains([]string{"available", "stopped"}, r.Status) {
		return nil
	}
	return fmt.Errorf("waiting for %s (%s) %s: unexpected state '%s', wanted target 'available, storage-optimization'",
		"RDS DB Instance", r.Name, map[string]string{"creating": "create", "updating": "update"}[doing], r.Status)
}

func createSubnetGroup(o *cloud.Operation) error {
	zones := map[string]bool{}
	for _, id := range o.Inputs.Texts("subnetIds") {
		s, err := findSubnet(o, id)
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
