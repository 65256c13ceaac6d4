#!/usr/bin/env bash
# Runs pytest on all cores. Its last line is pytest's own summary.
# Browser tests go first and by themselves: a driven browser keeps an event loop of its own in the process.
set -uo pipefail
cd "$(dirname "$0")/.."

run() {
    .venv/bin/python -m pytest -n "${WORKERS:-auto}" --dist worksteal "$@"
    local status=$?
    if [ $status = 5 ]; then
        echo "No test was found, which is a failure." >&2
    fi
    return $status
}

if [ $# -gt 0 ]; then
    run "$@"
    exit
fi
run tests/e2e
seen=$?
run --ignore tests/e2e
status=$?
[ $seen = 0 ] && exit $status
echo "Browser tests failed: see their summary above." >&2
exit $seen
