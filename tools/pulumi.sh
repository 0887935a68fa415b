#!/bin/sh
# pulumi.sh DIR: make sure that DIR/pulumi is a pulumi that branchenv can use (3.211 or newer, which keeps stack tags on
# every backend): a link to the one on PATH if it is suitable, else the one that tools/go.mod pins, built from source.
set -eu
dir=${1:?pulumi.sh needs a directory}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

suitable() { # suitable PROGRAM: whether it runs and is 3.211 or newer
	version=$("$1" version 2>/dev/null) || return 1
	version=${version#v}
	major=${version%%.*}
	rest=${version#*.}
	minor=${rest%%.*}
	case "$major$minor" in *[!0-9]* | '') return 1 ;; esac
	[ "$major" -gt 3 ] || { [ "$major" -eq 3 ] && [ "$minor" -ge 211 ]; }
}

if [ -x "$dir/pulumi" ] && suitable "$dir/pulumi"; then
	exit 0
fi
rm -f "$dir/pulumi"
if found=$(command -v pulumi) && suitable "$found"; then
	ln -s "$found" "$dir/pulumi"
	echo "pulumi: using $found ($("$found" version))"
	exit 0
fi
pinned=$(cd "$here" && go list -m -f '{{.Version}}' github.com/pulumi/pulumi/pkg/v3)
echo "pulumi: none on PATH that is 3.211 or newer; building $pinned from source, once (4 to 5 minutes on two cores) …"
(
	cd "$here"
	# Without cgo, as Pulumi's own releases are: with it, pulumi fails for a user id that /etc/passwd does not name.
	CGO_ENABLED=0 go build -trimpath -o "$dir/pulumi" \
		-ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=$pinned" \
		github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
)
echo "pulumi: built $("$dir/pulumi" version)"
