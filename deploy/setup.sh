#!/usr/bin/env bash
# Installs what building, testing and demonstrating aicache needs, from Debian 12's own packages; what is there already is left alone.
# usage: bash deploy/setup.sh [--fuzzing] [--operating]
#   --fuzzing    clang too, which builds the fuzz targets
#   --operating  what watches a node and what it is installed on, for the tests of that: prometheus, debootstrap
set -euo pipefail

packages=(
  build-essential openssl cmake ninja-build ccache pkg-config git ca-certificates python3
  libcaf-dev libasio-dev libhiredis-dev libssl-dev libzstd-dev zstd zlib1g-dev libxxhash-dev libutf8proc-dev libmimalloc-dev
  libtoml11-dev libyaml-cpp-dev nlohmann-json3-dev libspdlog-dev libfmt-dev libcli11-dev prometheus-cpp-dev libcivetweb-dev
  catch2 librapidcheck-dev libbenchmark-dev redis-server
)
for option in "$@"; do
  case $option in
    --fuzzing) packages+=(clang-14 libclang-rt-14-dev) ;;
    --operating) packages+=(prometheus debootstrap iproute2 faketime dpkg-dev python3-yaml) ;;
    *)
      echo "usage: bash deploy/setup.sh [--fuzzing] [--operating]" >&2
      exit 2
      ;;
  esac
done
policy=/usr/sbin/policy-rc.d
policy_mark="# placed by aicache's setup while it installs servers"

is_installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

# The tests start a Redis and a Prometheus of their own; the packages would start more, on the default ports. Debian asks
# policy-rc.d before it starts a service. A policy that the machine has already is its owner's and stays.
forbid_services() {
  if [[ -e $policy ]]; then return; fi
  trap allow_services EXIT
  printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
}

# Takes our own policy away again; also one that an earlier, killed run left behind.
allow_services() {
  if grep -qsF "$policy_mark" "$policy"; then as_root rm -f "$policy"; fi
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup: this script needs apt; on another system install the like of: ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  echo "setup: all ${#packages[@]} packages are installed"
  exit 0
fi

if ((EUID != 0)) && ! command -v sudo >/dev/null; then
  echo "setup: installing needs root or sudo, and there is neither; missing: ${missing[*]}" >&2
  exit 1
fi

echo "setup: installing ${missing[*]}"
allow_services
for package in "${missing[@]}"; do
  if [[ $package == redis-server || $package == prometheus ]]; then forbid_services; fi
done
log=$(mktemp)
quietly() {
  if ! as_root env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "setup: '$*' failed; all of its output is in $log" >&2
    exit 1
  fi
}
quietly apt-get -q update
quietly apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install "${missing[@]}"
rm -f "$log"
echo "setup: ${#missing[@]} packages installed"
