#!/bin/sh
# language-go.sh DIR: make sure that DIR/pulumi-language-go is there, which `pulumi preview` needs to run a Go program.
# A normal Pulumi installation brings it: then DIR gets a link. Else the last version that is a package of its own is
# built; it works with every pulumi 3.
set -eu
dir=${1:?language-go.sh needs a directory}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
[ ! -x "$dir/pulumi-language-go" ] || exit 0
rm -f "$dir/pulumi-language-go"
if found=$(command -v pulumi-language-go); then
	ln -s "$found" "$dir/pulumi-language-go"
	exit 0
fi
echo "pulumi-language-go: none on PATH; building it from source, once (about half a minute) …"
cd "$here/language-go"
go build -trimpath -ldflags '-s -w' -o "$dir/pulumi-language-go" github.com/pulumi/pulumi/sdk/v3/go/pulumi-language-go
