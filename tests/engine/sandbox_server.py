"""A small web server on this machine, for tests of what a build may fetch and when it goes on."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Server(http.server.ThreadingHTTPServer):
    """Listens on the machine; `/go` is there when `go` is set."""

    def __init__(self, address: str) -> None:
        super().__init__((address, 0), _Page)
        self.seen: list[str] = []
        self.asked = threading.Event()
        self.go = threading.Event()


class _Page(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append(self.path)
        self.server.asked.set()
        found = self.path != "/go" or self.server.go.is_set()
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"hushed")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(address: str) -> Iterator[Server]:
    server = Server(address)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
