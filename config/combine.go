package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/branchenv/branchenv/internal/engines"
)

// This file checks values that depend on each other. A contradiction is reported at the value that was written last.

// checkTopLevel checks the file as a whole: the required values, and values at the top that depend on each other.
func (d *decoder) checkTopLevel(f *File, places map[string]position) {
	place := func(path string) position {
		if p, ok := places[path]; ok {
			return p
		}
		return position{1, 1}
	}
	for _, required := range []struct{ key, example string }{
		{"project", "project: shop"}, {"region", "region: eu-central-1"}, {"domain", "domain: preview.example.com"},
	} {
		if _, ok := places[required.key]; ok {
			continue
		}
		if i := slices.IndexFunc(d.problems, func(p Problem) bool { return p.Key == required.key }); i >= 0 { // it has no value
			d.problems[i].Instead = "write for instance " + required.example
		} else {
			d.report(position{1, 1}, required.key, "is missing", "write for instance "+required.example)
		}
	}
	_, github := places["source.github"]
	_, git := places["source.git"]
	switch {
	case github && git:
		d.report(place("source.git"), "source", "names two sources", "keep github or git")
	case !github && !git:
		d.report(place("source"), "source", "is missing", "write source: {github: owner/name}, or source: {git: URL-or-path}")
	}
	_, vpc := places["network.vpc"]
	_, subnets := places["network.subnets"]
	_, databases := places["network.databaseSubnets"]
	switch {
	case vpc && !subnets:
		d.report(place("network.vpc"), "network", "names a VPC but no subnets", "add subnets in at least two availability zones")
	case !vpc && subnets:
		d.report(place("network.subnets"), "network", "names subnets but no VPC", "add vpc")
	case !vpc && databases:
		d.report(place("network.databaseSubnets"), "network", "names subnets but no VPC", "add vpc and subnets")
	}
	for path, subnets := range map[string][]string{"network.subnets": f.Network.Subnets, "network.databaseSubnets": f.Network.DatabaseSubnets} {
		if len(subnets) == 1 {
			d.report(place(path), path, "names one subnet", "name at least two, in different availability zones")
		}
	}
	if m := certificateRegion(f.Certificate); m != "" && f.Region != "" && m != f.Region {
		d.report(place("certificate"), "certificate", "is in region "+m+", the environments are in "+f.Region, "use a certificate in "+f.Region)
	}
	if f.Certificate == "" && len("*."+f.Domain) > 64 {
		// Source: API reference of ACM, RequestCertificate: DomainName has at most 64 characters.
		d.report(place("domain"), "domain", fmt.Sprintf("the name has %d characters, and ACM issues no certificate for more than 62", len(f.Domain)),
			"use a shorter domain, or name a certificate")
	}
	if len(f.Tags) > maxTags {
		d.report(position{1, 1}, "tags", fmt.Sprintf("there are %d", len(f.Tags)), "use at most "+strconv.Itoa(maxTags)+": AWS counts branchenv's own as well")
	}
}

func certificateRegion(arn string) string {
	if m := certificate.FindStringSubmatch(arn); m != nil {
		return m[1]
	}
	return ""
}

// checkReferences checks the names of kinds, and that no kind extends itself.
func (d *decoder) checkReferences(ls *layers) {
	f := File{layers: *ls}
	kinds := f.Kinds()
	check := func(l layer, key string) bool {
		if l.kind == "" || slices.Contains(kinds, l.kind) {
			return l.kind != ""
		}
		d.report(l.kindAt, l.name+"."+key, "there is no kind "+quote(l.kind), suggestion(l.kind, kinds))
		return false
	}
	for _, name := range kinds {
		l := ls.kinds[name]
		if l == nil || !check(*l, "extends") {
			continue
		}
		_, names := ls.chain(name)
		if last := ls.kinds[names[len(names)-1]]; last != nil && last.kind == name && name == slices.Min(names) {
			d.report(l.kindAt, l.name+".extends", "is circular: "+strings.Join(append(names, name), " → "), "remove one extends")
		}
	}
	deciding := map[string]int{}
	for _, l := range ls.branches {
		if !check(l, "kind") || l.match == "" {
			continue
		}
		if line, ok := deciding[l.match]; ok {
			d.report(l.kindAt, l.name+".kind", "has no effect: the entry in line "+strconv.Itoa(line)+" has the same pattern and comes first", "remove one of them")
			continue
		}
		deciding[l.match] = l.line
	}
}

