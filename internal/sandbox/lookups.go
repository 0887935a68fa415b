package sandbox

import (
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
