#!/bin/sh
# Runs the checks and prints a summary: `deploy/check.sh [lint] [tests] [-- pytest arguments]`.
# A failed step does not stop the next ones, so one run shows everything that is wrong.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
bin=$root/.venv/bin
summary=
failed=0

# step NAME COMMAND...: runs it, times it, remembers how it ended.
step() {
    name=$1
    shift
    printf '\n==> %s\n' "$name"
    began=$(date +%s)
    "$@" && code=0 || code=$?
    took=$(($(date +%s) - began))
    if [ "$code" -eq 0 ]; then
        verdict=ok
    else
        verdict="FAILED (exit $code)"
        failed=1
    fi
    summary="$summary$(printf '%-18s %4d s  %s' "$name" "$took" "$verdict")
"
}

lint() {
    step "ruff rules" "$bin/ruff" check --quiet --output-format concise .
    step "ruff format" "$bin/ruff" format --quiet --check --output-format concise .
    step "shellcheck" "$bin/shellcheck" deploy/setup.sh deploy/fonts.sh deploy/front.sh deploy/npm.sh deploy/lock.sh deploy/translations.sh deploy/check.sh .ci/run
    step "import contracts" "$bin/lint-imports" --no-logo
    step "mypy" "$bin/mypy" --no-error-summary -p sync_protocol -p casework -p node -p hub -p deploy -p migrations -p bench
}

# Three workers: what waits for a program or a browser leaves a core to the others; tests/scheduling.py says in which
# order. Hundreds of programs are started: what one has compiled serves the next, whatever the machine's habit is.
# Measuring coverage here would make it half as long again (`make coverage`).
tests() {
    export PYTHONDONTWRITEBYTECODE=
    if [ "$#" -gt 0 ]; then
        step "pytest" "$bin/python" -m pytest "$@"
        return
    fi
    step "pytest" "$bin/python" -m pytest -n 3 --dist loadscope --no-loadscope-reorder --durations=10
}

want_lint=
want_tests=
while [ "$#" -gt 0 ]; do
    case $1 in
        lint) want_lint=1 ;;
        tests) want_tests=1 ;;
        --) shift; break ;;
        *) echo "usage: deploy/check.sh [lint] [tests] [-- pytest arguments]" >&2; exit 2 ;;
    esac
    shift
done
[ -z "$want_lint" ] || lint
[ -z "$want_tests" ] || tests "$@"

printf '\n%s' "$summary"
exit "$failed"
