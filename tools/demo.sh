#!/bin/sh
# demo.sh: the main job from end to end, on the embedded AWS, in a scratch repository that is removed at the end.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
PATH="$root/bin:$PATH"
export PATH
# What CI systems say of a build of branchenv itself is not about the demo's branches.
unset CI GITHUB_ACTIONS GITHUB_EVENT_NAME GITHUB_REF_NAME GITHUB_HEAD_REF CIRCLECI CIRCLE_BRANCH CI_SYSTEM_NAME CI_PIPELINE_EVENT \
	GITLAB_CI CI_MERGE_REQUEST_IID CI_MERGE_REQUEST_SOURCE_BRANCH_NAME CI_COMMIT_BRANCH 2>/dev/null || true
scratch=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
cd "$scratch"
PULUMI_HOME="$scratch/.pulumi"
export PULUMI_HOME

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

say "A repository with some branches"
git init -q -b main shop
cd shop
git config user.name demo && git config user.email demo@example.com
run branchenv init --project shop --region eu-central-1 --domain preview.example.com --source .
git add . && git commit -qm "A shop"
for branch in feature/new-cool-page addDashboards dependabot/npm_and_yarn/npm_and_yarn-4dbed07dd1 reformat-no-infra; do
	git branch "$branch"
done
run git branch

say "What environments share: the application stack (rarely run)"
run branchenv --sandbox application up

say "Three environments, side by side"
up() {
	{ branchenv --sandbox up "$1" --image "registry.example.com/shop:$2" 2>&1 || touch "$scratch/failed"; } |
		while IFS= read -r line; do printf '  [%s] %s\n' "$1" "$line"; done
}
up feature/new-cool-page 4f2a91c &
first=$!
up addDashboards 77d01e3 &
second=$!
up dependabot/npm_and_yarn/npm_and_yarn-4dbed07dd1 9c3b5aa &
third=$!
wait $first && wait $second && wait $third
[ ! -e "$scratch/failed" ]
run branchenv --sandbox list

say "A branch whose name ends in -no-infra gets nothing"
run branchenv --sandbox up reformat-no-infra --image registry.example.com/shop:1

say "Their URLs answer while the sandbox is served (in a browser: http://new-cool-page.localhost:PORT/)"
printf '$ branchenv sandbox serve &\n'
branchenv sandbox serve >"$scratch/serve.log" 2>&1 &
server=$!
until grep -q ': serving at ' "$scratch/serve.log"; do
	kill -0 "$server" 2>/dev/null || { cat "$scratch/serve.log" >&2; exit 1; }
	sleep 0.1
done
grep ': branch ' "$scratch/serve.log"
for url in $(branchenv --sandbox --json list | sed -n 's/.*"url": *"\([^"]*\)".*/\1/p'); do
	run branchenv sandbox get "$url"
done
kill -INT "$server" && wait "$server"
server=

say "Fill one environment's bucket with 2,500 object versions"
bucket=$(branchenv --sandbox --json show addDashboards | sed -n 's/.*"bucket": *"\([^"]*\)".*/\1/p')
run branchenv --sandbox sandbox fill "$bucket" --versions 2500

say "Destroy that environment, bucket and all"
run branchenv --sandbox destroy addDashboards --yes
run branchenv --sandbox list

say "A branch is deleted: reconcile waits ten minutes before it destroys what is new; --grace 0s does not"
run git branch -D dependabot/npm_and_yarn/npm_and_yarn-4dbed07dd1
run branchenv --sandbox reconcile
run branchenv --sandbox reconcile --grace 0s --yes
run branchenv --sandbox list

cat <<'END'

What next?
  This was the embedded AWS: the real Pulumi engine and the real program, but nothing has left this machine, and the
  scratch repository is removed now. For environments on your own AWS account, in your own repository:

    branchenv init                     writes branchenv.yaml and Pulumi.yaml
    branchenv config validate          checks them
    branchenv application preview      what environments will share, without making it
    branchenv application up           makes it, once
    branchenv up --image REF           the first environment, for the branch that is checked out

  README.md, "A first environment of your own", walks through it.
END
