#!/usr/bin/env bash
# Fetches uPlot, which draws the plots, and places its built files with its licence beside the page. They are checked in:
# the build downloads nothing. Needs npm; run it only to take a newer uPlot, and change version and digest together.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

version=1.6.32
digest=2883159c6ebccefbb95d751b0b82d010f9e1c0ec41b8bc96d401eda66e882935c89a46cb824332fa369b8cb8122cc6ac36e186cd09bf7a9ded3a4c93c6989023

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack --silent --pack-destination "$work" "uplot@$version" >/dev/null
archive=$work/uplot-$version.tgz
if ! echo "$digest  $archive" | sha512sum --check --status; then
  echo "bundle: uplot $version is not the archive that was looked at: $(sha512sum "$archive")" >&2
  exit 1
fi
tar -xzf "$archive" -C "$work"
cp "$work/package/dist/uPlot.iife.min.js" "$work/package/dist/uPlot.min.css" .
cp "$work/package/LICENSE" uPlot.LICENSE.txt
chmod 644 uPlot.*
echo "bundle: uPlot $version placed"
