#!/usr/bin/env python3
"""Measures aicache on this machine and writes the table of perf/README.md.

use: perf/report.py [--build build/release] [--repetitions 5] [--traces DIR --reference CSV [--only TRACE...]] [--write]

Runs bench_engine, bench_actors, a node with bench_actors and aicache-load over the network, and a redis-server of its
own beside it (where one is installed), and compares with the goals. Ratios are of figures of one run, taken in turn,
because machines are shared and noisy; every figure is a median. With --traces (NAME.u64.zst) and --reference (lines
trace,requests,unique,size_entries,policy,miss_ratio,... with LRU and Belady) eviction is scored too. Prints the table;
--write also replaces what stands between the markers of perf/README.md.
"""
import argparse
import collections
import csv
import datetime
import json
import os
import pathlib
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BEGIN, END = "<!-- the latest report: begin -->", "<!-- the latest report: end -->"


def output(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def bench(program, repetitions, *arguments, filter="."):
    """Runs a Google Benchmark program; gives its runs by name, each a list with one dict a repetition."""
    command = [program, f"--benchmark_filter={filter}", f"--benchmark_repetitions={repetitions}",
               "--benchmark_enable_random_interleaving=true", "--benchmark_min_time=0.3",
               "--benchmark_format=json", *arguments]
    runs = collections.defaultdict(list)
    for run in json.loads(output(command))["benchmarks"]:
        if run["run_type"] == "iteration":
            runs[run["run_name"].removesuffix("/real_time")].append(run)
    return runs


def median(runs, name, figure):
    return statistics.median(run[figure] for run in runs[name])


def ratio(runs, one, other, figure):
    return median(runs, one, figure) / median(runs, other, figure)


class Served:
    """A server process of ours, ended by its own process id."""

    def __init__(self, command, wait_for_line=None):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.line = self.process.stdout.readline() if wait_for_line else ""
        if wait_for_line and not self.line.startswith(wait_for_line):
            sys.exit(f"{command[0]} did not get ready: {self.line}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, seconds=10):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


class Redis:
    """A redis-server of our own without persistence, and its GET at a depth of 64 on 50 connections."""

    def __init__(self, folder):
        self.port = free_port()
        self.server = Served(["redis-server", "--port", str(self.port), "--save", "", "--dir", folder])
        wait_for_port(self.port)

    def gets(self, size):
        base = ["redis-benchmark", "-p", str(self.port), "-r", "16384", "-d", str(size), "--csv"]
        output([*base, "-t", "set", "-n", "100000", "-P", "64"])
        rows = output([*base, "-t", "get", "-n", "1000000", "-P", "64", "-c", "50"]).splitlines()
        return float(next(csv.reader(r for r in rows if r.startswith('"GET"')))[1])


def network(build, repetitions, folder):
    """The medians of the network, taken in turn with Redis: keys a second of ours, of Redis by value size."""
    ours, redis_gets = [], collections.defaultdict(list)
    redis = Redis(folder) if shutil.which("redis-server") and shutil.which("redis-benchmark") else None
    with Served([build / "aicached", "--set", "node.port=0", "--set", "http.port=0"], "ready caf=") as node:
        address = node.line.split()[1].removeprefix("caf=")
        for _ in range(repetitions):
            ours.append(bench(build / "bench_actors", 1, f"--node={address}"))
            if redis:
                for size in (100, 1024):
                    redis_gets[size].append(redis.gets(size))
        load_file = pathlib.Path(folder, "load.json")
        load = []
        for _ in range(repetitions):
            output([build / "aicache-load", "--node", address, "--requests", "200000", "--json", load_file])
            load.append(json.loads(load_file.read_text()))
    if redis:
        redis.server.__exit__()
    keys = {size: statistics.median(median(run, f"remote_get/{size}", "keys/s") for run in ours) for size in (64, 256)}
    return keys, {size: statistics.median(all) for size, all in redis_gets.items()}, load


def eviction(build, traces, reference, only, shards):
    """The mean share of the gap between LRU and Belady that is closed, and the worst loss to LRU in miss ratio."""
    cells = collections.defaultdict(dict)
    with open(reference, newline="") as file:
        for row in csv.DictReader(file):
            cells[row["trace"], int(row["size_entries"])][row["policy"]] = float(row["miss_ratio"])
    shares, worst = [], -1.0
    for trace in sorted({t for t, _ in cells}):
        file = pathlib.Path(traces, trace + ".u64.zst")
        sizes = sorted(s for t, s in cells if t == trace)
        if not file.exists() or (only and trace not in only):
            continue
        command = [build / "aicache-replay", "--trace", file, "--shards", str(shards)]
        for size in sizes:
            command += ["--entries", str(size)]
        closed = []
        for _, size, miss in list(csv.reader(output(command).splitlines()))[1:]:
            known, miss = cells[trace, int(size)], float(miss)
            worst = max(worst, miss - known["LRU"])
            if known["LRU"] - known["Belady"] > 0.01:
                closed.append((known["LRU"] - miss) / (known["LRU"] - known["Belady"]))
        if closed:
            shares.append(statistics.mean(closed))
    return statistics.mean(shares), worst


def millions(x):
    return f"{x / 1e6:.2f} M/s"


def measure(build, options):
    rows = []

    def row(what, measured, goal="", met=None):
        verdict = "" if met is None else "yes" if met else "no"
        print(f"{what}: {measured}  {goal}  {verdict}", file=sys.stderr)
        rows.append((what, measured, goal, verdict))

    with tempfile.TemporaryDirectory() as folder:
        keys, redis, load = network(build, options.repetitions, folder)
    actors = bench(build / "bench_actors", options.repetitions)
    engine = bench(build / "bench_engine", options.repetitions, filter="^(floor|shard)/")
    for name in sorted(n for n in engine if n.startswith("floor/")):
        other = name.replace("floor/", "shard/")
        if other in engine:
            times = ratio(engine, other, name, "cpu_time")
            row(f"in-shard hit, {other.removeprefix('shard/')} entries", f"{times:.2f} x the floor", "at most 1.25 x",
                times <= 1.25)
    for size in (1, 16, 64, 256):
        for name, what in (("client_each", "through a client actor each"), ("client_shared", "through one client actor"),
                           ("shards", "straight from the shards")):
            rate = median(actors, f"{name}/{size}", "keys/s")
            goal = ("at least 10 M/s", rate >= 10e6) if size == 64 else ("", None)
            row(f"get across actors, {size} keys, {what}", millions(rate), *goal)
    if redis:
        times = median(actors, "client_each/64", "keys/s") / redis[100]
        row("the same, 64 keys, against Redis GET (depth 64, 50 connections)",
            f"{times:.1f} x of {millions(redis[100])}", "at least 10 x", times >= 10)
    # A difference of a few percent takes more looks than a ratio of several times.
    watched = bench(build / "bench_actors", 4 * options.repetitions, filter="^shards.*/64")
    for one, other, what in (("shards_reporting", "shards_unmonitored", "monitoring on against off"),
                             ("shards", "shards_reporting", "learning on against off")):
        on = ratio(watched, f"{one}/64", f"{other}/64", "keys/s")
        goal = ("at most 2 %", on >= 0.98) if other == "shards_unmonitored" else ("", None)
        row(f"{what}, 64 keys straight from the shards", f"{100 * (1 - on):+.1f} % of throughput", *goal)
    for size in (64, 256):
        row(f"remote get, {size} keys, 1 KB values", millions(keys[size]))
    if redis:
        times = keys[64] / redis[1024]
        row("remote get, 64 keys, 1 KB, against Redis GET (depth 64, 50 connections)",
            f"{times:.2f} x of {millions(redis[1024])}", "at least 1.5 x", times >= 1.5)
    row("aicache-load over the network, 200,000 requests checked",
        f"{statistics.median(l['seconds'] for l in load):.2f} s", "no error, none wrong",
        all(l["errors"] == 0 and l["wrong"] == 0 for l in load))
    if options.traces and options.reference:
        for shards in (1, 8):
            mean, worst = eviction(build, options.traces, options.reference, options.only, shards)
            row(f"eviction, {shards} shard(s), mean share of the gap from LRU to optimal", f"{mean:.3f}",
                "at least 0.28", mean >= 0.28)
            row(f"eviction, {shards} shard(s), worst cell against LRU", f"{worst:+.4f} of miss ratio",
                "at most +0.0050", worst <= 0.005)
    return rows


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def table(rows, repetitions):
    today = datetime.date.today().isoformat()
    lines = [f"{today}, {processor()}, {len(os.sched_getaffinity(0))} cores, load average "
             f"{os.getloadavg()[1]:.1f}; medians of {repetitions}.", "",
             "| what | measured | goal | met |", "|---|---|---|---|"]
    return "\n".join(lines + [f"| {' | '.join(r)} |" for r in rows])


def write(text, begin=BEGIN, end=END):
    readme = HERE / "README.md"
    before, _, rest = readme.read_text().partition(begin)
    _, _, after = rest.partition(end)
    if not after:
        sys.exit(f"{readme} has no markers")
    readme.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def need(build, *programs):
    for program in programs:
        if not (build / program).exists():
            sys.exit(f"{build / program} is not there: cmake --preset release && "
                     "cmake --build --preset release --target all benchmarks")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build/release")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--traces", type=pathlib.Path)
    parser.add_argument("--reference", type=pathlib.Path)
    parser.add_argument("--only", nargs="*", help="score eviction by these traces alone")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    need(options.build, "aicached", "aicache-load", "aicache-replay", "bench_actors", "bench_engine")
    text = table(measure(options.build, options), options.repetitions)
    print(text)
    if options.write:
        write(text)


if __name__ == "__main__":
    main()
