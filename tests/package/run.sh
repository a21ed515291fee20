#!/usr/bin/env bash
# Installs a build into a temporary prefix, moves it, builds the application in app/ against it, and runs
# that: with a cache in its own process, and against a running node. Usage: run.sh BUILD_DIR
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/steps.sh
source "$here/../../deploy/steps.sh"

build=$1
work=$build/package
log=$work/log
rm -rf "$work"
mkdir -p "$log"
trap 'stop_node || true' EXIT

step "install" "$log/install" cmake --install "$build" --prefix "$work/first"
# A package is good in any place, so it is moved before it is used.
mv "$work/first" "$work/prefix"
if grep -rl -e "$work/first" -e "$build/" "$work/prefix/lib" --include='*.cmake'; then
  echo "the package names folders of the machine that built it"
  exit 1
fi

# What an application includes needs CAF, the standard library and what is installed beside it, nothing else.
include=$work/prefix/include/aicache
named=$(grep -rhoE '^ *#include <[^>]+>' "$include")  # fails when nothing was installed
foreign=$(printf '%s\n' "$named" | grep -vE '<(caf/[a-z_/]+\.hpp|[a-z_]+|emmintrin\.h)>$' || true)
if [[ -n $foreign ]]; then
  printf 'installed headers need what an application need not have:\n%s\n' "$foreign"
  exit 1
fi
for header in $(grep -rhoE '^ *#include "[^"]+"' "$include" | cut -d'"' -f2 | sort -u); do
  if [[ ! -f $include/$header ]]; then
    echo "an installed header includes $header, which is not installed"
    exit 1
  fi
done

# The installed copy is the one to be found, not what lies beside it on this machine.
step "configure the application" "$log/configure" env -C "$work" cmake -G Ninja -S "$here/app" -B "$work/app" \
  -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release
step "build the application" "$log/build" cmake --build "$work/app"

linked=$(ldd "$work/app/engine_only")
if [[ $linked == *libcaf* ]]; then
  echo "a program that links only aicache::engine needs libcaf"
  exit 1
fi
step "run the engine alone" "$log/engine_only" "$work/app/engine_only"
step "run with a cache in process" "$log/in_process" "$work/app/app"
start_node "$log/node" "$work/prefix/bin/aicached" --set node.port=0 --set http.port=0
step "run against the node at $node_address" "$log/against_node" "$work/app/app" 127.0.0.1:1 "$node_address"
step "stop the node" "$log/stop" stop_node
