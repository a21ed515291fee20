# Sourced by the scripts of deploy/ and tests/: steps that print one line, and nodes that are known by their process id.
# shellcheck shell=bash

# Set by the functions below for those who call them.
step_seconds=0.0 node_pid='' node_address=''

# The time since `$1` (an earlier EPOCHREALTIME) in seconds, with one digit.
seconds_since() {
  local tenths=$(((${EPOCHREALTIME//[.,]/} - ${1//[.,]/}) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# step WHAT LOG COMMAND...: runs the command with its output in LOG and prints one line; the end of the
# log follows when it fails. Gives the command's own exit code, and its length in `step_seconds`.
step() {
  local what=$1 log=$2 code=0 began=$EPOCHREALTIME
  shift 2
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 || code=$?
  step_seconds=$(seconds_since "$began")
  if ((code == 0)); then
    printf '%-46s ok  %6s s\n' "$what" "$step_seconds"
  else
    printf '%-46s FAILED (exit %d) after %s s; the end of %s:\n' "$what" "$code" "$step_seconds" "$log"
    tail -n 40 "$log"
  fi
  return "$code"
}

# start_node LOG PROGRAM ARGS...: starts a node and returns once it is ready; its process id is then in
# `node_pid` and its address in `node_address`. Fails when the node ends, or is silent for 20 seconds.
start_node() {
  local log=$1 ready
  shift
  mkdir -p "$(dirname "$log")"
  : >"$log"
  "$@" >"$log" 2>"$log.err" &
  node_pid=$!
  # tail follows the node's output without polling and ends with the node; sed ends it at the line.
  ready=$(sed -n '/^ready caf=/{s///p;q}' < <(timeout 20 tail -n +1 -f --pid="$node_pid" -s 0.05 "$log"))
  # Further facts may follow the address on the line.
  node_address=${ready%% *}
  if [[ -z $node_address ]]; then
    echo "the node did not get ready; its output:"
    tail -n 20 "$log" "$log.err"
    stop_node || true
    return 1
  fi
}

# Asks the node to stop and waits for it, at most 15 seconds; gives its exit code.
stop_node() {
  local pid=$node_pid code=0
  [[ -n $pid ]] || return 0
  node_pid=''
  kill -TERM "$pid" 2>/dev/null || true
  if ! timeout 15 tail -f /dev/null --pid="$pid" -s 0.05; then
    echo "the node did not stop within 15 seconds, so it was killed"
    kill -KILL "$pid"
  fi
  wait "$pid" 2>/dev/null || code=$?
  return "$code"
}
