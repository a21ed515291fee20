#!/usr/bin/env bash
# From a fresh checkout to a running cache: installs, builds, and demonstrates or serves.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source deploy/steps.sh

usage() {
  cat <<'TEXT'
usage: bash deploy/run.sh                    install, build, then load one node and print what it did
       bash deploy/run.sh --serve [args...]  install, build, then run a node in the foreground with these arguments
       bash deploy/run.sh --help

The build is build/release; what each step printed is in build/log.
TEXT
}

build() {
  step "configure build/release" build/log/configure.log cmake --preset release
  step "build $*" build/log/build.log cmake --build --preset release --target "$@"
}

demonstrate() {
  local began=$EPOCHREALTIME code=0
  trap 'stop_node || true' EXIT
  start_node build/log/node.log build/release/aicached --set node.port=0 --set http.port=0
  printf '%-46s ok  %6s s\n' "node ready at $node_address" "$(seconds_since "$began")"
  step "load: 200,000 requests, 64 a batch" build/log/load.log \
    build/release/aicache-load --node "$node_address" --workload builtin --requests 200000 --batch 64 \
    --popularity zipf:0.9 --json build/demo.json
  stop_node || code=$?
  if ((code != 0)); then
    echo "the node ended with exit code $code; its output:"
    tail -n 20 build/log/node.log build/log/node.log.err
    return "$code"
  fi
  printf '%-46s ok  %6s s\n\n' "node stopped; the demonstration in all" "$(seconds_since "$began")"
  cat build/log/load.log
  printf '\nthe same report as JSON: build/demo.json\n'
}

case ${1:-} in
  --help | -h)
    usage
    ;;
  --serve)
    shift
    bash deploy/setup.sh
    build aicached
    exec build/release/aicached "$@"
    ;;
  "")
    bash deploy/setup.sh
    build aicached aicache-load aicache-replay
    demonstrate
    ;;
  *)
    usage >&2
    exit 2
    ;;
esac
