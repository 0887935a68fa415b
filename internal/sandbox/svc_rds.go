package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// The resource types of RDS.
const (
	typeDatabase       = "aws:rds/instance:Instance"
	typeParameterGroup = "aws:rds/parameterGroup:ParameterGroup"
	typeSnapshot       = "aws:rds/snapshot:Snapshot"
	typeSubnetGroup    = "aws:rds/subnetGroup:SubnetGroup"
)

func rdsService() service {
	noTwoHyphens := func(s string) bool { return !strings.Contains(s, "--") }
	const lowerCase = "only lower-case letters, digits and hyphens, a letter first, no two hyphens in a row, no hyphen last"
	return service{
		kinds: map[string]kind{
			typeDatabase: {
				title: "RDS DB Instance", naming: naming{property: "identifier", max: 63, lower: true}, id: "{resourceId}", timeout: 40 * time.Minute,
				defaults: map[string]any{"autoMinorVersionUpgrade": true, "deleteAutomatedBackups": true},
				unseen: []string{
					"password", "skipFinalSnapshot", "finalSnapshotIdentifier", "deleteAutomatedBackups", "applyImmediately",
					"allowMajorVersionUpgrade", "snapshotIdentifier",
				},
				imported: map[string]any{"skipFinalSnapshot": true, "deleteAutomatedBackups": true},
				arn:      "rds:{region}:{account}:db:{name}",
				taken:    "DBInstanceAlreadyExists: DB instance already exists",
				quota:    "databases", quotaError: "InstanceQuotaExceeded: DB Instance quota exceeded: you cannot have more than %d DB instances.",
				rules: []rule{
					{property: "identifier", max: 63, pattern: `^[a-z]([a-z0-9-]*[a-z0-9])?$`, also: noTwoHyphens, want: lowerCase},
					{property: "finalSnapshotIdentifier", max: 255, pattern: `^[A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?$`, also: noTwoHyphens, want: "only letters, digits and hyphens, a letter first, no two hyphens in a row, no hyphen last"},
					{property: "instanceClass", pattern: `^db\.[a-z0-9-]+\.[a-z0-9]+$`, want: "an instance class such as db.t4g.micro"},
					{property: "password", min: 8, max: 128, pattern: `^[^/"@ ]*$`, want: `only printable characters, none of / " @ and space`},
					{property: "username", min: 1, max: 63, pattern: `^[A-Za-z][A-Za-z0-9_]*$`, also: func(s string) bool { return !slices.Contains([]string{"admin_user", "rdsadmin", "postgres_admin"}, s) }, want: "only letters, digits and underscores, a letter first, no reserved word"},
					{property: "dbName", min: 1, max: 64, pattern: `^[A-Za-z_][A-Za-z0-9_]*$`, want: "only letters, digits and underscores, a letter first"},
					{property: "backupRetentionPeriod", max: 35}, {property: "allocatedStorage", min: 5, max: 65536},
					{property: "storageType", allowed: []string{"standard", "gp2", "gp3", "io1", "io2"}},
					{property: "monitoringInterval", allowed: []string{"0", "1", "5", "10", "15", "30", "60"}},
					{property: "engineLifecycleSupport", allowed: []string{"open-source-rds-extended-support", "open-source-rds-extended-support-disabled"}},
					{property: "maintenanceWindow", pattern: `(?i)^(mon|tue|wed|thu|fri|sat|sun):\d{2}:\d{2}-(mon|tue|wed|thu|fri|sat|sun):\d{2}:\d{2}$`, want: "ddd:hh24:mi-ddd:hh24:mi"},
					{property: "backupWindow", pattern: `^\d{2}:\d{2}-\d{2}:\d{2}$`, want: "hh24:mi-hh24:mi"},
				},
				combinations:   []combination{exclusive("identifier", "identifierPrefix"), exclusive("password", "manageMasterUserPassword")},
				securityGroups: func(r *record) []string { return r.Outputs.Texts("vpcSecurityGroupIds") },
				onCreate:       createDatabase, onUpdate: updateDatabase, onRemove: removeDatabase, onRead: readDatabase,
				ended: databaseOutcome, failedStatus: "incompatible-parameters",
			},
			typeSubnetGroup: {
				title: "RDS DB Subnet Group", naming: naming{property: "name", max: 255, lower: true}, described: true, arn: "rds:{region}:{account}:subgrp:{name}",
				taken: "DBSubnetGroupAlreadyExists: The DB subnet group '{name}' already exists.",
				quota: "database subnet groups", quotaError: "DBSubnetGroupQuotaExceeded: DB subnet group quota exceeded: you cannot have more than %d DB subnet groups.",
				rules: []rule{{
					property: "name", min: 1, max: 255, pattern: `^[ .0-9a-z_-]+$`, also: func(s string) bool { return s != "default" },
					want: "only lower-case letters, digits, hyphens, underscores, periods and spaces, and not default",
				}},
				onCreate: createSubnetGroup, onUpdate: createSubnetGroup, onRemove: removeSubnetGroup,
			},
			typeParameterGroup: {
				title: "RDS DB Parameter Group", naming: naming{property: "name", max: 255, lower: true}, described: true, arn: "rds:{region}:{account}:pg:{name}",
				taken:    "DBParameterGroupAlreadyExists: Parameter group {name} already exists",
				rules:    []rule{{property: "name", max: 255, pattern: `^[a-z]([0-9a-z-]*[0-9a-z])?$`, also: noTwoHyphens, want: lowerCase}},
				onRemove: removeParameterGroup,
			},
			typeSnapshot: {
				title: "RDS DB Snapshot", id: "{dbSnapshotIdentifier}", arn: "rds:{region}:{account}:snapshot:{dbSnapshotIdentifier}",
				onCreate: createSnapshot,
			},
		},
		functions: map[string]function{"aws:rds/getSnapshot:getSnapshot": getSnapshot},
	}
}

