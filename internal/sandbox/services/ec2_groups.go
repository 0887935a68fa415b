package services

import (
	"fmt"
	"strings"

	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/value"
)

// portsOfAllProtocols returns the inputs that are ports if the rule is for all protocols: AWS ignores them.
func portsOfAllProtocols(in value.Object) []string {
	if in.Text("protocol") != "-1" {
		return nil
	}
	return []string{"fromPort", "toPort"}
}

// sourceGroup returns the other security group that a rule names as its source.
func sourceGroup(r *cloud.Record) []string {
	if r.Text("sourceSecurityGroupId") == r.Text("securityGroupId") {
		return nil
	}
	return []string{r.Text("sourceSecurityGroupId")}
}

// groupsOfRules returns the security groups in a group's own rules.
func groupsOfRules(r *cloud.Record) []string {
	var groups []string
	for _, rule := range append(r.Outputs.List("ingress"), r.Outputs.List("egress")...) {
		groups = append(groups, value.ObjectOf(rule).Texts("securityGroups")...)
	}
	return groups
}

// requireSecurityGroup returns an error with a code and a message if there is no such group. The message has one verb, for
// the id.
func requireSecurityGroup(o *cloud.Operation, id, code, message string) error {
	sg, err := findInRegion(o, TypeSecurityGroup, id)
	if err == nil && sg == nil {
		return cloud.Errorf(code, message, id)
	}
	return err
}

func createSecurityGroup(o *cloud.Operation) error {
	vpcID := o.Inputs.Text("vpcId")
	if vpcID == "" {
		vpcID = DefaultVPC
	}
	vpc, err := findInRegion(o, TypeVPC, vpcID)
	if err != nil {
		return err
	}
	if vpc == nil {
		return cloud.Errorf("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", vpcID)
	}
	others, err := o.Tx.Where(TypeSecurityGroup, func(r *cloud.Record) bool {
		return r.Name == o.Record.Name && r.Text("vpcId") == vpcID && r.Region == o.Region
	})
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return cloud.Errorf("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", o.Record.Name, vpcID)
	}
	for _, rule := range append(o.Inputs.List("ingress"), o.Inputs.List("egress")...) {
		for _, id := range value.ObjectOf(rule).Texts("securityGroups") {
			if err := requireSecurityGroup(o, id, "InvalidGroup.NotFound", "The security group '%s' does not exist"); err != nil {
				return err
			}
		}
	}
	o.Record.ID = o.Expand("sg-{hex17}")
	o.SetOutputs(map[string]any{"vpcId": vpcID, "ownerId": cloud.Account, "arn": o.ARN("ec2", "security-group/"+o.Record.ID)})
	return nil
}

// removeSecurityGroup refuses to remove a group that is used. It removes the group's rules with it.
func removeSecurityGroup(o *cloud.Operation) error {
	id := o.Record.ID
	users, err := o.Users()
	if err != nil {
		return err
	}
	if len(users) > 0 {
		return cloud.Errorf("DependencyViolation", "resource %s has a dependent object", id)
	}
	rules, err := o.Tx.Where(TypeSecurityGroupRule, func(r *cloud.Record) bool { return r.Text("securityGroupId") == id })
	if err != nil {
		return err
	}
	for _, r := range rules {
		if err := o.Tx.Remove(r); err != nil {
			return err
		}
	}
	return nil
}

func createSecurityGroupRule(o *cloud.Operation) error {
	for _, key := range []string{"securityGroupId", "sourceSecurityGroupId"} {
		if id := o.Inputs.Text(key); id != "" {
			if err := requireSecurityGroup(o, id, "InvalidGroup.NotFound", "The security group '%s' does not exist"); err != nil {
				return err
			}
		}
	}
	same := func(r *cloud.Record) bool {
		for _, key := range []string{"securityGroupId", "type", "fromPort", "toPort", "protocol", "sourceSecurityGroupId", "self", "cidrBlocks", "ipv6CidrBlocks"} {
			if fmt.Sprint(r.Inputs[key]) != fmt.Sprint(o.Inputs[key]) {
				return false
			}
		}
		return true
	}
	others, err := o.Tx.Where(TypeSecurityGroupRule, same)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return cloud.Errorf("InvalidPermission.Duplicate", "the specified rule already exists")
	}
	o.SetOutputs(map[string]any{"securityGroupRuleId": o.Expand("sgr-{hex17}")})
	return nil
}

// readSecurityGroupRule removes the record of a rule whose group is gone.
func readSecurityGroupRule(o *cloud.Operation) (bool, error) {
	sg, err := findInRegion(o, TypeSecurityGroup, o.Record.Text("securityGroupId"))
	if err == nil && sg == nil {
		return true, o.Tx.Remove(o.Record)
	}
	return false, err
}

// ruleImport returns the id that the real provider imports a rule by: group, direction, protocol, ports and sources.
func ruleImport(r *cloud.Record) string {
	protocol := r.Text("protocol")
	if protocol == "-1" {
		protocol = "all"
	}
	sources := append(r.Outputs.Texts("cidrBlocks"), r.Outputs.Texts("ipv6CidrBlocks")...)
	if s := r.Text("sourceSecurityGroupId"); s != "" {
		sources = append(sources, s)
	}
	if r.Outputs.Bool("self") {
		sources = append(sources, "self")
	}
	return strings.Join(append([]string{
		r.Text("securityGroupId"), r.Text("type"), protocol, r.Text("fromPort"), r.Text("toPort"),
	}, sources...), "_")
}
