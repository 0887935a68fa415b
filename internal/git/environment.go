package git

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// allowed matches the GIT_ variables that git gets to see: how to reach a remote and with which credentials, and where git
// and its settings are installed. All others are removed. Among them are those that select a repository or a part of one:
// GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE, GIT_NAMESPACE and those that later versions add.
var allowed = regexp.MustCompile(`^GIT_(SSH|SSH_COMMAND|SSH_VARIANT|SSL_[A-Z_]+|HTTP_[A-Z_]+|PROXY_[A-Z_]+|EXEC_PATH|CONFIG_GLOBAL|CONFIG_SYSTEM|CONFIG_NOSYSTEM)$`)

// allowedSetting matches the settings that git gets to see of GIT_CONFIG_COUNT, GIT_CONFIG_KEY_n and GIT_CONFIG_VALUE_n.
// CI systems pass tokens this way. Any other setting could name another repository (core.worktree, remote.origin.url), or
// belongs to the git that started branchenv as a hook: git counts these variables as a repository's own.
var allowedSetting = regexp.MustCompile(`(?i)^(https?\..+|credential\..+|url\..+\.insteadof|core\.sshcommand|ssh\.variant|safe\.directory)$`)

// Environment returns the environment for git. Nothing in it selects a repository. git does not prompt, uses no protocol
// that runs programs, and prints its messages in English.
// Source: git(1), ENVIRONMENT VARIABLES; git rev-parse --local-env-vars.
func Environment(environ []string) []string {
	set := map[string]string{}
	out := slices.DeleteFunc(slices.Clone(environ), func(variable string) bool {
		name, value, _ := strings.Cut(variable, "=")
		set[name] = value
		return strings.HasPrefix(name, "GIT_") && !allowed.MatchString(name) || name == "SSH_ASKPASS" || name == "LC_ALL"
	})
	out = append(out, settings(set)...)
	out = append(out, "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "GIT_ALLOW_PROTOCOL="+Protocols, "LC_ALL=C")
	if set["GIT_SSH"] == "" && set["GIT_SSH_COMMAND"] == "" {
		out = append(out, "GIT_SSH_COMMAND=ssh -oBatchMode=yes")
	}
	return out
}

// settings returns the variables for the allowed settings among those in set.
func settings(set map[string]string) []string {
	given, err := strconv.Atoi(set["GIT_CONFIG_COUNT"])
	if err != nil {
		return nil
	}
	var out []string
	kept := 0
	for i := range min(given, 1000) {
		key := set[fmt.Sprintf("GIT_CONFIG_KEY_%d", i)]
		if !allowedSetting.MatchString(key) {
			continue
		}
		out = append(out, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", kept, key),
			fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", kept, set[fmt.Sprintf("GIT_CONFIG_VALUE_%d", i)]))
		kept++
	}
	if kept == 0 {
		return nil
	}
	return append(out, fmt.Sprintf("GIT_CONFIG_COUNT=%d", kept))
}
