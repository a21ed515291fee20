#!/usr/bin/env python3
"""What it costs to be looked at: a node with a million answers under load, scraped once a second and not at all, in turns.

usage: scrape_cost.py BUILD [--rounds 8] [--entries 1000000] [--operations 20] [--tenants 20]   BUILD holds aicached, aicache-load

Tells how long a scrape takes while the node is asked, how much of the node's processor time goes to it, and the throughput with
and without. Exit code 1 when one scrape of twenty takes 50 ms, or one costs 1 % of the processor time that the node has under load.
"""
import argparse
import json
import pathlib
import re
import signal
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.request

ap = argparse.ArgumentParser()
ap.add_argument("build", type=pathlib.Path)
ap.add_argument("--rounds", type=int, default=8)
ap.add_argument("--entries", type=int, default=1_000_000)
ap.add_argument("--operations", type=int, default=20)
ap.add_argument("--tenants", type=int, default=20)
ap.add_argument("--requests", type=int, default=1_000_000, help="of one round")
a = ap.parse_args()
ticks = 100  # of a second, as Linux tells processor time


class Node:
    def __init__(self):
        settings = ["node.port=0", "http.port=0", "memory.budget=6GiB", "log.level=warn",
                    "http.requests_per_second=1000000"]
        self.process = subprocess.Popen([a.build / "aicached", *(w for s in settings for w in ("--set", s))],
                                        stdout=subprocess.PIPE, text=True)
        m = re.match(r"ready caf=(\S+) http=(\S+)", self.process.stdout.readline())
        self.caf, self.http = m[1], m[2]

    def seconds(self):
        """Of processor time, of all threads."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / ticks

    def scrape(self):
        began = time.perf_counter()
        with urllib.request.urlopen(f"http://{self.http}/metrics", timeout=10) as r:
            page = r.read()
        return time.perf_counter() - began, page.decode()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def load(node, lines, requests, popularity):
    with tempfile.NamedTemporaryFile() as report:
        subprocess.run([a.build / "aicache-load", "--node", node.caf, "--workload", lines, "--requests", str(requests), "--popularity", popularity,
                        "--concurrency", "16", "--batch", "256", "--no-leases", "--json", report.name], check=True, stdout=subprocess.DEVNULL)
        return json.load(open(report.name))


def entries(page):
    return sum(float(x) for x in re.findall(r'^aicache_entries\{.*\} (\S+)$', page, re.M))


class Scraper(threading.Thread):
    """Once a second, as a Prometheus in a hurry would."""

    def __init__(self, node):
        super().__init__()
        self.node, self.going, self.took = node, threading.Event(), []

    def run(self):
        while True:
            self.took.append(self.node.scrape()[0])
            if self.going.wait(1.0):
                return


with tempfile.TemporaryDirectory() as folder:
    lines = f"{folder}/lines.jsonl"
    with open(lines, "w") as out:
        for i in range(a.entries):
            out.write(f'{{"tenant":"t{i % a.tenants}","operation":"op{i // a.tenants % a.operations}","text":"question {i}"}}\n')
    node = Node()
    load(node, lines, a.entries, "sequential")
    time.sleep(3)  # until shards have reported and the exporter has looked
    _, page = node.scrape()
    print(f"{entries(page):,.0f} entries, {a.operations} operations, {a.tenants} tenants; a page of {len(page) / 1024:.0f} KiB, "
          f"{page.count(chr(10)):,} lines")
    rates, busy, took = {True: [], False: []}, [], []
    for i in range(a.rounds * 2):
        scraped = i % 4 in (0, 3)  # on off off on: what grows with time cancels out
        before = node.seconds()
        scraper = Scraper(node)
        if scraped:
            scraper.start()
        r = load(node, lines, a.requests, "zipf:0.9")
        scraper.going.set()
        if scraped:
            scraper.join()
            took += scraper.took
        rates[scraped].append(r["requests_per_second"])
        busy.append((node.seconds() - before) / r["seconds"])
    # Alone, many in a row: what one costs the node, for a second has too few of them to be seen.
    many, before = 300, node.seconds()
    for _ in range(many):
        node.scrape()
    one = (node.seconds() - before) / many
    node.end()
    on, off = statistics.median(rates[True]), statistics.median(rates[False])
    share = 100 * one / statistics.median(busy)
    took.sort()
    late = took[int(0.95 * (len(took) - 1))]
    print(f"a scrape under load: median {1000 * statistics.median(took):.1f} ms, p95 {1000 * late:.1f} ms, "
          f"longest {1000 * took[-1]:.1f} ms of {len(took)}")
    print(f"processor time of one scrape: {1000 * one:.2f} ms, at one a second {share:.2f} % of what the node has under load")
    print(f"requests a second, medians of {a.rounds} rounds: {off:,.0f} without, {on:,.0f} with, {100 * (on / off - 1):+.2f} % "
          f"(rounds without spread by {100 * statistics.pstdev(rates[False]) / off:.1f} %)")
    raise SystemExit(1 if late >= 0.050 or share >= 1 else 0)
