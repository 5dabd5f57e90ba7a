#!/bin/sh
# Remakes requirements.lock and requirements-dev.lock from pyproject.toml: every version pinned, every file
# of every platform by hash, no address of any registry. Options go to pip-compile, e.g. --upgrade.
# Where there is npm, also the locks of what pages are built with, of the papers' font and of what bench/weak_link
# measures beside the product.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
tools=$root/build/lock-tools
[ -x "$tools/bin/pip-compile" ] || {
    "${PYTHON:-python3.11}" -m venv "$tools"
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'pip-tools==7.6.2'
}

compile() {
    output=$1
    shift
    "$tools/bin/pip-compile" --quiet --strip-extras --allow-unsafe --generate-hashes \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
        --output-file "$output" "$@" pyproject.toml
    if grep -nE 'https?:|file:|^ *-(-index|-extra|-find|-trusted|i |f )' "$output"; then
        echo "lock: $output names where packages came from; see above" >&2
        exit 1
    fi
    echo "==> $output: $(grep -c '==' "$output") packages"
}

# --build-deps-for: setup.sh installs this project without build isolation, so its builder is pinned as well.
compile requirements.lock --build-deps-for editable "$@"
# The runtime lock holds the development one to the same versions.
compile requirements-dev.lock --build-deps-for editable --extra dev --constraint requirements.lock "$@"

if command -v npm >/dev/null 2>&1; then
    for folder in casework/web/front deploy/fonts bench/peers; do
        npm --prefix "$folder" install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts \
            --no-audit --no-fund
        echo "==> $folder/package-lock.json: $(grep -c '"integrity"' "$folder/package-lock.json") packages"
    done
fi
