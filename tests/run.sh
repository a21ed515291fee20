#!/usr/bin/env bash
# Builds and runs the tests: optimised, under AddressSanitizer and UndefinedBehaviorSanitizer, and (those without
# CAF that have threads) under ThreadSanitizer; with --long the fuzz targets and operating too. The last line counts ctest's
# tests over all of them, and each fuzz target and each part of operating as one; so is the page, which --page has looked at in a browser.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source deploy/steps.sh

usage() {
  cat <<'TEXT'
usage: bash tests/run.sh [--long] [--page] [preset...]   presets: release asan tsan (all three unless named) fuzz operating page

--long adds fuzz and operating. fuzz: each target of tests/fuzz, built by clang, for a minute. What it found before is kept in
build/fuzz/corpus and tried again first. AICACHE_FUZZ_SECONDS=3600 makes the minute an hour.
operating: a real Prometheus, its alerts, storms on the HTTP and TLS ports, three nodes in network namespaces of which one is killed,
one hangs and one is cut off, and the Debian package on a bare Debian 12 (needs root).
--page adds page: the HTTP page in Chromium, over recorded figures and over a real node under load; installs browser, nodejs and
npm where they are missing.

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
  if ((code > 0)) || [[ $preset != release ]]; then return "$code"; fi
  # Nobody needs them to run or to test a node, but they must not fall behind.
  step "$preset: build the benchmarks" "build/log/$preset.benchmarks.log" cmake --build --preset "$preset" --target benchmarks || code=$?
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
    targets=(--target test_engine)
    only=(--tests-regex '^engine$')
    # The sanitizer of g++ 12 does not know the address layouts of newer kernels.
    if setarch --addr-no-randomize true 2>/dev/null; then around=(setarch --addr-no-randomize); fi
  fi
  if build "$preset" "${targets[@]}"; then
    run "$preset" "${around[@]}"
  else
    failed=$((failed + 1))
  fi
}

# Every target for a minute each, from where the last run left off; a finding is kept beside its log.
fuzz() {
  local program name code
  if ! build fuzz; then
    failed=$((failed + 1))
    return
  fi
  for program in build/fuzz/fuzz_*; do
    [[ -x $program ]] || continue
    name=${program##*/fuzz_} code=0
    mkdir -p "build/fuzz/corpus/$name" "build/fuzz/found/$name"
    step "fuzz: $name" "build/log/fuzz.$name.log" "$program" -max_total_time="${AICACHE_FUZZ_SECONDS:-60}" \
      -rss_limit_mb=2048 -timeout=10 -artifact_prefix="build/fuzz/found/$name/" "build/fuzz/corpus/$name" || code=$?
    testing=$(plus "$testing" "$step_seconds")
    if ((code == 0)); then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done
}

# one WHAT LOG COMMAND...: a test that is no ctest's.
one() {
  local code=0
  step "$@" || code=$?
  testing=$(plus "$testing" "$step_seconds")
  if ((code == 0)); then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

# What these look at is optimised, as it is when it is run.
with_release() {
  if ! build release; then
    failed=$((failed + 1))
    return
  fi
  "$1"
}

look_at_page() { one "page: in a browser" build/log/page.log bash tests/page/run.sh --live; }

operate() {
  one "operating: Prometheus and its alerts" build/log/operating.prometheus.log build/release/tests/test_system "[prometheus]"
  one "operating: a storm on the HTTP port" build/log/operating.storm.log python3 tests/system/http_storm.py build/release
  one "operating: nodes killed, hung and cut off" build/log/operating.cluster.log python3 tests/system/cluster_faults.py build/release
  one "operating: a storm on the TLS port" build/log/operating.tls.log build/release/tests/test_system "[storm]"
  one "operating: on a bare Debian" build/log/operating.package.log bash tests/deploy/bare_debian.sh
}

presets=() long=0 page=0
for argument in "$@"; do
  case $argument in
    --long) long=1 ;;
    --page) page=1 ;;
    *) presets+=("$argument") ;;
  esac
done
if ((${#presets[@]} == 0)); then presets=(release asan tsan); fi
if ((long)) && [[ " ${presets[*]} " != *" fuzz "* ]]; then presets+=(fuzz); fi
if ((long)) && [[ " ${presets[*]} " != *" operating "* ]]; then presets+=(operating); fi
if ((page)) && [[ " ${presets[*]} " != *" page "* ]]; then presets+=(page); fi
for preset in "${presets[@]}"; do
  case $preset in
    release | asan | tsan | fuzz | operating | page) ;;
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

setup=()
if [[ " ${presets[*]} " == *" fuzz "* ]]; then setup+=(--fuzzing); fi
if [[ " ${presets[*]} " == *" operating "* ]]; then setup+=(--operating); fi
bash deploy/setup.sh "${setup[@]}"
for preset in "${presets[@]}"; do
  case $preset in
    fuzz) fuzz ;;
    operating) with_release operate ;;
    page) with_release look_at_page ;;
    *) check "$preset" ;;
  esac
done
echo "builds took $building s, tests $testing s"
echo "$passed passed, $failed failed"
((failed == 0))
