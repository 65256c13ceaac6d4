#!/usr/bin/env bash
# Runs pytest on all cores. Its last line is pytest's own summary.
set -uo pipefail
cd "$(dirname "$0")/.."

.venv/bin/python -m pytest -n "${WORKERS:-auto}" --dist worksteal "$@"
status=$?
if [ $status = 5 ]; then
    echo "No test was found, which is a failure." >&2
fi
exit $status
