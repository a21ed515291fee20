#!/usr/bin/env python3
"""Throws at a node's HTTP port what nobody means well with, while the load program asks its cache: random bytes, headers and
bodies that trickle or never end, ten thousand connections, ways out of the page's folder, every command without the token.

usage: http_storm.py BUILD [SECONDS]   BUILD holds aicached and aicache-load; SECONDS (5) is the length of each endless part

Fails when the node dies, grows, answers what it must not, leaves a guard out of an answer, or when a get fails meanwhile.
"""
import json
import os
import pathlib
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

root = pathlib.Path(__file__).resolve().parent.parent.parent
build = pathlib.Path(sys.argv[1]).resolve()
length = float(sys.argv[2]) if len(sys.argv) > 2 else 5.0
token = "a token of this storm, and of no other"
crowd = 10_000
guards = ("x-content-type-options: nosniff", "x-frame-options: deny", "content-security-policy: default-src 'self'",
          "referrer-policy: no-referrer", "cross-origin-resource-policy: same-origin")
failures = []
told = {}


def check(what, holds, more=""):
    if not holds:
        failures.append(f"{what} {more}".strip())


class Node:
    """A real node of the storm's own on free ports, ended by its process id."""

    def __init__(self, *settings):
        words = [str(build / "aicached")]
        for s in ("node.port=0", "http.port=0", "http.refresh=200ms", "http.requests_per_second=1000000", "memory.budget=32MiB", *settings):
            words += ["--set", s]
        self.log = tempfile.TemporaryFile("w+")
        # A node takes every AICACHE_... of its environment for a setting.
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.log, text=True, env={"PATH": os.environ["PATH"]})
        ready = re.match(r"ready caf=(\S+) http=(\S+):(\d+)", self.process.stdout.readline())
        if not ready:
            raise SystemExit("the node did not get ready")
        self.caf, self.host, self.port = ready[1], ready[2], int(ready[3])

    def lives(self):
        return self.process.poll() is None

    def memory(self):
        """Resident bytes, now and at most."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return [int(re.search(rf"{name}:\s+(\d+)", status)[1]) * 1024 for name in ("VmRSS", "VmHWM")]

    def threads(self):
        return int(re.search(r"Threads:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1])

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def door(self, patience=20.0):
        s = socket.create_connection((self.host, self.port), patience)
        s.settimeout(patience)
        return s

    def throw(self, data, patience=20.0):
        """Everything that comes back for these bytes."""
        with self.door(patience) as s:
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it was refused before it was read
            return rest_of(s)

    def ask(self, method, path, *headers, body=b"", patience=20.0):
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return answer_of(self.throw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body, patience))


def rest_of(s):
    out = b""
    try:
        while True:
            more = s.recv(65536)
            if not more:
                return out
            out += more
    except OSError:
        return out


def answer_of(raw):
    """(status, head in small letters, body) of an answer; status 0 when it is none."""
    m = re.match(rb"HTTP/1\.1 (\d{3}) ", raw)
    if not m:
        return 0, "", b""
    head, _, body = raw.partition(b"\r\n\r\n")
    return int(m[1]), head.decode("latin-1").lower(), body


def guarded(what, answer):
    missing = [g for g in guards if answer[0] and g not in answer[1]]
    check("an answer lacks its guards:", not missing, f"{what}: {missing}")
    check("an answer lets other sites ask:", "access-control-allow" not in answer[1], what)


class Load(threading.Thread):
    """The load program, again and again."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.going, self.runs = node, True, []

    def once(self, requests="20000"):
        with tempfile.NamedTemporaryFile() as report:
            code = subprocess.run([build / "aicache-load", "--node", self.node.caf, "--requests", requests, "--json", report.name],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120).returncode
            r = json.load(open(report.name)) if code == 0 else {}
        check("the load program ended with", code == 0, code)
        check("gets failed:", r.get("errors") == 0, r.get("errors_by_code"))
        check("answers were wrong:", r.get("wrong") == 0, r.get("wrong"))
        return r.get("requests_per_second", 0)

    def run(self):
        while self.going:
            self.runs.append(self.once())


def for_a_while(threads, work):
    """How often all threads together did their work within the time."""
    until, done = time.monotonic() + length, [0] * threads

    def turn(i):
        chance = random.Random(i)
        while time.monotonic() < until:
            try:
                work(chance)
            except (OSError, socket.timeout):
                pass
            done[i] += 1

    all_of_them = [threading.Thread(target=turn, args=(i,)) for i in range(threads)]
    for t in all_of_them:
        t.start()
    for t in all_of_them:
        t.join()
    return sum(done)


