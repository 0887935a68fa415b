package cli

import (
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

// synonyms are the words of other tools, by the command that branchenv has for them. The outer key is the parent of the command.
var synonyms = map[string]map[string]string{
	program: {
		"up":          "deploy create apply update start launch make new add push publish release redeploy provision build run rollout upgrade",
		"list":        "ls ps envs environments environment branches all overview",
		"show":        "get info describe inspect view details",
		"open":        "browse url visit web",
		"preview":     "plan diff dry-run dryrun",
		"destroy":     "rm delete remove down del teardown kill terminate stop undeploy uninstall drop purge nuke erase unprovision",
		"reconcile":   "sync gc cleanup clean prune sweep cron",
		"keep":        "extend pin retain snooze renew",
		"why":         "explain reason",
		"doctor":      "check health diagnose verify repair fix",
		"status":      "heartbeat alive ping",
		"config":      "settings configuration configure conf",
		"application": "app application-stack shared base infra bootstrap",
		"sandbox":     "local emulator localstack mock simulate",
		"init":        "setup initialize initialise begin",
		"version":     "v ver about",
		"completion":  "completions autocomplete",
	},
	program + " config": {
		"show":     "get view print list ls dump resolve",
		"diff":     "compare",
		"validate": "check lint verify test",
	},
	program + " application": {
		"up":      "deploy create apply update start make",
		"preview": "plan diff show",
		"destroy": "rm delete remove down teardown",
	},
	program + " sandbox": {
		"serve":     "start run up gateway",
		"resources": "list ls show ps",
		"reset":     "clear clean rm delete remove destroy wipe down",
	},
}

// notNeeded are commands of other tools that branchenv does not need, with the reason.
var notNeeded = map[string]string{
	"login": "there is no login: give AWS credentials as for the AWS CLI, and GITHUB_TOKEN if branches are GitHub's",
	"logs":  "the logs are in CloudWatch, in groups that begin with /aws/elasticbeanstalk/ and the environment's name",
}

// removes reports whether the command of that name deletes something. It is never suggested: people type suggestions without
// thinking.
func removes(command string) bool { return command == "destroy" || command == "reset" }

// dangerous reports whether the flag of that name lets a command change or delete more. It is never suggested, either.
func dangerous(flag string) bool {
	return slices.Contains([]string{"yes", "force", "fix", "allow-data-loss", "max-destroy"}, flag)
}

// suggest returns what to type instead of a command that g does not have.
func (g *grammar) suggest(name string) fault.Text {
	for command, words := range synonyms[g.line()] {
		if !slices.Contains(strings.Fields(words), strings.ToLower(name)) {
			continue
		}
		if removes(command) {
			return fault.Textf("%s calls it %s; %s tells more", program, command, fault.Command(append(g.path(), command, "--help")))
		}
		return g.didYouMean(command)
	}
	if reason, ok := notNeeded[strings.ToLower(name)]; ok {
		return fault.Textf("%s", reason)
	}
	for _, c := range g.commands {
		if !c.hidden && !removes(name) && slices.Contains(c.commandNames(), name) {
			return c.didYouMean(name)
		}
	}
	candidates := slices.DeleteFunc(g.commandNames(), removes)
	if near := nearest(name, candidates); near != "" {
		return g.didYouMean(near)
	}
	return fault.Textf("%s lists the commands", g.help())
}

// didYouMean suggests a command below g.
func (g *grammar) didYouMean(command string) fault.Text {
	return fault.Textf("did you mean %s?", fault.Command(append(g.path(), command)))
}

// nearest returns the candidate that was probably meant, or "". One letter may be wrong in the shortest names, three in the
// longest.
func nearest(name string, candidates []string) string {
	return text.Nearest(name, candidates, min(1+len(name)/3, 3))
}
