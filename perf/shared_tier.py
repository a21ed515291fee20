#!/usr/bin/env python3
"""Measures what a shared tier costs and gives, and writes its table into perf/README.md.

use: perf/shared_tier.py [--build build/release] [--repetitions 5] [--keys 100000] [--write]

Each repetition takes all variants in turn, with a redis-server of its own for each, and ratios are of one repetition,
because machines are shared and noisy; what is shown is the median of them.

hits      a node in the load's process, filled, then nothing but hits: beside a Redis that answers, hangs (SIGSTOP), was
          killed, or never was there, in short turns with one that has memory only
misses    a node of its own, and single requests that miss, after the same troubles and once the node has noticed
reads     the link alone, beside redis-benchmark (bench_link); then the whole way: one node fills Redis and ends, a new one
          answers everything from there, beside redis-benchmark's GET of values of the same mean size. Once as settings
          are by default, every answer checked by the load; and once without what redis-benchmark does not do: nothing is
          compressed, and the load takes answers as they come
"""
import argparse
import collections
import csv
import json
import os
import pathlib
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import report

BEGIN, END = "<!-- the shared tier: begin -->", "<!-- the shared tier: end -->"
TURN = 0.05  # seconds
TROUBLES = {"hangs": signal.SIGSTOP, "was killed": signal.SIGKILL}