# -- the parts of the storm --------------------------------------------------

samples = [
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /api/v1/statistics HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \"x\"\r\n\r\n",
    b"POST /api/v1/invalidate HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /api/v1/clear HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
]


def random_bytes(node):
    def work(chance):
        kind = chance.randrange(3)
        if kind == 0:
            data = chance.randbytes(chance.randrange(1, 4000)) + b"\r\n\r\n"
        else:
            data = bytearray(chance.choice(samples))
            for _ in range(chance.randrange(1, 12)):
                at = chance.randrange(len(data))
                if kind == 1:
                    data[at] = chance.randrange(256)
                else:
                    data[at:at + chance.randrange(4)] = chance.randbytes(chance.randrange(8))
        answer = answer_of(node.throw(bytes(data), 15))
        check("noise was a defect:", answer[0] < 500 or answer[0] in (501, 505), f"{answer[0]} for {bytes(data)[:200]!r}")
        guarded("noise", answer)

    return for_a_while(8, work)


def slow_headers(node):
    doors = [node.door() for _ in range(100)]
    for d in doors:
        d.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    until, sent = time.monotonic() + length, 0
    while time.monotonic() < until:
        for d in doors:
            try:
                d.sendall(b"a")
                sent += 1
            except OSError:
                pass  # cut off, as it should be
        time.sleep(0.1)
    for d in doors:
        d.close()
    return sent


def huge_bodies(node):
    bearer = f"Authorization: Bearer {token}\r\n".encode()
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"

    def work(chance):
        right = bearer if chance.random() < 0.7 else b""
        with node.door() as s:
            s.settimeout(15)
            if chance.random() < 0.5:
                size = chance.choice([1 << 20, 10 << 30, 1 << 62])
                s.sendall(b"POST /api/v1/invalidate HTTP/1.1\r\nHost: localhost\r\n" + right + b"Content-Length: %d\r\n\r\n" % size)
                more = b"y" * 65536
            else:
                s.sendall(b"POST /api/v1/invalidate HTTP/1.1\r\nHost: localhost\r\n" + right + b"Transfer-Encoding: chunked\r\n\r\n")
                more = piece
            try:
                for _ in range(1000):  # 64 MB, if anybody took them
                    s.sendall(more)
            except OSError:
                pass
            status = answer_of(rest_of(s))[0]
            check("a huge body got", status in (0, 401, 408, 413), status)

    return for_a_while(4, work)


def many_connections(node):
    doors, began = [], time.monotonic()
    for _ in range(crowd):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex((node.host, node.port))
        doors.append(s)
    told["connections opened in s"] = round(time.monotonic() - began, 2)
    # Half of them begin to ask; none comes to an end.
    for i, s in enumerate(doors):
        if i % 2 == 0:
            try:
                s.send(b"GET /metrics HT")
            except OSError:
                pass
    threads = node.threads()
    time.sleep(length)
    check("connections cost threads:", node.threads() <= threads + 2, node.threads())
    for s in doors:
        s.close()
    return len(doors)


def comes_back(node, within):
    """How long until somebody who means well is answered again."""
    began = time.monotonic()
    while time.monotonic() - began < within:
        try:
            if node.ask("GET", "/healthz", patience=2.0)[0] == 200:
                return round(time.monotonic() - began, 2)
        except OSError:
            time.sleep(0.05)
    check("nobody is answered any more after", False, f"{within} s")
    return None


def paths_out(node):
    n = 0
    for up in ("..", "%2e%2e", ".%2e", "%2e.", "..%2f..", "%252e%252e", "..%5c..", "..\\..", "....//", "%c0%ae%c0%ae", "..;", "..%00"):
        for way in (f"/{up}/{up}/{up}/{up}/etc/passwd", f"/page/{up}/{up}/etc/passwd", f"/api/v1/{up}/{up}/{up}/etc/passwd", f"//{up}//etc/passwd",
                    f"/{up}/routes.def", f"/{up}{'/' + up} HTTP/1.1"):
            answer = node.ask("GET", way)
            check("a way out:", answer[0] in (0, 400, 404, 505) and b"root:" not in answer[2], f"{way}: {answer[0]}")
            guarded(way, answer)
            n += 1
    return n


