package git

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// reaching are the variables of git's own that reach it: those that say how a remote is reached and who asks there, and
// where git and its settings are installed. All others are dropped, among them whatever selects a repository or a part
// of one: GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE, GIT_NAMESPACE and those that later versions add.
var reaching = regexp.MustCompile(`^GIT_(SSH|SSH_COMMAND|SSH_VARIANT|SSL_[A-Z_]+|HTTP_[A-Z_]+|PROXY_[A-Z_]+|EXEC_PATH|CONFIG_GLOBAL|CONFIG_SYSTEM|CONFIG_NOSYSTEM)$`)

// reachingSetting are the settings that are kept of GIT_CONFIG_COUNT, GIT_CONFIG_KEY_n and GIT_CONFIG_VALUE_n. CI systems
// give tokens this way. Any other setting could name another repository (core.worktree, remote.origin.url) or belongs
// to the git that started us as its hook: git counts these variables as a repository's own.
var reachingSetting = regexp.MustCompile(`(?i)^(https?\..+|credential\..+|url\..+\.insteadof|core\.sshcommand|ssh\.variant|safe\.directory)$`)

// Environment returns environ as git is to see it: nothing of a repository that happens to be around, no questions, no
// protocol that runs programs, and messages in English.
// Source: git(1), ENVIRONMENT VARIABLES; git rev-parse --local-env-vars.
func Environment(environ []string) []string {
	set := map[string]string{}
	out := slices.DeleteFunc(slices.Clone(environ), func(variable string) bool {
		name, value, _ := strings.Cut(variable, "=")
		set[name] = value
		return strings.HasPrefix(name, "GIT_") && !reaching.MatchString(name) || name == "SSH_ASKPASS" || name == "LC_ALL"
	})
	out = append(out, settings(set)...)
	out = append(out, "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "GIT_ALLOW_PROTOCOL="+Protocols, "LC_ALL=C")
	if set["GIT_SSH"] == "" && set["GIT_SSH_COMMAND"] == "" {
		out = append(out, "GIT_SSH_COMMAND=ssh -oBatchMode=yes")
	}
	return out
}

// settings returns the variables for those of the settings given in set that reach git.
func settings(set map[string]string) []string {
	given, err := strconv.Atoi(set["GIT_CONFIG_COUNT"])
	if err != nil {
		return nil
	}
	var out []string
	kept := 0
	for i := range min(given, 1000) {
		key := set[fmt.Sprintf("GIT_CONFIG_KEY_%d", i)]
		if !reachingSetting.MatchString(key) {
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
