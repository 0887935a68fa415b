#!/bin/sh
# lint.sh: all linters over the whole module, at the versions that tools/lint/go.mod pins. revive's rules and their
# exceptions are in tools/lint/revive.toml.
set -eu
cd "$(dirname "$0")/.."
status=0
unformatted=$(gofmt -l $(git ls-files '*.go'))
if [ -n "$unformatted" ]; then
	echo "lint: not gofmt-ed:" $unformatted
	status=1
fi
go vet ./... || status=1
tool() { (go tool -modfile=tools/lint/go.mod "$@"); }
tool staticcheck ./... || status=1
tool revive -config tools/lint/revive.toml -set_exit_status ./... || status=1
# godot: the comment of a declaration ends with a full stop.
godot=$(tool godot $(git ls-files '*.go'))
if [ -n "$godot" ]; then
	echo "$godot"
	status=1
fi
# misspell knows common typing errors in English of either side of the Atlantic. The words left out are typing errors that
# tests make on purpose.
tool misspell -error -i ther,defualt $(git ls-files | grep -v testdata/) || status=1
# G104 (unchecked errors) is staticcheck's and vet's job; G204 (a process with variable arguments), G304 (a file named
# by a variable) and G301/G306 (file modes) are what this program is for, and were read one by one.
tool gosec -quiet -exclude=G104,G204,G304 -exclude-dir=tools ./... || status=1
# govulncheck asks the vulnerability database; without a way there it says so and is not counted.
if ! out=$(tool govulncheck ./... 2>&1); then
	case $out in
	*"fetching vulnerabilities"* | *"dial tcp"* | *"no such host"* | *"Forbidden"* | *"connection refused"*)
		echo "lint: SKIPPED govulncheck: the vulnerability database cannot be reached from here" ;;
	*)
		echo "$out"
		status=1 ;;
	esac
fi
[ $status -eq 0 ] && echo "lint: clean"
exit $status
