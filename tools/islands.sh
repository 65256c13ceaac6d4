#!/usr/bin/env bash
# Builds the inbox's script and style from trunkline/web/islands. With --check it compares with what lies in the tree.
set -euo pipefail
cd "$(dirname "$0")/.."

source=trunkline/web/islands/inbox
target=trunkline/web/static/islands
place=build/islands/inbox

mkdir -p "$place" "$target"
rm -rf "$place/src" "$place/built"
cp -R "$source/." "$place/"
if ! cmp -s "$source/package-lock.json" "$place/installed.json"; then
    (cd "$place" && npm ci --no-audit --no-fund --silent)
    cp "$source/package-lock.json" "$place/installed.json"
fi
(cd "$place" && npm run --silent check >/dev/null && npm run --silent build -- --logLevel error)

for file in inbox.js inbox.css; do
    if [ "${1:-}" = --check ]; then
        cmp "$place/built/$file" "$target/$file" || { echo "$target/$file is not what its sources say: make islands"; exit 1; }
    else
        cp "$place/built/$file" "$target/$file"
    fi
done
