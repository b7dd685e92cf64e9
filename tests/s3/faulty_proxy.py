"""An HTTP proxy in front of an S3 server that does what networks and stores do on bad days.

What goes wrong is said by rules, by method and path; a seed makes their draws repeatable. Puts that
are conditional (If-None-Match) go to the server one after another: the server under it (moto) looks
and then writes, and would let two of them through at once.
"""

from __future__ import annotations

import contextlib
import http.client
import random
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.managers import BaseManager
from urllib.parse import unquote

HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "expect", "te", "upgrade"}
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
ERROR = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>{code}</Code><Message>{code}</Message><RequestId>0</RequestId></Error>"""


class Fault(StrEnum):
    """What happens to a request."""

    SLOW_DOWN = "503 SlowDown, and nothing is done"
    INTERNAL = "500 InternalError, and nothing is done"
    UNSURE = "it is done, but answered with 500 InternalError"
    DENIED = "403 AccessDenied, and nothing is done"
    RESET = "the connection is reset, and nothing is done"
    LOST = "it is done, then the connection is reset before the answer"
    CUT = "it is done, then the connection is reset within the answer's body"
    SLOW = "it is done after a pause"


REFUSALS = {
    Fault.SLOW_DOWN: (503, "SlowDown"),
    Fault.INTERNAL: (500, "InternalError"),
    Fault.DENIED: (403, "AccessDenied"),
}


@dataclass(frozen=True)
class Answer:
    """What the server says, or would say."""

    status: int
    headers: dict[str, str]
    content: bytes


@dataclass
class Rule:
    """One kind of trouble.

    Attributes:
        fault: what happens.
        method: regular expression of the whole method.
        path: regular expression found in the decoded path with its query.
        share: of the matching requests that it befalls, 0..1.
        times: befalls so many requests at most.
        skip: lets so many matching requests through first.
        seconds: pause of `SLOW`.
    """

    fault: Fault
    method: str = ".*"
    path: str = ""
    share: float = 1.0
    times: float = float("inf")
    skip: int = 0
    seconds: float = 0.3
    befell: int = field(default=0, init=False)

    def befalls(self, method: str, path: str, *, draw: random.Random) -> bool:
        if not re.fullmatch(self.method, method) or not re.search(self.path, path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.befell >= self.times or draw.random() >= self.share:
            return False
        self.befell += 1
        return True


@dataclass(frozen=True)
class Seen:
    """A request as the proxy answered it; status 0: its answer never came."""

    method: str
    path: str
    status: int
    fault: Fault | None


class FaultyProxy:
    """Listens on loopback; what goes wrong may be changed while it runs.

    It lives in a process of its own: some calls of deltalake hold the interpreter's lock while they
    wait for the store, and would wait for ever for a proxy beside them.
    """

    def __init__(self, port: int) -> None:
        self.upstream_port = port
        self.rules: list[Rule] = []
        self.seen: list[Seen] = []
        self.edit: tuple[bytes, bytes] | None = None
        self.conditional_puts = threading.Lock()
        self._lock = threading.Lock()
        self._draw = random.Random(0)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def reset(self, *rules: Rule, seed: int = 0) -> None:
        """Forgets what was, and does from now on what the rules say."""
        with self._lock:
            self.rules = list(rules)
            self.seen = []
            self.edit = None
            self._draw = random.Random(seed)

    def replace(self, old: bytes, new: bytes) -> None:
        """Alters the answers to GET from now on."""
        self.edit = (old, new)

    def requests(self) -> list[Seen]:
        """What came since the last reset, in order of their answers."""
        with self._lock:
            return list(self.seen)

    def fault_of(self, method: str, path: str) -> Rule | None:
        with self._lock:
            found = (r for r in self.rules if r.befalls(method, path, draw=self._draw))
            return next(found, None)

    def note(self, seen: Seen) -> None:
        with self._lock:
            self.seen.append(seen)

    def faults(self) -> dict[str, int]:
        """How often each fault befell a request."""
        with self._lock:
            names = [seen.fault.name for seen in self.seen if seen.fault]
        return {name: names.count(name) for name in sorted(set(names))}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Remote(BaseManager):
    """Starts the proxy in a process of its own, and passes calls on to it."""


Remote.register("FaultyProxy", FaultyProxy)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: FaultyProxy

    def handle_error(self, request, client_address) -> None:
        """Clients that go away are daily business here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def _handle(self) -> None:
        path = unquote(self.path)
        proxy = self.server.proxy
        body = self._body()
        rule = proxy.fault_of(self.command, path)
        fault = rule.fault if rule else None
        answer = None
        if fault in REFUSALS:
            answer = self._refusal(fault)
        elif fault is not Fault.RESET:
            if fault is Fault.SLOW:
                time.sleep(rule.seconds)
            answer = self._forward(body)
            if fault is Fault.UNSURE:
                answer = self._refusal(Fault.INTERNAL)
            elif fault is Fault.LOST:
                answer = None
        cut = fault is Fault.CUT
        # Noted first: a client that has its answer finds it in `seen`.
        proxy.note(Seen(self.command, path, answer.status if answer and not cut else 0, fault))
        if answer:
            self._answer(answer, cut=cut)
        if cut or not answer:
            self._reset()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _handle

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _forward(self, body: bytes) -> Answer:
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_HEADERS}
        headers["Content-Length"] = str(len(body))
        proxy = self.server.proxy
        one_at_a_time = "If-None-Match" in self.headers and self.command == "PUT"
        lock = proxy.conditional_puts if one_at_a_time else contextlib.nullcontext()
        connection = http.client.HTTPConnection("127.0.0.1", proxy.upstream_port)
        try:
            with lock:
                connection.request(self.command, self.path, body=body, headers=headers)
                response = connection.getresponse()
                content = response.read()
        finally:
            connection.close()
        kept = {k: v for k, v in response.getheaders() if k.lower() not in HOP_HEADERS}
        if proxy.edit and self.command == "GET":
            content = content.replace(*proxy.edit)
        if self.command != "HEAD":
            kept = {k: v for k, v in kept.items() if k.lower() != "content-length"}
            kept["Content-Length"] = str(len(content))
        return Answer(response.status, kept, content)

    def _refusal(self, fault: Fault) -> Answer:
        status, code = REFUSALS[fault]
        content = ERROR.format(code=code).encode()
        headers = {"Content-Type": "application/xml", "Content-Length": str(len(content))}
        return Answer(status, headers, b"" if self.command == "HEAD" else content)

    def _answer(self, answer: Answer, *, cut: bool) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.content[: len(answer.content) // 2] if cut else answer.content)
        self.wfile.flush()

    def _reset(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self.connection.close()

    def handle_expect_100(self) -> bool:
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.wfile.flush()
        return True

    def log_message(self, *args: object) -> None:
        pass