var databasePorts = map[string]int{"postgres": 5432, "mysql": 3306, "mariadb": 3306, "oracle-se2": 1521, "sqlserver-ex": 1433}

// fullVersions are the versions that RDS picks for a major version.
var fullVersions = map[string]map[string]string{
	"postgres": {"13": "13.22", "14": "14.19", "15": "15.14", "16": "16.10", "17": "17.6", "18": "18.1"},
	"mysql":    {"8.0": "8.0.43", "8.4": "8.4.6"},
	"mariadb":  {"10.11": "10.11.14", "11.4": "11.4.8"},
}

func createDatabase(o *op) error {
	r, in := o.rec, o.in
	source, err := o.databaseSource()
	if err != nil {
		return err
	}
	engine := in.Text("engine")
	if source != nil && engine == "" {
		engine = source.str("engine")
	}
	if source == nil {
		if engine == "" {
			return awsErrorf("InvalidParameterValue", `"engine": required field is not set`)
		}
		if in.Text("username") == "" {
			return awsErrorf("InvalidParameterValue", `"username": required field is not set`)
		}
		if in.Text("password") == "" && !in.Bool("manageMasterUserPassword") {
			return awsErrorf("InvalidParameterValue", "The parameter MasterUserPassword must be provided and must not be blank.")
		}
		if in.Int("allocatedStorage") == 0 {
			return awsErrorf("InvalidParameterValue", "The parameter AllocatedStorage must be provided and must not be blank.")
		}
	}
	version, err := fullVersion(engine, in.Text("engineVersion"), source)
	if err != nil {
		return err
	}
	if err := o.checkDatabaseReferences(); err != nil {
		return err
	}
	port := databasePorts[engine]
	if p := in.Int("port"); p != 0 {
		port = p
	}
	r.ID = o.expand("db-{id26}")
	address := r.Name + o.expand(".c{base11}") + "." + o.region + ".rds.amazonaws.com"
	o.force(map[string]any{
		"resourceId": r.ID, "identifier": r.Name, "address": address, "endpoint": fmt.Sprintf("%s:%d", address, port),
		"port": float64(port), "engine": engine, "engineVersionActual": version, "hostedZoneId": "Z1RLNUO7B9Q6NB", "status": "available",
	})
	if source != nil {
		for _, key := range []string{"allocatedStorage", "username", "dbName", "storageEncrypted", "kmsKeyId"} {
			o.set(map[string]any{key: source.Outputs[key]})
		}
	}
	o.set(map[string]any{
		"engineVersion": version, "dbSubnetGroupName": "default", "parameterGroupName": "default." + engine,
		"vpcSecurityGroupIds": value.ListOf(defaultSecurityGroup), "storageType": "gp2", "licenseModel": "postgresql-license",
		"availabilityZone": o.region + "a", "backupWindow": "03:00-03:30", "maintenanceWindow": "sun:04:00-sun:04:30",
		"caCertIdentifier": "rds-ca-rsa2048-g1", "networkType": "IPV4", "multiAz": false, "backupRetentionPeriod": 0.0,
	})
	o.managedPassword()
	o.later("creating", o.waits.Database, "available", "")
	return nil
}

