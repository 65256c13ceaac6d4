#!/usr/bin/env bash
# Makes .venv with the locked versions and the checkout in it. Does nothing when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=.venv/.ready
wanted=$(cat requirements-dev.lock pyproject.toml tools/setup.sh | cksum)

say() { printf '%s\n' "$*" >&2; }

find_python() {
    local name
    for name in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
        [ -n "$name" ] || continue
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    say "Trunkline needs Python 3.11, 3.12 or 3.13. On Debian or Ubuntu: apt-get install python3 python3-venv"
    say "Or name one: make setup PYTHON=/path/to/python3.12"
    return 1
}

with_uv() {
    uv venv --quiet --allow-existing --python "$1" .venv &&
        uv pip sync --quiet --python .venv/bin/python requirements-dev.lock &&
        uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
}

with_pip() {
    make_venv "$1"
    .venv/bin/python -m pip install -qq --disable-pip-version-check -r requirements-dev.lock
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
}

make_venv() {
    if .venv/bin/python -m pip --version >/dev/null 2>&1; then
        return
    fi
    if ! "$1" -c 'import ensurepip' 2>/dev/null; then
        install_venv_package "$1"
    fi
    "$1" -m venv --clear .venv
}

# Debian and Ubuntu keep venv's other half in a package of its own.
install_venv_package() {
    local package
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing $package"
        export DEBIAN_FRONTEND=noninteractive
        apt-get install -qq -y --no-install-recommends "$package" >/dev/null 2>&1 ||
            { apt-get update -qq && apt-get install -qq -y --no-install-recommends "$package" >/dev/null; }
    else
        say "This Python cannot make virtual environments. Install $package first:"
        say "  sudo apt-get install $package"
        return 1
    fi
}

if [ -x .venv/bin/trunkline ] && [ "$(cat $stamp 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

say "Setting up .venv (a minute or two the first time)"
python=$(find_python)
if command -v uv >/dev/null && with_uv "$python"; then
    :
else
    with_pip "$python"
fi
.venv/bin/trunkline --version >/dev/null
printf '%s\n' "$wanted" >$stamp
