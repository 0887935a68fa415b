package services

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

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
