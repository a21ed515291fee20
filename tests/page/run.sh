#!/usr/bin/env bash
# Looks at the page with Chromium, over recorded figures, and with --live over a real node under load. Installs chromium, nodejs and npm from apt where they are missing, and
# playwright-core (which drives the browser) by npm into build/page.
# usage: bash tests/page/run.sh [--live]   screenshots of what was seen are in build/page/seen; --live needs build/release
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if ((${#missing[@]} > 0)); then
  as_root apt-get -q update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${missing[@]}"
fi

mkdir -p build/page/seen
cp tests/page/package.json tests/page/package-lock.json build/page/
(cd build/page && npm ci --silent --no-fund --no-audit)
# Modules are looked up from where a test lies, so it runs from beside what npm installed.
cp tests/page/page_test.mjs tests/page/live_test.mjs build/page/
cd build/page
export AICACHE_PAGE_SERVER=../../tests/page/serve.py
# The live one is under load for as long as it takes: one after the other.
node --test page_test.mjs
if [[ ${1:-} == --live ]]; then
  AICACHE_BUILD=$(realpath ../release) node --test live_test.mjs
fi