def routes():
    """(method, path) of every row of the specification."""
    at, all_of_them = "", []
    for line in (root / "actors/http/openapi.yaml").read_text().splitlines():
        if m := re.match(r"  (/\S*):$", line):
            at = m[1]
        elif (m := re.match(r"    (get|post|put|delete|patch):$", line)) and at:
            all_of_them.append((m[1].upper(), at))
    return all_of_them


def commands(node, without):
    """Everything that changes anything, by whoever may and may not."""
    body = {"/api/v1/invalidate": b'{"scope":"operation","name":"nobody asks for this"}'}
    changing = [(m, p) for m, p in routes() if m != "GET"]
    check("the specification has no commands", len(changing) >= 4, changing)
    guesses = ["", "Bearer", "Bearer ", "Bearer wrong", f"Bearer {token[:-1]}", f"Bearer {token}x", f"Bearer {token.upper()}",
               f"Basic {token}", token, f"Bearer {token} {token}", f"Bearer \x00{token}"]
    for method, path in changing:
        for guess in guesses:
            header = [f"Authorization: {guess}"] if guess else []
            answer = node.ask(method, path, *header, body=body.get(path, b""))
            check("a command without the token:", answer[0] in (400, 401), f"{method} {path} {guess!r}: {answer[0]}")
            guarded(f"{method} {path}", answer)
        answer = without.ask(method, path, f"Authorization: Bearer {token}", body=body.get(path, b""))
        check("a command where commands are off:", answer[0] == 403, f"{method} {path}: {answer[0]}")
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example"):
            raw = node.throw(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
            check("a command under another name:", answer_of(raw)[0] == 421, f"{host}: {answer_of(raw)[0]}")
    for method, path in routes():
        for other in {"GET", "POST", "PUT", "DELETE", "PATCH"} - {method}:
            answer = node.ask(other, path, f"Authorization: Bearer {token}")
            check("a method that is none:", answer[0] in (405, 411, 501), f"{other} {path}: {answer[0]}")
    # Last, for it clears the cache; where there is no file of settings a reload says so.
    for method, path in changing:
        answer = node.ask(method, path, f"Authorization: Bearer {token}", body=body.get(path, b""))
        check("a command with the token:", answer[0] == 200 or (path.endswith("reload") and answer[0] in (200, 400, 501, 503)),
              f"{method} {path}: {answer[0]} {answer[2]!r}")
    return len(changing)


def quick_ones(node):
    """As many connections again, each a whole request."""
    left, lock = [crowd], threading.Lock()

    def work():
        while True:
            with lock:
                if left[0] == 0:
                    return
                left[0] -= 1
            check("a request among many got", node.ask("GET", "/healthz")[0] == 200)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return crowd


def main():
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(files[1], crowd + 1000) if files[1] > 0 else crowd + 1000, files[1]))
    node, without = Node(f"http.token={token}"), Node()
    load = Load(node)
    calm = [load.once("50000") for _ in range(3)]
    before, _ = node.memory()
    load.start()
    parts = {
        "random bytes": lambda: random_bytes(node),
        "slow headers": lambda: slow_headers(node),
        "huge bodies": lambda: huge_bodies(node),
        "ten thousand connections": lambda: many_connections(node),
        "ten thousand requests": lambda: quick_ones(node),
        "ways out of the folder": lambda: paths_out(node),
        "commands": lambda: commands(node, without),
    }
    for name, part in parts.items():
        runs, began = len(load.runs), time.monotonic()
        n = part()
        back = comes_back(node, 30)
        check("the node died in", node.lives(), name)
        print(f"{name:26} {n:7,} in {time.monotonic() - began:5.1f} s, answers {back} s after, {len(load.runs) - runs} loads meanwhile, "
              f"{node.memory()[0] / 2**20:.0f} MiB", flush=True)
    load.going = False
    load.join()
    after, most = node.memory()
    print(f"{sorted(calm)[1]:,.0f} requests a second before, {sorted(load.runs)[len(load.runs) // 2]:,.0f} in the storm (median of {len(load.runs)}); "
          f"{before / 2**20:.0f} MiB before, {after / 2**20:.0f} after, {most / 2**20:.0f} at most; {told}")
    check("too few loads ran meanwhile:", len(load.runs) >= 3, len(load.runs))
    # The budget of the cache, which fills meanwhile, and what sixteen threads may hold.
    check("the node grew:", most < before + (64 << 20), f"{before} to {most}")
    check("the node's end:", node.end() == 0)
    check("the other node's end:", without.end() == 0)
    for f in failures[:40]:
        print("FAILED   ", f)
    print(f"storm: {len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
