#!/usr/bin/env python3
"""Follows a node's recommendations on memory, and says whether what they promise comes true.

use: perf/advice_check.py --traces DIR [--build build/release] [TRACE:MEMORY...] [--write]

Each trace (NAME.u64.zst: 64-bit keys, one a request) is played to a real node with so much memory: its first half to fill
the node, its second half to be measured. The node is then asked what it recommends. Its first recommendation on
memory.budget is followed: a second node with that budget is given the same, and its hit ratio is compared with the one
that was predicted, which is the first node's and the points that the recommendation promises. Prints a table; --write also
replaces what stands between the markers of perf/README.md.
"""
import argparse
import datetime
import json
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BEGIN, END = "<!-- the advice check: begin -->", "<!-- the advice check: end -->"
# The warm tier begins at 8 MiB a shard, which the curve does not know: none of these crosses it when it is doubled.
USUAL = ["web07:2MiB", "web07:3MiB", "oltp:3MiB", "oltp:16MiB", "mooncake-conv:16MiB", "lirs-2_pools:3MiB"]
GOAL = 2.0  # points


class Node:
    """A node of one shard with so much memory, ended by its own process id."""

    def __init__(self, build, memory):
        self.build = build
        settings = {"node.port": 0, "node.shards": 1, "http.enabled": "false", "memory.budget": memory, "ttl.default": "30d"}
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        self.process = subprocess.Popen([build / "aicached", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True)
        line = self.process.stdout.readline()
        if not line.startswith("ready caf="):
            sys.exit(f"a node with {memory} did not get ready: {line}")
        self.address = line.split()[1].removeprefix("caf=")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def told(self, *command):
        words = [self.build / "aicachectl", *command, "--node", self.address, "--json"]
        return json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)

    def play(self, workload, requests, report):
        """The hit ratio in percent. One loop and small batches: the order of the trace is kept."""
        subprocess.run([self.build / "aicache-load", "--node", self.address, "--workload", workload, "--popularity",
                        "sequential", "--requests", str(requests), "--concurrency", "1", "--batch", "8", "--no-leases",
                        "--json", report], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return 100 * json.loads(pathlib.Path(report).read_text())["hit_ratio"]


def halves_of(trace, folder):
    packed = subprocess.run(["zstd", "-dc", "--long=27", trace], check=True, stdout=subprocess.PIPE).stdout
    keys = [key for (key,) in struct.iter_unpack("<Q", packed)]
    halves = []
    for name, part in (("first", keys[:len(keys) // 2]), ("second", keys[len(keys) // 2:])):
        file = pathlib.Path(folder, name + ".jsonl")
        with open(file, "w", encoding="ascii") as lines:
            lines.writelines(f'{{"operation":"qa","model":"m","key":"{key}"}}\n' for key in part)
        halves.append((file, len(part)))
    return halves


def run(build, halves, memory, folder):
    """The hit ratio of the second half, and what the node recommends for its memory: value and points, if anything."""
    with Node(build, memory) as node:
        report = pathlib.Path(folder, "report.json")
        node.play(*halves[0], report)
        ratio = node.play(*halves[1], report)
        advice = node.told("recommend")["recommendations"]
    for r in advice:
        figures = {e["name"]: e["value"] for e in r["evidence"]}
        if r["action"]["setting"] == "memory.budget" and "expected_change" in figures:
            return ratio, (r["action"]["value"], figures["expected_change"], figures["error"])
    return ratio, None


def check(build, traces, wanted):
    rows = []
    for name, memory in (w.split(":") for w in wanted):
        with tempfile.TemporaryDirectory() as folder:
            halves = halves_of(pathlib.Path(traces, name + ".u64.zst"), folder)
            ratio, advice = run(build, halves, memory, folder)
            if advice is None:
                rows.append(f"| {name} | {memory} | {ratio:.1f} % | none |  |  |  |  |")
                continue
            value, points, error = advice
            followed, _ = run(build, halves, value, folder)
        off = ratio + points - followed
        rows.append(f"| {name} | {memory} | {ratio:.1f} % | {value}, {points:+.1f} points (error {error:.1f}) | "
                    f"{ratio + points:.1f} % | {followed:.1f} % | {off:+.1f} | {'yes' if abs(off) <= GOAL else 'no'} |")
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", required=True)
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build/release")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("wanted", nargs="*", default=USUAL, metavar="TRACE:MEMORY")
    asked = parser.parse_args()
    head = ["| trace | memory | hit ratio | recommended | predicted | followed | points off | within 2 |",
            "|---|---|---|---|---|---|---|---|"]
    table = "\n".join([f"{datetime.date.today()}", "", *head, *check(asked.build, asked.traces, asked.wanted)])
    print(table)
    if asked.write:
        readme = HERE / "README.md"
        text = readme.read_text()
        start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
        readme.write_text(text[:start] + "\n" + table + "\n" + text[end:])


main()
