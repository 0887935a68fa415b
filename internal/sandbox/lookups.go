package sandbox

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// found is a record as a function's result.
func found(r *record) map[string]any {
	out := map[string]any{"id": r.ID}
	for k, v := range r.Outputs {
		out[k] = v
	}
	return out
}

// byArgument looks a record up by the one argument that names it. missing has one verb, the name.
func byArgument(typ, argument, missing string) func(*lookup) (map[string]any, error) {
	return func(l *lookup) (map[string]any, error) {
		name := l.args.Text(argument)
		r, err := l.tx.find(typ, name)
		if err != nil {
			return nil, err
		}
		if r == nil || kindOf(typ).removed(r) || r.Region != l.region && !kindOf(typ).anywhere {
			return nil, fmt.Errorf(missing, name)
		}
		return found(r), nil
	}
}

// filtered lists the region's records of a type that the arguments pick: those given, by name, and "filters" as in
// EC2's APIs.
func (l *lookup) filtered(typ string, arguments ...string) ([]*record, error) {
	all, err := l.tx.regional(typ, l.region)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r *record) bool {
		for _, a := range arguments {
			if want := l.args.Text(a); l.args[a] != nil && want != r.Outputs.Text(a) && !(a == "id" && want == r.ID) {
				return true
			}
		}
		for k, v := range l.args.Object("tags") {
			if r.tags()[k] != value.Text(v) {
				return true
			}
		}
		for _, f := range l.args.List("filters") {
			if !matchesFilter(r, value.ObjectOf(f).Text("name"), value.ObjectOf(f).Texts("values")) {
				return true
			}
		}
		return false
	}), nil
}

// matchesFilter tells whether a record matches one of EC2's filters.
func matchesFilter(r *record, name string, values []string) bool {
	var have string
	switch name {
	case "vpc-id":
		have = r.str("vpcId")
		if r.Type == typeVPC {
			have = r.ID
		}
	case "default-for-az", "defaultForAz":
		have = value.Text(r.Outputs.Bool("defaultForAz"))
	case "is-default", "isDefault":
		have = value.Text(r.Outputs.Bool("default"))
	case "availability-zone", "availabilityZone":
		have = r.str("availabilityZone")
	case "subnet-id", "group-id":
		have = r.ID
	case "group-name":
		have = r.Name
	case "state":
		have = "available"
	default:
		key, isTag := strings.CutPrefix(name, "tag:")
		if !isTag {
			return false
		}
		have = r.tags()[key]
	}
	return slices.Contains(values, have)
}

// single is the one record of a look-up, or the real provider's error.
func single(records []*record, what string) (map[string]any, error) {
	switch len(records) {
	case 0:
		return nil, fmt.Errorf("no matching %s found", what)
	case 1:
		return found(records[0]), nil
	}
	return nil, fmt.Errorf("multiple %ss matched; use additional constraints to reduce matches to a single %s", what, what)
}

func getVPC(l *lookup) (map[string]any, error) {
	records, err := l.filtered(typeVPC, "id", "default", "cidrBlock", "state")
	if err != nil {
		return nil, err
	}
	return single(records, "EC2 VPC")
}

func getSubnet(l *lookup) (map[string]any, error) {
	records, err := l.filtered(typeSubnet, "id", "vpcId", "availabilityZone", "cidrBlock", "defaultForAz", "state")
	if err != nil {
		return nil, err
	}
	return single(records, "EC2 Subnet")
}

func getSubnets(l *lookup) (map[string]any, error) {
	records, err := l.filtered(typeSubnet)
	ids := []any{}
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return map[string]any{"id": l.region, "ids": ids}, err
}

func getSecurityGroup(l *lookup) (map[string]any, error) {
	records, err := l.filtered(typeSecurityGroup, "id", "name", "vpcId")
	if err != nil {
		return nil, err
	}
	return single(records, "EC2 Security Group")
}

func getSolutionStack(l *lookup) (map[string]any, error) {
	pattern, err := regexp.Compile(l.args.Text("nameRegex"))
	if err != nil {
		return nil, fmt.Errorf("nameRegex: %w", err)
	}
	var names []string
	for _, s := range solutionStacks() {
		if pattern.MatchString(s) {
			names = append(names, s)
		}
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("Your query returned no results. Please change your search criteria and try again.")
	case len(names) > 1 && !l.args.Bool("mostRecent"):
		return nil, fmt.Errorf("Your query returned more than one result. Please try a more specific search criteria, or set `most_recent` attribute to true.")
	}
	return map[string]any{"id": names[0], "name": names[0]}, nil
}

func getBalancer(l *lookup) (map[string]any, error) {
	records, err := l.filtered(typeBalancer, "arn", "name")
	if err != nil {
		return nil, err
	}
	return single(records, "ELBv2 Load Balancer")
}

func getListener(l *lookup) (map[string]any, error) {
	records, err := l.filtered(typeListener, "arn", "loadBalancerArn", "port")
	if err != nil {
		return nil, err
	}
	return single(records, "ELBv2 Listener")
}