func fullVersion(engine, wanted string, source *record) (string, error) {
	known, ok := fullVersions[engine]
	if !ok {
		if _, ok := databasePorts[engine]; !ok {
			return "", awsErrorf("InvalidParameterValue", "Invalid DB engine: %s", engine)
		}
		return wanted, nil
	}
	if wanted == "" && source != nil {
		return source.str("engineVersion"), nil
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
	return "", awsErrorf("InvalidParameterCombination", "Cannot find version %s for %s", wanted, engine)
}

// databaseSource is the snapshot that a database is to be restored from, nil if it starts empty.
func (o *op) databaseSource() (*record, error) {
	id := o.in.Text("snapshotIdentifier")
	if id == "" {
		return nil, nil
	}
	snap, err := o.tx.find(typeSnapshot, id)
	if err != nil {
		return nil, err
	}
	if snap == nil {
		return nil, awsErrorf("DBSnapshotNotFound", "DBSnapshot not found: %s", id).with(404)
	}
	if snap.Status != "available" {
		return nil, awsErrorf("InvalidDBSnapshotState", "Snapshot %s is not available", id)
	}
	return snap, nil
}

func (o *op) checkDatabaseReferences() error {
	if name := o.in.Text("dbSubnetGroupName"); name != "" && name != "default" {
		group, err := o.tx.find(typeSubnetGroup, name)
		if err != nil {
			return err
		}
		if group == nil {
			return awsErrorf("DBSubnetGroupNotFoundFault", "DB subnet group '%s' does not exist.", name).with(404)
		}
	}
	if name := o.in.Text("parameterGroupName"); name != "" && !strings.HasPrefix(name, "default.") {
		group, err := o.tx.find(typeParameterGroup, name)
		if err != nil {
			return err
		}
		if group == nil {
			return awsErrorf("DBParameterGroupNotFound", "DBParameterGroup not found: %s", name).with(404)
		}
	}
	for _, id := range o.in.Texts("vpcSecurityGroupIds") {
		if err := o.needSecurityGroup(id, "InvalidParameterValue", "Invalid security group , groupId= %s, groupName=."); err != nil {
			return err
		}
	}
	return nil
}

// managedPassword makes the secret that RDS keeps the master password in, where it is asked to.
func (o *op) managedPassword() {
	if !o.in.Bool("manageMasterUserPassword") {
		o.force(map[string]any{"masterUserSecrets": []any{}})
		return
	}
	if len(o.rec.Outputs.List("masterUserSecrets")) > 0 {
		return
	}
	key := o.in.Text("masterUserSecretKmsKeyId")
	if key == "" {
		key = o.arn("kms", o.expand("key/{uuid}"))
	}
	o.force(map[string]any{"masterUserSecrets": []any{map[string]any{
		"secretArn": o.arn("secretsmanager", "secret:rds!"+o.rec.ID+o.expand("-{base6}")), "secretStatus": "active", "kmsKeyId": key,
	}}})
}

func updateDatabase(o *op) error {
	if o.rec.Status != "available" && o.rec.Status != "stopped" {
		if o.rec.pending() {
			return nil // what an interrupted run began is waited for
		}
		return awsErrorf("InvalidDBInstanceState", "Database instance is not in available state.")
	}
	if err := o.checkDatabaseReferences(); err != nil {
		return err
	}
	if version := o.in.Text("engineVersion"); version != "" {
		full, err := fullVersion(o.rec.str("engine"), version, nil)
		if err != nil {
			return err
		}
		o.force(map[string]any{"engineVersionActual": full})
	}
	o.managedPassword()
	o.later("modifying", o.waits.Database/2, "available", "")
	return nil
}

// switchDatabase stops or starts the database r: it must have the status from, and will have the status to.
func switchDatabase(o *op, r *record, from, meanwhile, to string) error {
	if r.Status != from {
		return awsErrorf("InvalidDBInstanceState", "Instance %s is not in %s state.", r.Name, from)
	}
	o.rec = r
	o.later(meanwhile, o.waits.Database/2, to, "")
	return o.tx.put(r)
}

func removeDatabase(o *op) error {
	if o.rec.Status == "deleting" {
		return nil
	}
	if o.rec.Outputs.Bool("deletionProtection") {
		return awsErrorf("InvalidParameterCombination", "Cannot delete protected DB Instance, please disable deletion protection and try again.")
	}
	final := o.in.Text("finalSnapshotIdentifier")
	if !o.in.Bool("skipFinalSnapshot") {
		if final == "" {
			return fmt.Errorf("final_snapshot_identifier is required when skip_final_snapshot is false")
		}
		if o.rec.Status != "available" {
			return awsErrorf("InvalidDBInstanceState", "Instance %s is currently %s - a final snapshot cannot be taken", o.rec.Name, o.rec.Status)
		}
		if err := o.snapshot(final, "manual"); err != nil {
			return err
		}
	}
	o.rec.Status = "deleting"
	o.rec.Next = []change{{At: o.tx.now.Add(o.waits.Database / 2), Gone: true}}
	return nil
}

// snapshot stores a snapshot of the database.
func (o *op) snapshot(id, kind string) error {
	if other, err := o.tx.get(typeSnapshot, id); err != nil || other != nil {
		if err == nil {
			err = awsErrorf("DBSnapshotAlreadyExists", "Cannot create the snapshot because a snapshot with the identifier %s already exists.", id)
		}
		return err
	}
	snap := &record{
		Type: typeSnapshot, ID: id, Name: id, Region: o.region, Status: "available", Created: o.tx.now, Updated: o.tx.now,
		Inputs:  map[string]any{"dbInstanceIdentifier": o.rec.Name, "dbSnapshotIdentifier": id},
		Outputs: map[string]any{"snapshotType": kind},
	}
	snapshotOutputs(snap, o.rec)
	return o.tx.put(snap)
}

func snapshotOutputs(snap, db *record) {
	for _, key := range []string{"allocatedStorage", "availabilityZone", "engine", "kmsKeyId", "licenseModel", "port", "storageType", "username", "dbName"} {
		snap.Outputs[key] = db.Outputs[key]
	}
	snap.Outputs["engineVersion"] = db.str("engineVersionActual")
	snap.Outputs["encrypted"] = db.Outputs.Bool("storageEncrypted")
	snap.Outputs["storageEncrypted"] = db.Outputs.Bool("storageEncrypted")
	snap.Outputs["dbInstanceIdentifier"] = db.Name
	snap.Outputs["dbSnapshotIdentifier"] = snap.ID
	snap.Outputs["dbSnapshotArn"] = "arn:aws:rds:" + db.Region + ":" + account + ":snapshot:" + snap.ID
	snap.Outputs["arn"] = snap.Outputs["dbSnapshotArn"]
	snap.Outputs["status"] = "available"
	snap.Outputs["vpcId"] = defaultVPC
}

func createSnapshot(o *op) error {
	db, err := o.tx.find(typeDatabase, o.in.Text("dbInstanceIdentifier"))
	if err != nil {
		return err
	}
	if db == nil {
		return awsErrorf("DBInstanceNotFound", "DBInstance %s not found.", o.in.Text("dbInstanceIdentifier")).with(404)
	}
	o.rec.ID = o.in.Text("dbSnapshotIdentifier")
	o.rec.Name = o.rec.ID
	if other, err := o.tx.get(typeSnapshot, o.rec.ID); err != nil || other != nil {
		if err == nil {
			err = awsErrorf("DBSnapshotAlreadyExists", "Cannot create the snapshot because a snapshot with the identifier %s already exists.", o.rec.ID)
		}
		return err
	}
	o.force(map[string]any{"snapshotType": "manual"})
	snapshotOutputs(o.rec, db)
	o.later("creating", o.waits.Database/2, "available", "")
	return nil
}

func readDatabase(o *op) (bool, error) {
	o.force(map[string]any{"status": o.rec.Status})
	return false, nil
}

func databaseOutcome(r *record, doing string) error {
	if slices.Contains([]string{"available", "stopped"}, r.Status) {
		return nil
	}
	return fmt.Errorf("waiting for %s (%s) %s: unexpected state '%s', wanted target 'available, storage-optimization'",
		"RDS DB Instance", r.Name, map[string]string{"creating": "create", "updating": "update"}[doing], r.Status)
}

func createSubnetGroup(o *op) error {
	zones := map[string]bool{}
	for _, id := range o.in.Texts("subnetIds") {
		s, err := o.subnet(id)
		if err != nil {
			return err
		}
		if s == nil {
			return awsErrorf("InvalidSubnet", "Some input subnets in :[%s] are invalid.", id)
		}
		zones[s.str("availabilityZone")] = true
	}
	if len(zones) < 2 {
		return awsErrorf("DBSubnetGroupDoesNotCoverEnoughAZs", "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: %s. Add subnets to cover at least 2 AZs.", strings.Join(slices.Sorted(maps.Keys(zones)), ", "))
	}
	o.force(map[string]any{"supportedNetworkTypes": value.ListOf("IPV4"), "vpcId": defaultVPC})
	return nil
}

func removeSubnetGroup(o *op) error {
	used, err := o.tx.where(typeDatabase, func(r *record) bool { return r.str("dbSubnetGroupName") == o.rec.Name })
	if err != nil || len(used) == 0 {
		return err
	}
	return awsErrorf("InvalidDBSubnetGroupStateFault", "Cannot delete the subnet group '%s' because at least one database instance: %s is still using it.", o.rec.Name, used[0].Name)
}

func removeParameterGroup(o *op) error {
	used, err := o.tx.where(typeDatabase, func(r *record) bool { return r.str("parameterGroupName") == o.rec.Name })
	if err != nil || len(used) == 0 {
		return err
	}
	return awsErrorf("InvalidDBParameterGroupState", "One or more database instances are still members of this parameter group %s, so the group cannot be deleted", o.rec.Name)
}

func getSnapshot(l *lookup) (value.Object, error) {
	source, id, kind := l.args.Text("dbInstanceIdentifier"), l.args.Text("dbSnapshotIdentifier"), l.args.Text("snapshotType")
	if source == "" && id == "" {
		return nil, fmt.Errorf("One of db_snapshot_identifier or db_instance_identifier must be assigned")
	}
	records, err := l.tx.where(typeSnapshot, func(r *record) bool {
		return r.Region == l.region && (source == "" || r.str("dbInstanceIdentifier") == source) && (id == "" || r.ID == id) &&
			(kind == "" || r.str("snapshotType") == kind) && r.Status == "available"
	})
	if err != nil {
		return nil, err
	}
	switch {
	case len(records) == 0:
		return nil, fmt.Errorf("Your query returned no results. Please change your search criteria and try again.")
	case len(records) > 1 && !l.args.Bool("mostRecent"):
		return nil, fmt.Errorf("Your query returned more than one result. Please try a more specific search criteria.")
	}
	slices.SortStableFunc(records, func(a, b *record) int { return b.Created.Compare(a.Created) })
	out := found(records[0])
	out["snapshotCreateTime"] = records[0].Created.UTC().Format("2006-01-02T15:04:05Z")
	return out, nil
}
