#!/bin/sh
# Brings the font that papers are set in to casework/fonts: Noto Sans SC by npm, pinned by hash in
# deploy/fonts/package-lock.json. A stamp makes the second run take no time and need no network.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
target=casework/fonts
build=build/fonts
font=node_modules/@expo-google-fonts/noto-sans-sc

say() { printf '==> %s\n' "$*"; }
fail() { printf 'fonts: %s\n' "$*" >&2; exit 1; }

stamp_of() { cat deploy/fonts.sh deploy/fonts/package-lock.json | sha256sum; }

if [ -s "$target/NotoSansSC-Regular.ttf" ] && [ "$(cat "$target/stamp" 2>/dev/null)" = "$(stamp_of)" ]; then exit 0; fi

. deploy/npm.sh

say "fetching the font that papers are set in (57 MB, once)"
rm -rf "$build"
mkdir -p "$build" "$target"
cp deploy/fonts/package.json deploy/fonts/package-lock.json "$build"
run_npm ci --prefix "$build" --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel error >&2 ||
    fail "npm could not bring the font of deploy/fonts/package.json: look at the network, then run this again"
cp "$build/$font/400Regular/NotoSansSC_400Regular.ttf" "$target/NotoSansSC-Regular.ttf"
cp "$build/$font/LICENSE_FONT" "$target/NotoSansSC-LICENSE.txt"
rm -rf "$build"
stamp_of >"$target/stamp"