func getTargetGroup(l *lookup) (map[string]any, error) {
	records, err := l.filtered(typeTargetGroup, "arn", "name")
	if err != nil {
		return nil, err
	}
	return single(records, "ELBv2 Target Group")
}

func getCertificate(l *lookup) (map[string]any, error) {
	statuses := l.args.Texts("statuses")
	if len(statuses) == 0 {
		statuses = []string{"ISSUED"}
	}
	records, err := l.tx.where(typeCertificate, func(r *record) bool {
		return r.Region == l.region && r.Name == l.args.Text("domain") && slices.Contains(statuses, r.Status)
	})
	if err != nil {
		return nil, err
	}
	if len(records) > 1 && l.args.Bool("mostRecent") {
		slices.SortFunc(records, func(a, b *record) int { return b.Created.Compare(a.Created) })
		records = records[:1]
	}
	out, err := single(records, "ACM Certificate")
	if out != nil {
		out["domain"] = records[0].Name
	}
	return out, err
}

func getDatabase(l *lookup) (map[string]any, error) {
	id := l.args.Text("dbInstanceIdentifier")
	r, err := l.tx.find(typeDatabase, id)
	if err != nil {
		return nil, err
	}
	if r == nil || r.Region != l.region {
		return nil, fmt.Errorf("no matching RDS DB Instance found")
	}
	out := found(r)
	out["dbInstanceIdentifier"], out["dbInstanceArn"], out["masterUsername"] = r.Name, r.Outputs["arn"], r.Outputs["username"]
	out["vpcSecurityGroups"], out["dbSubnetGroup"] = r.Outputs["vpcSecurityGroupIds"], r.Outputs["dbSubnetGroupName"]
	return out, nil
}

func getSnapshot(l *lookup) (map[string]any, error) {
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

func getZone(l *lookup) (map[string]any, error) {
	if l.args.Bool("privateZone") {
		return nil, fmt.Errorf("no matching Route 53 Hosted Zone found")
	}
	var z *record
	var err error
	if id := l.args.Text("zoneId"); id != "" {
		z, err = l.tx.zone(id)
	} else {
		z, err = l.tx.zoneByName(l.args.Text("name"))
	}
	if err != nil {
		return nil, err
	}
	if z == nil {
		return nil, fmt.Errorf("no matching Route 53 Hosted Zone found")
	}
	out := found(z)
	out["privateZone"], out["callerReference"] = false, "sandbox"
	return out, nil
}

func getSecret(l *lookup) (map[string]any, error) {
	ref := l.args.Text("arn")
	if ref == "" {
		ref = l.args.Text("name")
	}
	r, err := l.tx.secret(ref, l.region)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, fmt.Errorf("reading Secrets Manager Secret (%s): couldn't find resource", ref)
	}
	return found(r), nil
}

func getSecretVersion(l *lookup) (map[string]any, error) {
	r, err := l.tx.secret(l.args.Text("secretId"), l.region)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, fmt.Errorf("reading Secrets Manager Secret Version (%s): couldn't find resource", l.args.Text("secretId"))
	}
	v, err := l.tx.currentVersion(r)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, fmt.Errorf("reading Secrets Manager Secret Version (%s|AWSCURRENT): couldn't find resource", r.ID)
	}
	return found(v), nil
}

// getPolicyDocument writes the JSON of a policy's statements.
func getPolicyDocument(l *lookup) (map[string]any, error) {
	var statements []map[string]any
	for _, s := range l.args.List("statements") {
		in := value.ObjectOf(s)
		st := map[string]any{"Effect": "Allow"}
		if e := in.Text("effect"); e != "" {
			st["Effect"] = e
		}
		for key, name := range map[string]string{"sid": "Sid", "actions": "Action", "notActions": "NotAction", "resources": "Resource", "notResources": "NotResource"} {
			if in[key] != nil {
				st[name] = in[key]
			}
		}
		principals := map[string]any{}
		for _, p := range in.List("principals") {
			principals[value.ObjectOf(p).Text("type")] = value.ObjectOf(p)["identifiers"]
		}
		if len(principals) > 0 {
			st["Principal"] = principals
		}
		conditions := map[string]map[string]any{}
		for _, c := range in.List("conditions") {
			test := value.ObjectOf(c).Text("test")
			if conditions[test] == nil {
				conditions[test] = map[string]any{}
			}
			conditions[test][value.ObjectOf(c).Text("variable")] = value.ObjectOf(c)["values"]
		}
		if len(conditions) > 0 {
			st["Condition"] = conditions
		}
		statements = append(statements, st)
	}
	version := l.args.Text("version")
	if version == "" {
		version = "2012-10-17"
	}
	document := map[string]any{"Version": version, "Statement": statements}
	if id := l.args.Text("policyId"); id != "" {
		document["Id"] = id
	}
	data, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, err
	}
	return map[string]any{"id": hashed(string(data))[:10], "json": string(data), "minifiedJson": string(data)}, nil
}
