#!/bin/sh
# Builds scripts and styles of the pages into casework/web/built: `deploy/front.sh runtime`, or `dev` for what browser tests
# need beside them. Libraries come by npm, pinned by hash in casework/web/front/package-lock.json. A stamp makes the second
# run take no time and need no network.
set -eu

kind=${1:-runtime}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
front=casework/web/front
target=casework/web/built
build=build/front

say() { printf '==> %s\n' "$*"; }
fail() { printf 'front: %s\n' "$*" >&2; exit 1; }
. deploy/npm.sh

libraries_of() { cat deploy/front.sh "$front/package-lock.json" | sha256sum; }
sources_of() { find "$front" -type f ! -path '*/node_modules/*' | LC_ALL=C sort | xargs cat deploy/front.sh | sha256sum; }

if [ "$(cat "$build/stamp.dev" 2>/dev/null)" != "$(libraries_of)" ] &&
    { [ "$kind" = dev ] || [ "$(cat "$build/stamp.runtime" 2>/dev/null)" != "$(libraries_of)" ]; }; then
    say "fetching what pages are built with (once)"
    rm -rf "$build"
    mkdir -p "$build"
    cp "$front/package.json" "$front/package-lock.json" "$build"
    omit=
    [ "$kind" = dev ] || omit=--omit=dev
    # shellcheck disable=SC2086  # one option or none
    run_npm ci --prefix "$build" $omit --omit=peer --ignore-scripts --no-audit --no-fund --prefer-offline \
        --loglevel error >&2 ||
        fail "npm could not bring the packages of $front/package.json: look at the network, then run this again"
    libraries_of >"$build/stamp.$kind"
fi

if [ "$(cat "$target/stamp" 2>/dev/null)" = "$(sources_of)" ]; then exit 0; fi
say "building scripts and styles of the pages"
rm -rf "$target.new"
mkdir -p "$target.new"
# The sources beside the libraries, where node and sass look for them.
rm -rf "$build/src"
mkdir "$build/src"
cp -r "$front/build.js" "$front/notices" "$front/scripts" "$front/styles" "$build/src"
run_node "$build/src/build.js" "$build/src" "$target.new" || fail "the build of $front failed; see above"
sources_of >"$target.new/stamp"
rm -rf "$target"
mv "$target.new" "$target"