// checkResolvable checks the kind branch, every kind that the file names, and every entry of branches with its kind. Two things
// are found only when a branch or a kind is resolved: entries that contradict each other if both match, and errors of a
// built-in kind that the file does not mention.
func (d *decoder) checkResolvable(f *File) {
	named := map[string]bool{Branch: true}
	for name, l := range f.layers.kinds {
		named[name], named[l.kind] = true, true
	}
	for _, l := range f.layers.branches {
		named[l.kind] = true
	}
	for _, kind := range f.Kinds() {
		if named[kind] {
			d.checkCombinations(f, f.layers.resolve(kind, nil))
		}
	}
	for _, l := range f.layers.branches {
		kind := l.kind
		if kind == "" {
			kind = Branch
		}
		if l.match != "" && !strings.ContainsAny(l.match, `*?[{\`) {
			kind = f.layers.kindOf(l.match)
		}
		d.checkCombinations(f, f.layers.resolve(kind, []layer{l}))
	}
}

// kindOf returns the kind of a branch.
func (ls *layers) kindOf(branch string) string {
	for _, l := range ls.branches {
		if l.kind != "" && matches(l.match, branch) {
			return l.kind
		}
	}
	return Branch
}

// checkCombinations reports values of one environment that contradict each other or have no effect.
func (d *decoder) checkCombinations(f *File, r *resolution) {
	s := r.Settings
	many := s.Instances.Max > 1
	rolling := strings.HasPrefix(s.Deployment.Policy, "Rolling")
	conflict := func(wrong bool, what, instead string, paths ...string) {
		if wrong {
			d.conflict(r, what, instead, paths)
		}
	}
	conflict(s.Instances.Min > s.Instances.Max, "instances.min is more than instances.max",
		"raise max or lower min", "instances.min", "instances.max")
	conflict(s.Balancer == "none" && many, "several instances need a load balancer",
		"write balancer: shared or own, or instances.max: 1", "balancer", "instances.max")
	conflict(rolling && s.Balancer == "none", "a single instance cannot be updated in turn",
		"write deployment.policy: AllAtOnce or Immutable", "deployment.policy", "balancer")
	conflict(s.Deployment.Policy == "Rolling" && !many && s.Balancer != "none", "a single instance cannot be updated in turn",
		"write deployment.policy: AllAtOnce, RollingWithAdditionalBatch or Immutable", "deployment.policy", "instances.max")
	conflict(s.Protected && s.TTL > 0, "a protected environment does not expire",
		"write ttl: 0 beside protected: true, or protected: false", "protected", "ttl")
	conflict(s.Protected && s.Instances.Spot && s.Application == Production, "AWS may take spot instances away from production at any time",
		"write instances.spot: false", "instances.spot", "application", "protected")
	conflict(s.Create == "auto" && s.Image == "", "an environment that is created automatically needs an image",
		"add image, for instance registry.example.com/app:{sha}, or write create: manual", "create", "image")
	d.checkDatabase(r)
	d.checkUnused(r)
	d.checkVariables(f, r)
}

// checkDatabase reports values that RDS refuses for the engine. Value and engine may come from different layers.
func (d *decoder) checkDatabase(r *resolution) {
	s := r.Settings.Database
	engine, ok := engines.Of(s.Engine)
	if !ok {
		return // none, or unknown
	}
	for _, value := range []struct{ path, wrong, instead string }{
		{"database.version", engine.CheckVersion(s.Version), "write a version such as " + engine.Example},
		{"database.username", engine.CheckUsername(s.Username), "write another name, for instance app"},
		{"database.name", engine.CheckDatabase(s.Name), "write another name, for instance app"},
	} {
		if value.wrong != "" {
			d.conflict(r, value.wrong, value.instead, []string{value.path, "database.engine"})
		}
	}
}

// checkUnused reports values without effect: another value of the same layer or a lower one turns the feature off. A value of a
// lower layer is no mistake: a kind without a database may extend one that has it.
func (d *decoder) checkUnused(r *resolution) {
	s := r.Settings
	for _, u := range []struct {
		off     bool
		because string
		path    string
		section string
	}{
		{s.Database.Engine == "none", "engine: none", "database.engine", "database."},
		{!s.Assets.Enabled, "enabled: false", "assets.enabled", "assets."},
		{!s.Logs.Stream, "stream: false", "logs.stream", "logs.retentionDays"},
		{s.Deployment.Policy == "AllAtOnce", "policy: AllAtOnce", "deployment.policy", "deployment.batchSize"},
	} {
		for path, rank := range r.rank {
			if u.off && strings.HasPrefix(path, u.section) && path != u.path && rank > 0 && rank >= r.rank[u.path] && !r.bad[path] && !r.bad[u.path] {
				o := r.Origins[path]
				d.report(position{o.Line, o.Column}, o.Layer+"."+path, "has no effect with "+u.because+" ("+r.Origins[u.path].String()+")", "remove it")
			}
		}
	}
}

// checkVariables checks the environment variables together.
func (d *decoder) checkVariables(f *File, r *resolution) {
	size := 0
	for name, value := range r.Settings.Environment {
		size += len(name) + len(value) + 2
		if _, twice := r.Settings.Secrets[name]; twice {
			d.conflict(r, name+" is both a variable and a secret", "remove one, or set it to null in the other",
				[]string{"environment." + name, "secrets." + name})
		}
	}
	if size > maxVariables {
		d.conflict(r, fmt.Sprintf("the variables have %d bytes together, Beanstalk takes 4096 with branchenv's own", size),
			"use secrets or a file", environmentPaths(r))
	}
	for name, arn := range r.Settings.Secrets {
		m := secretARN.FindStringSubmatch(arn)
		if of := strings.Join(m[1:], ""); f.Region != "" && of != f.Region {
			d.conflict(r, "the secret is in region "+of+", the environments are in "+f.Region, "use a secret in "+f.Region, []string{"secrets." + name})
		}
		if project := f.Project; project != "" && !MayRead(project, r.Settings.Application, arn) {
			prefix := SecretPrefix(project, r.Settings.Application)
			d.conflict(r, "the instances of application "+r.Settings.Application+" may not read this secret",
				"use one whose name begins with "+prefix+" in Secrets Manager, or with /"+prefix+" in SSM", []string{"secrets." + name})
		}
	}
}

func environmentPaths(r *resolution) []string {
	var paths []string
	for name := range r.Settings.Environment {
		paths = append(paths, "environment."+name)
	}
	slices.Sort(paths)
	return paths
}

// conflict reports a contradiction between the values at paths, at the place of the last written one. It names the others
// if they come from other layers. It reports nothing if one of the values has a problem of its own.
func (d *decoder) conflict(r *resolution, what, instead string, paths []string) {
	last := paths[0]
	for _, path := range paths {
		if r.bad[path] {
			return
		}
		if r.rank[path] > r.rank[last] {
			last = path
		}
	}
	o := r.Origins[last]
	var others []string
	for _, path := range paths {
		if other := r.Origins[path]; path != last && other.Layer != o.Layer && len(others) < 3 {
			others = append(others, path+" is from "+other.String())
		}
	}
	key := o.Layer + "." + last
	if slices.ContainsFunc(d.problems, func(p Problem) bool {
		return p.Line == o.Line && p.Column == o.Column && p.Key == key && strings.HasPrefix(p.What, what)
	}) {
		return // the same for another kind
	}
	if len(others) > 0 {
		what += " (kind " + r.Kind + ", " + strings.Join(others, ", ") + ")"
	}
	d.report(position{max(o.Line, 1), max(o.Column, 1)}, key, what, instead)
}
