#!/usr/bin/env python3
"""Three nodes on three machines, as far as one machine has them: each in a network namespace of its own, with mutual TLS
between all, and one Redis; the clock of one is a minute fast. Under load one node is killed and comes back, one hangs, one is
cut off from everybody and found again, one is far away for a while, and in the end all are restarted, one after the other.

usage: cluster_faults.py BUILD   BUILD holds aicached and aicache-load; needs root, ip, faketime and redis-server

Fails when an answer is wrong, when a call fails earlier or later than 2 s after something happened, or when the hit ratio
afterwards is more than a point below what it was before. Prints what happened when, and what each load told.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

build = pathlib.Path(sys.argv[1]).resolve()
mark = f"aic{os.getpid() % 10000}"
net = f"10.{89 + os.getpid() % 100}.7"
hub = f"{net}.1"
failures = []
events = []
began = time.time()


def say(text):
    print(f"{time.time() - began:6.1f} s  {text}", flush=True)


def fail(text):
    failures.append(text)
    say("FAILED: " + text)


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def happened(text):
    events.append((time.time(), text))
    say(text)


class Network:
    """A bridge here, and a namespace for each node with one end of a cable in it."""

    def __init__(self, names):
        self.names = names
        run("ip", "link", "add", mark, "type", "bridge")
        run("ip", "addr", "add", f"{hub}/24", "dev", mark)
        run("ip", "link", "set", mark, "up")
        for i, name in enumerate(names):
            inner = f"{mark}{name}"
            run("ip", "netns", "add", inner)
            run("ip", "link", "add", f"{mark}{name}o", "type", "veth", "peer", "name", "eth0", "netns", inner)
            run("ip", "link", "set", f"{mark}{name}o", "master", mark, "up")
            run("ip", "-n", inner, "addr", "add", f"{self.address(name)}/24", "dev", "eth0")
            run("ip", "-n", inner, "link", "set", "lo", "up")
            run("ip", "-n", inner, "link", "set", "eth0", "up")

    def address(self, name):
        return f"{net}.{2 + self.names.index(name)}"

    def cable(self, name, state):
        run("ip", "link", "set", f"{mark}{name}o", state)

    def is_far(self, name, far):
        """Whether this kernel could make the way to a node 20 ms long, or as it was."""
        how = ["add", "root", "netem", "delay", "20ms", "5ms"] if far else ["del", "root"]
        words = ["tc", "qdisc", how[0], "dev", f"{mark}{name}o", *how[1:]]
        return subprocess.run(words, stderr=subprocess.DEVNULL).returncode == 0

    def remove(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", f"{mark}{name}"], stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "del", mark], stderr=subprocess.DEVNULL)


def certificates(folder, network):
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=fleet", "-keyout", "ca.key", "-out", "ca.pem")
    for name in [*network.names, "load"]:
        names = f"DNS:{name}.fleet.example" + (f",IP:{network.address(name)}" if name != "load" else "")
        (folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", f"{name}.ext", "-out", f"{name}.pem")


class Node:
    port = 7411

    def __init__(self, name, network, folder, fast=0):
        self.name, self.network, self.folder, self.fast = name, network, folder, fast
        self.log = open(folder / f"{name}.log", "a")
        self.start()

    def start(self):
        settings = {"node.host": self.network.address(self.name), "node.port": self.port, "http.enabled": "false",
                    "memory.budget": "64MiB", "cluster.name": self.name, "redis.url": f"redis://{hub}:6400",
                    "tls.certificate_file": self.folder / f"{self.name}.pem", "tls.key_file": self.folder / f"{self.name}.key",
                    "tls.ca_file": self.folder / "ca.pem", "tls.peers": "*.fleet.example"}
        words = [w for k, v in settings.items() for w in ("--set", f"{k}={v}")]
        # Of the clock that people read; the one that counts time is as it was.
        clock = {"LD_PRELOAD": faketime, "FAKETIME": f"+{self.fast}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"} if self.fast else {}
        self.process = subprocess.Popen(["ip", "netns", "exec", f"{mark}{self.name}", build / "aicached", *words],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True, env={**os.environ, **clock})
        line = self.process.stdout.readline()
        if not line.startswith("ready"):
            sys.exit(f"{self.name} did not get ready: " + (self.folder / f"{self.name}.log").read_text()[-2000:])

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait(30)

    def end(self):
        self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            return None


class Load:
    def __init__(self, nodes, folder, requests, seed, batch="16"):
        self.report = folder / f"load{seed}.json"
        self.process = subprocess.Popen(
            [build / "aicache-load", "--node", ",".join(f"{n.network.address(n.name)}:{Node.port}" for n in nodes),
             "--requests", str(requests), "--popularity", "zipf:0.9", "--batch", batch, "--concurrency", "16", "--seed", str(seed),
             "--deadline-ms", "5000", "--compute-ms", "2", "--json", self.report, "--tls-certificate-file", folder / "load.pem",
             "--tls-key-file", folder / "load.key", "--tls-ca-file", folder / "ca.pem", "--tls-peers", "*.fleet.example"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def is_running(self):
        return self.process.poll() is None

    def end(self, what):
        _, errors = self.process.communicate(timeout=120)
        if not self.report.exists():
            sys.exit(f"{what}: the load told nothing: {errors}")
        r = json.loads(self.report.read_text())
        say(f"{what}: {r['requests']:,} requests in {r['seconds']:.1f} s, hit ratio {100 * r['hit_ratio']:.2f} %, "
            f"errors {r['errors']} {r.get('errors_by_code') or ''}, wrong {r['wrong']}, slowest {r['latency_us']['max'] / 1e6:.2f} s")
        if r["wrong"] != 0:
            fail(f"{what}: {r['wrong']} wrong answers")
        if r["hits"] + r["misses"] + r["errors"] != r["requests"]:
            fail(f"{what}: the parts are not the whole")
        start = r["began_unix_ms"] / 1e3
        for e in r["errors_by_time"]:
            at = start + e["ms"] / 1e3
            if not any(t - 0.1 <= at <= t + 2.1 for t, _ in events):
                fail(f"{what}: an error {at - began:.1f} s after the beginning, and nothing had happened")
        return r


faketime = next((str(p) for p in pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("redis-server") or not faketime:
    sys.exit("this needs root, ip (iproute2), faketime and redis-server")
network = Network(["a", "b", "c"])
nodes, redis = [], None
try:
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        certificates(folder, network)
        redis = subprocess.Popen(["redis-server", "--port", "6400", "--bind", hub, "--protected-mode", "no", "--save", "",
                                  "--dir", place], stdout=subprocess.DEVNULL)
        nodes = [Node(name, network, folder, fast=60 if name == "b" else 0) for name in network.names]
        a, b, c = nodes
        time.sleep(3)
        say("three nodes serve")
        Load(nodes, folder, 200_000, 1).end("filling")
        before = Load(nodes, folder, 200_000, 2).end("before")

        load = Load(nodes, folder, 4_000_000, 3)
        time.sleep(2)
        happened("b is killed")
        b.kill()
        time.sleep(4)
        b.start()
        happened("b is back")
        time.sleep(3)
        happened("a hangs")
        a.signal(signal.SIGSTOP)
        time.sleep(4)
        a.signal(signal.SIGCONT)
        happened("a goes on")
        time.sleep(3)
        happened("c is cut off")
        network.cable("c", "down")
        time.sleep(5)
        network.cable("c", "up")
        happened("c is found again")
        time.sleep(3)
        if network.is_far("a", True):
            happened("a is far away")
            time.sleep(3)
            network.is_far("a", False)
            happened("a is near again")
        else:
            say("a cannot be made far away: this kernel has no netem")
        for n in nodes:
            happened(f"{n.name} is told to leave")
            if (code := n.end()) != 0:
                fail(f"{n.name} ended with {code}")
            happened(f"{n.name} has left")
            n.start()
            happened(f"{n.name} is back")
            time.sleep(2)
        if not load.is_running():
            fail("the load was over before everything had happened")
        load.end("meanwhile")

        time.sleep(2)
        after = Load(nodes, folder, 200_000, 4).end("after")
        if 100 * (before["hit_ratio"] - after["hit_ratio"]) > 1:
            fail("the hit ratio is more than a point below what it was")
        for n in nodes:
            if (code := n.end()) != 0:
                fail(f"{n.name} ended with {code}")
        nodes = []
        if failures:
            for name in network.names:
                print(f"-- log of {name}\n" + (folder / f"{name}.log").read_text()[-3000:])
finally:
    for n in nodes:
        n.kill()
    if redis:
        redis.kill()
        redis.wait()
    network.remove()
sys.exit("\n".join(failures) if failures else 0)
