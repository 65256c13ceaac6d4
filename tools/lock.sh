#!/usr/bin/env bash
# Writes requirements.lock (to run) and requirements-dev.lock (to develop): plain versions for every platform.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
    uv=.venv/bin/uv
fi

lock() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --upgrade \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml "$@"
}

lock --output-file requirements.lock
lock --group dev --constraint requirements.lock --output-file requirements-dev.lock
echo "Locked. Run make test before you commit."
