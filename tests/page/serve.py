#!/usr/bin/env python3
"""Serves the page as a node would, over recorded figures that go on by themselves.

usage: serve.py [PORT]   0 takes a free one; prints "ready http=127.0.0.1:PORT"; actions take the token "open"
"""
import hmac
import json
import pathlib
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

here = pathlib.Path(__file__).resolve().parent
page = here.parent.parent / "actors" / "http" / "page"
views = {p.stem: json.loads(p.read_text()) for p in (here / "recorded").glob("*.json")}
types = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
began = time.time()
token = "open"


def later(summary):
    """The recorded summary, some seconds on: of what was counted, a twenty-thousandth is added every second."""
    seconds = time.time() - began
    grown = dict(summary, at=int(time.time() * 1000))
    grown["figures"] = {name: int(n * (1 + seconds / 20000)) for name, n in summary["figures"].items()}
    return grown


class Node(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def answer_json(self, status, what):
        kind = "application/json" if status < 400 else "application/problem+json"
        self.answer(status, json.dumps(what).encode(), kind)

    def do_GET(self):
        path = self.path.split("?")[0]
        view = path.removeprefix("/api/v1/")
        if view != path:
            if view not in views:
                return self.answer_json(404, {"title": "no such view"})
            return self.answer_json(200, later(views[view]) if view == "summary" else views[view])
        file = (page / (path.lstrip("/") or "index.html")).resolve()
        if file.parent != page or file.suffix not in types or not file.is_file():
            return self.answer_json(404, {"title": "not found"})
        self.answer(200, file.read_bytes(), types[file.suffix])

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if not hmac.compare_digest(self.headers.get("Authorization", ""), f"Bearer {token}"):
            return self.answer_json(401, {"title": "wrong token"})
        if self.path == "/api/v1/reload":
            return self.answer_json(501, {"title": "not possible", "detail": "this node was started without a file of settings"})
        asked = json.loads(body or b"{}")
        if asked.get("scope") == "tag" and not asked.get("name"):
            return self.answer_json(400, {"title": "invalid", "detail": "a tag has a name"})
        self.answer_json(200, {"known_to_redis": True, "in_memory": 1234, "swept": False})

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Node)
    print(f"ready http=127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
