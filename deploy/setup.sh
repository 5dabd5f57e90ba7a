#!/bin/sh
# Makes .venv ready: `deploy/setup.sh runtime` for the demo, `deploy/setup.sh dev` for the tests as well.
# Safe to run again: a stamp with the lock's hash makes the second run take no time. What the system lacks
# is installed by apt when root; otherwise the one missing line is printed and nothing is touched.
set -eu

kind=${1:-runtime}
case $kind in
    runtime | dev) ;;
    *) echo "usage: deploy/setup.sh [runtime|dev]" >&2; exit 2 ;;
esac
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
venv=$root/.venv

say() { printf '==> %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# --- a Python that is new enough -------------------------------------------------------------------------

new_enough() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}

can_make_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

# The first that can make a venv, else the first that is new enough, else nothing.
find_python() {
    spare=
    for name in "${PYTHON:-python3.11}" python3.11 python3.12 python3.13 python3; do
        path=$(command -v "$name") || continue
        new_enough "$path" || continue
        if can_make_venv "$path"; then
            printf '%s\n' "$path"
            return
        fi
        [ -n "$spare" ] || spare=$path
    done
    printf '%s\n' "$spare"
}

# Debian splits ensurepip off: python3-venv serves the default python3, python3.X-venv any other.
venv_package() {
    [ -n "$1" ] || { echo python3-venv; return; }
    wanted=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    default=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)
    if [ "$wanted" = "$default" ]; then echo python3-venv; else echo "python$wanted-venv"; fi
}

# --- what the system lacks -------------------------------------------------------------------------------

has_any() {
    for name in "$@"; do
        if command -v "$name" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

missing_packages() {
    if ! venv_usable && ! can_make_venv "${python:-false}"; then venv_package "$python"; fi
    [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ] || echo ca-certificates
    if ! has_rare_font && { [ "$kind" = dev ] || [ "$(id -u)" -eq 0 ]; }; then echo fonts-hanazono; fi
    [ "$kind" = dev ] || return 0
    has_any openssl || echo openssl
    has_any strace || echo strace
    has_postgresql || echo postgresql
    [ -x /usr/bin/chromium ] || echo chromium
    has_chinese_font || echo fonts-wqy-microhei
    has_any nginx /usr/sbin/nginx || echo nginx-light
    has_any promtool || echo prometheus
    has_any systemd-analyze || echo systemd
}

# Pages and demo scans are drawn with it; the rare characters' font below has no style that one would read.
has_chinese_font() {
    [ -e /usr/share/fonts/truetype/wqy/wqy-microhei.ttc ] || [ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ]
}

# Characters beyond the papers' own font are drawn from this one; without it papers show their code points in boxes.
has_rare_font() { [ -e /usr/share/fonts/truetype/hanazono/HanaMinB.ttf ]; }

# Debian keeps a server's binaries out of PATH; the tests start a cluster of their own from them.
has_postgresql() {
    for name in /usr/lib/postgresql/*/bin/initdb; do
        if [ -x "$name" ]; then return 0; fi
    done
    return 1
}

install_missing() {
    [ -n "$1" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        fail "missing, and there is no apt-get to install it with: $1"
    fi
    if [ "$(id -u)" -ne 0 ]; then
        printf 'Please run this line, then the same command again:\n\n    sudo apt-get install -y %s\n\n' "$1" >&2
        exit 1
    fi
    say "installing system packages: $1"
    apt-get update -qq || say "apt-get update failed; going on with the package lists that are here"
    # shellcheck disable=SC2086  # a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $1 >/dev/null ||
        fail "apt-get install failed: $1"
}

# --- the virtual environment -----------------------------------------------------------------------------

# A venv knows its own path, so a moved checkout counts as a new one.
stamp_of() {
    printf '%s ' "$root"
    { cat "$1" deploy/setup.sh && sed '/^\[tool\./,$d' pyproject.toml; } | sha256sum
}

stamped() {
    [ -x "$venv/bin/python" ] && [ "$(cat "$venv/lianban-$1.stamp" 2>/dev/null)" = "$(stamp_of "$2")" ]
}

venv_usable() {
    [ -x "$venv/bin/python" ] && new_enough "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1
}

make_venv() {
    if venv_usable; then return 0; fi
    say "making .venv with $("$python" --version)"
    rm -rf "$venv"
    "$python" -m venv "$venv" || fail "could not make .venv with $python"
}

install_lock() {
    say "installing $(grep -c '==' "$1") pinned packages from $1 (a few minutes the first time)"
    # POSIX sh has no pipefail: pip's exit code goes through a file.
    {
        "$venv/bin/python" -m pip install --disable-pip-version-check --require-hashes --no-deps \
            --only-binary :all: --progress-bar off -r "$1" 2>"$venv/setup.err" && code=0 || code=$?
        echo "$code" >"$venv/setup.code"
    } | awk '/^(Collecting|Processing|Requirement already)/ { if (++n % 10 == 0) { print "    " n " packages looked up"; fflush() } }
             /^Installing/ { print "    writing them to .venv"; fflush() }'
    if [ "$(cat "$venv/setup.code")" -ne 0 ]; then
        cat "$venv/setup.err" >&2
        fail "pip could not install $1; see above"
    fi
    "$venv/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
    "$venv/bin/python" -m pip check >/dev/null || fail "the locks do not fit pyproject.toml: run make lock"
}

no_python="needs Python 3.11, 3.12 or 3.13, and there is none here (Debian 12 and later have one)"
lock=requirements.lock
[ "$kind" = runtime ] || lock=requirements-dev.lock
python=$(find_python)
if stamped "$kind" "$lock"; then
    # A system package may have gone since; a look costs nothing.
    install_missing "$(missing_packages | tr '\n' ' ' | sed 's/ *$//')"
    deploy/fonts.sh
    deploy/front.sh "$kind"
    exit 0
fi
# The development lock holds every runtime package at the same version.
if [ "$kind" = runtime ] && stamped dev requirements-dev.lock; then
    deploy/fonts.sh
    deploy/front.sh "$kind"
    exit 0
fi

if [ -z "$python" ] && has_any python3; then fail "$no_python"; fi
install_missing "$(missing_packages | tr '\n' ' ' | sed 's/ *$//')"
python=$(find_python)
[ -n "$python" ] || fail "$no_python"
make_venv
rm -f "$venv"/lianban-*.stamp
install_lock "$lock"
deploy/fonts.sh
deploy/front.sh "$kind"
stamp_of "$lock" >"$venv/lianban-$kind.stamp"
say "ready: .venv ($kind)"
