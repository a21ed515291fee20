#!/usr/bin/env bash
# Builds and runs the tests: optimised, under AddressSanitizer and UndefinedBehaviorSanitizer, and (the
# layers without CAF) under ThreadSanitizer. The last line counts ctest's tests over all of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source deploy/steps.sh

usage() {
  cat <<'TEXT'
usage: bash tests/run.sh [preset...]   presets: release asan tsan (all three unless named)

What each step printed is in build/log; the last line is "N passed, N failed".
TEXT
}

passed=0 failed=0 building=0.0 testing=0.0

plus() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a + b }'; }

# Adds the summary line of a ctest log to the counts; tests that did not run count as failed.
count() {
  local line bad all
  line=$(grep -E '[0-9]+ tests? failed out of [0-9]+' "$1") || { failed=$((failed + 1)); return; }
  read -r bad all < <(sed -E 's/.*[^0-9]([0-9]+) tests? failed out of ([0-9]+).*/\1 \2/' <<<"$line")
  failed=$((failed + bad)) passed=$((passed + all - bad))
}

build() {
  local preset=$1 code=0
  shift
  step "$preset: configure" "build/log/$preset.configure.log" cmake --preset "$preset" || code=$?
  building=$(plus "$building" "$step_seconds")
  ((code == 0)) || return "$code"
  step "$preset: build" "build/log/$preset.build.log" cmake --build --preset "$preset" "$@" || code=$?
  building=$(plus "$building" "$step_seconds")
  return "$code"
}

run() {
  local preset=$1 log=build/log/$1.test.log
  shift
  step "$preset: test" "$log" "$@" ctest --preset "$preset" --parallel "$(nproc)" --no-tests=error "${only[@]}" || true
  testing=$(plus "$testing" "$step_seconds")
  count "$log"
}

check() {
  local preset=$1 targets=() around=()
  only=()
  if [[ $preset == tsan ]]; then
    targets=(--target test_config test_engine)
    only=(--tests-regex '^(config|engine)$')
    # The sanitizer of g++ 12 does not know the address layouts of newer kernels.
    if setarch --addr-no-randomize true 2>/dev/null; then around=(setarch --addr-no-randomize); fi
  fi
  if build "$preset" "${targets[@]}"; then
    run "$preset" "${around[@]}"
  else
    failed=$((failed + 1))
  fi
}

presets=("$@")
if ((${#presets[@]} == 0)); then presets=(release asan tsan); fi
for preset in "${presets[@]}"; do
  case $preset in
    release | asan | tsan) ;;
    --help | -h)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
done

bash deploy/setup.sh
for preset in "${presets[@]}"; do check "$preset"; done
echo "builds took $building s, tests $testing s"
echo "$passed passed, $failed failed"
((failed == 0))