class Redis:
    """A redis-server of our own without persistence, ended by its own process id, also when it hangs."""

    def __init__(self, folder):
        self.port = report.free_port()
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--save", "", "--dir", folder],
                                        stdout=subprocess.DEVNULL)
        report.wait_for_port(self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def ask(self, *words):
        return report.output(["redis-cli", "-p", str(self.port), *words]).strip()

    def gets(self, depth, connections, size, keys):
        """redis-benchmark's GET of keys that are there, a second."""
        base = ["redis-benchmark", "-p", str(self.port), "-r", str(keys), "-d", str(size), "--csv", "-P", str(depth),
                "-c", str(connections)]
        rows = report.output([*base, "-t", "get", "-n", str(keys if depth > 1 else keys // 4)]).splitlines()
        return float(next(csv.reader(r for r in rows if r.startswith('"GET"')))[1])


class Load:
    """Runs aicache-load; every run must end without an error and without a wrong answer."""

    def __init__(self, build, folder):
        self.program, self.folder = build / "aicache-load", folder

    def start(self, *arguments, name="load"):
        """What is under way, until finish() tells how it ended."""
        self.json(name).unlink(missing_ok=True)
        return name, subprocess.Popen([self.program, *map(str, arguments), "--json", self.json(name)],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def finish(self, started):
        name, run = started
        stderr = run.communicate()[1]
        if run.returncode != 0:
            sys.exit(f"{' '.join(map(str, run.args))}: {run.returncode}\n{stderr}")
        return json.loads(self.json(name).read_text())

    def __call__(self, *arguments):
        return self.finish(self.start(*arguments))

    def json(self, name):
        return pathlib.Path(self.folder, f"{name}.json")


def ended(run, seconds):
    """Waits so long for a process to end."""
    watched = os.pidfd_open(run.pid)
    try:
        return bool(select.select([watched], [], [], seconds)[0])
    finally:
        os.close(watched)


def in_turns(load, one, other):
    """Lets two loads, which have stopped themselves, run in turns of TURN seconds, so that whatever else the machine does
    is shared alike; gives the requests a second of each, by the time that it was let run."""
    turns = {started: [] for started in (one, other)}  # when each began and was over
    running = [one, other]
    while running:
        for started in list(running):
            run = started[1]
            began = time.monotonic()
            run.send_signal(signal.SIGCONT)
            if ended(run, TURN):
                running.remove(started)
            elif len(running) > 1:
                run.send_signal(signal.SIGSTOP)
            turns[started].append((began, time.monotonic()))
    rates = []
    for started in (one, other):
        found = load.finish(started)
        over = turns[started][0][0] + found["seconds"]  # the load goes on for a while after what it measures
        rates.append(found["requests"] / sum(min(end, over) - began for began, end in turns[started] if began < over))
        if found["hits"] != found["requests"]:
            sys.exit(f"{found['requests'] - found['hits']} of the hits were none: {' '.join(map(str, started[1].args))}")
    return rates


def hits(load, folder, requests):
    """Hits a second by variant, against memory only, of one repetition."""
    ratios = {}

    # What was put has two seconds to reach Redis, and the node as long to notice a trouble; then each load stops itself.
    def start(name, *arguments, trouble="true"):
        return load.start("--in-process", "--fill", "--after-fill", f"{trouble}; sleep 2; kill -STOP $PPID",
                          "--requests", requests, *arguments, name=name)

    def run(name, *arguments, trouble="true"):
        pair = [start("alone"), start("beside", *arguments, trouble=trouble)]
        try:
            for _, process in pair:
                if not os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1]):
                    sys.exit(f"{' '.join(map(str, process.args))}: ended before it was measured")
            alone, beside = in_turns(load, *pair)
        finally:
            for _, process in pair:
                process.kill()  # one that has stopped itself would stay
        ratios[name] = beside / alone

    with Redis(folder) as redis:
        run("answers", "--redis", redis.url)
    for trouble, number in TROUBLES.items():
        with Redis(folder) as redis:
            run(trouble, "--redis", redis.url, trouble=f"kill -{int(number)} {redis.process.pid}")
    run("never was there", "--redis", f"redis://127.0.0.1:{report.free_port()}")
    return ratios


def misses(build, load, folder, requests):
    """The latencies of misses in microseconds by variant, of one repetition."""
    latencies = {}

    def run(name, url, trouble=lambda: None):
        settings = ["--set", "node.port=0", "--set", "http.port=0"] + (["--set", f"redis.url={url}"] if url else [])
        with report.Served([build / "aicached", *settings], "ready caf=") as node:
            address = node.line.split()[1].removeprefix("caf=")
            load("--node", address, "--requests", 2000)
            trouble()
            # Whatever notices it first: these are not measured.
            load("--node", address, "--requests", 200, "--seed", 2, "--popularity", "sequential")
            time.sleep(0.5)
            latencies[name] = load("--node", address, "--requests", requests, "--batch", 1, "--concurrency", 1,
                                   "--seed", 3, "--popularity", "sequential")["miss_latency_us"]

    run("memory only", None)
    for trouble, number in TROUBLES.items():
        with Redis(folder) as redis:
            run(trouble, redis.url, lambda: redis.process.send_signal(number))
    run("never was there", f"redis://127.0.0.1:{report.free_port()}")
    return latencies


# Keys in a batch, loops, connections of redis-benchmark: what is under way at once is about the same.
READS = ((1, 1, 1), (16, 1, 1), (64, 1, 1), (64, 8, 8))
# How answers are read: settings of the nodes, options of the load.
WAYS = {
    "compressed, opened, kept, and checked by the load": ([], []),
    "not compressed, opened, kept, and not checked": (["--set", "compression.min_bytes=64KiB"], ["--no-check"]),
}


def reads(load, folder, keys, settings, unlike):
    """Keys a second from Redis by (batch, loops): ours, and redis-benchmark's, of one repetition; and the mean size."""
    workload = pathlib.Path(folder, "reads.jsonl")
    if not workload.exists():
        workload.write_text("".join(f'{{"operation": "qa", "text": "the question about {i}"}}\n' for i in range(keys)))
    ours, theirs = {}, {}
    patient = ["--set", "redis.get_deadline=5s", "--set", "memory.budget=1GiB", *settings]
    with Redis(folder) as redis:
        common = ["--in-process", "--redis", redis.url, *patient, "--workload", workload, "--popularity", "sequential"]
        load(*common, "--requests", keys, "--no-leases")
        stored = int(redis.ask("EVAL", "return #redis.call('KEYS', 'aicache:*:*:*')", "0"))
        if stored < keys:
            sys.exit(f"only {stored} of {keys} answers came to lie in Redis")
        size = int(redis.ask("EVAL", "local n, all = 0, redis.call('KEYS', 'aicache:*:*:*') for _, k in ipairs(all) do "
                             "n = n + redis.call('STRLEN', k) end return math.floor(n / #all)", "0"))
        for batch, loops, connections in READS:
            asked = keys // 4 if batch == 1 else keys
            found = load(*common, "--requests", asked, "--batch", batch, "--concurrency", loops, "--no-leases", *unlike)
            if found["hits_shared"] < 0.99 * asked:
                sys.exit(f"only {found['hits_shared']} of {asked} answers came from Redis")
            ours[batch, loops] = found["hits_shared"] / found["seconds"]
        redis.ask("FLUSHALL")
        report.output(["redis-benchmark", "-p", str(redis.port), "-r", str(keys), "-d", str(size), "-t", "set", "-n",
                       str(3 * keys), "-P", "64", "-q"])
        for batch, loops, connections in READS:
            theirs[batch, loops] = redis.gets(batch, connections, size, keys)
    return ours, theirs, size


def link_rows(build, repetitions):
    """What bench_link prints, a row each: keys of a request, requests outstanding, keys/s, pipeline, ratio."""
    for line in report.output([build / "bench_link", "--rounds", str(repetitions)]).splitlines():
        words = line.replace("(", " ").replace(")", " ").split()
        if len(words) == 7 and words[0].isdigit():
            yield int(words[0]), int(words[1]), float(words[2]), int(words[5]), float(words[6])


def measure(build, options):
    rows = []

    def row(what, measured, goal="", met=None):
        verdict = "" if met is None else "yes" if met else "no"
        print(f"{what}: {measured}  {goal}  {verdict}", file=sys.stderr)
        rows.append((what, measured, goal, verdict))

    rates, latencies, ratios, ours, sizes = (collections.defaultdict(list) for _ in range(5))
    with tempfile.TemporaryDirectory() as folder:
        load = Load(build, folder)
        for _ in range(options.repetitions):
            for name, times in hits(load, folder, options.hits).items():
                rates[name].append(times)
            for name, found in misses(build, load, folder, options.misses).items():
                latencies[name].append(found)
            for way, (settings, unlike) in WAYS.items():
                read, benchmark, size = reads(load, folder, options.keys, settings, unlike)
                sizes[way].append(size)
                for (batch, loops), rate in read.items():
                    ours[way, batch, loops].append(rate)
                    ratios[way, batch, loops].append(rate / benchmark[batch, loops])
    for name, all_rates in rates.items():
        times = statistics.median(all_rates)
        row(f"hits while Redis {name}, against memory only", f"{times:.2f} x", "at least 0.95 x", times >= 0.95)
    for name, all_found in latencies.items():
        p50, p99 = (statistics.median(found[q] for found in all_found) for q in ("p50", "p99"))
        what = "memory only" if name == "memory only" else f"Redis {name}"
        row(f"a miss over the network, {what}", f"p50 {p50:.0f} us, p99 {p99:.0f} us", "p99 within 1,000 us",
            p99 <= 1000)
    for keys, outstanding, rate, pipeline, times in link_rows(build, options.repetitions):
        row(f"values of 1 KB read by the link, {outstanding} request(s) of {keys} keys, against redis-benchmark GET -P {pipeline}",
            f"{times:.2f} x, {report.millions(rate)}", "at least 0.9 x", times >= 0.9)
    for (way, batch, loops), all_ratios in ratios.items():
        times = statistics.median(all_ratios)
        row(f"the whole way: {loops} loop(s) of {batch} keys, answers of {sizes[way][0]} bytes {way}, "
            f"against redis-benchmark GET -P {batch}",
            f"{times:.2f} x, {report.millions(statistics.median(ours[way, batch, loops]))}")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=report.HERE.parent / "build/release")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--keys", type=int, default=100_000, help="answers that are read from Redis")
    parser.add_argument("--hits", type=int, default=2_000_000, help="requests of a measurement of hits")
    parser.add_argument("--misses", type=int, default=2_000, help="requests of a measurement of misses")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    report.need(options.build, "aicached", "aicache-load", "bench_link")
    text = report.table(measure(options.build, options), options.repetitions)
    print(text)
    if options.write:
        report.write(text, BEGIN, END)


if __name__ == "__main__":
    main()
