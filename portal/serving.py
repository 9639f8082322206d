# SPDX-License-Identifier: AGPL-3.0-or-later
"""Running both apps under gunicorn, each in processes and on a socket of its own, started and ended together."""

import contextlib
import ctypes
import http.client
import logging
import multiprocessing
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gunicorn.http.errors as faults  # type: ignore[import-untyped]
import gunicorn.http.wsgi  # type: ignore[import-untyped]
import gunicorn.util  # type: ignore[import-untyped]
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

from intake import files
from intake.errors import UndersealError
from portal.app import create_app
from portal.config import Config
from portal.gate import create_gate
from portal.headers import FIXED_HEADERS, TRANSPORT_SECURITY
from portal.listening import BACKLOG, Place, address, listen
from portal.room import Ballast

REQUEST_SECONDS = 30  # a whole request must have arrived by then
SEND_SECONDS = 60  # without one byte taken by the other end
LINGER_SECONDS = 1.0
START_SECONDS = 30
_OUR_FAULTS = (faults.InvalidResponseHeader, faults.InvalidResponseHeaderName)
_PARENT_DIED = 1  # PR_SET_PDEATHSIG of Linux


class AlreadyServed(UndersealError):
    """another process serves {} already"""


class StartFailed(UndersealError):
    """the portal did not start; what it said stands above"""


class QuietLogger(Logger):  # type: ignore[misc]
    """Writes what an operator must know, without time, address, path or the text of an exception."""

    error_fmt = "portal: %(message)s"

    def exception(self, msg: object, *args: object, **kwargs: object) -> None:
        """Log the type of the exception alone; a client that went away is no news."""
        kind = sys.exc_info()[0]
        if kind is not None and not issubclass(kind, OSError):
            self.error_log.error("%s while answering", kind.__name__)


class _Response(gunicorn.http.wsgi.Response):  # type: ignore[misc]
    """gunicorn's response without `Server` and `Date`: the second would compare clocks across addresses."""

    def default_headers(self) -> list[str]:
        """Return status line and connection headers."""
        lines: list[str] = super().default_headers()
        return [line for line in lines if not line.startswith(("Server:", "Date:"))]

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """Close after a refusal instead of reading what may still come."""
        write = super().start_response(status, headers, exc_info)
        if self.status_code >= 400:
            self.force_close()
        return write


class PortalWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker with an end to slow requests, and quiet answers to broken ones."""

    headers: tuple[tuple[str, str], ...] = FIXED_HEADERS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadlines: dict[TConn, float] = {}

    def enqueue_req(self, conn: TConn) -> None:
        """Start the clock when a request may begin to arrive: waiting for a thread gives nobody more time.

        What has arrived by the deadline is read and answered even after it.
        """
        self._deadlines[conn] = time.monotonic() + REQUEST_SECONDS
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> Any:
        """Serve one request of a connection."""
        seconds = struct.pack("ll", SEND_SECONDS, 0)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, seconds)
        try:
            kept = super().handle(conn)
            if kept is False:
                _linger(conn.sock)
            return kept
        finally:
            self._deadlines.pop(conn, None)

    def murder_pending(self) -> None:
        """End what came too slowly, once a second: the reading half is shut, an answer under way goes on."""
        super().murder_pending()
        now = time.monotonic()
        for conn, deadline in list(self._deadlines.items()):
            if deadline < now:
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Answer a request of HTTP/1.0 or 1.1; gunicorn would answer 1.2 as itself."""
        if req.version > (1, 1):
            raise faults.InvalidHTTPVersion(req.version)
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer what never became a request: 400 and our headers, whatever was wrong. Nothing of it is repeated.

        What went wrong on our side is a 500, and its type is logged.
        """
        status, body = "400 Bad Request", b"The request could not be understood. Nothing was stored.\n"
        if not isinstance(exc, faults.ParseException) or isinstance(exc, _OUR_FAULTS):
            self.log.error("%s while answering", type(exc).__name__)
            status, body = "500 Internal Server Error", b"Something failed at the portal.\n"
        lines = [f"HTTP/1.1 {status}", "Connection: close", "Content-Type: text/plain; charset=utf-8"]
        lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in self.headers), "", ""]
        with contextlib.suppress(OSError):
            gunicorn.util.write_nonblock(client, "\r\n".join(lines).encode("ascii") + body)


class HttpsWorker(PortalWorker):
    """The same, for a portal that is reached over https only."""

    headers = (*FIXED_HEADERS, TRANSPORT_SECURITY)


def _linger(line: socket.socket) -> None:
    """Let a client that is still sending read its answer before the connection is closed.

    gunicorn would do it in the one thread that all others depend on; after this it finds nothing to wait for.
    """
    end = time.monotonic() + LINGER_SECONDS
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_WR)
        while (left := end - time.monotonic()) > 0:
            line.settimeout(left)
            if not line.recv(65_536):
                break
        line.shutdown(socket.SHUT_RD)


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with our settings, on a socket that is open already."""

    def __init__(self, make: Callable[[], Any], descriptor: int, threads: int, worker: type[PortalWorker]) -> None:
        self._make = make
        self._worker = worker
        self._descriptor = descriptor
        self._threads = threads
        super().__init__()

    def load_config(self) -> None:
        """Hand our settings to gunicorn."""
        for name, value in settings(self._descriptor, self._threads, self._worker).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the app; called in each worker."""
        return self._make()

    def run(self) -> None:
        """Run until told to stop. The file of the socket is left alone: it is not gunicorn's, systemd may hold it."""
        arbiter = Arbiter(self)
        arbiter.systemd = True
        arbiter.run()


def settings(descriptor: int, threads: int, worker: type[PortalWorker] = PortalWorker) -> dict[str, Any]:
    """Return gunicorn's settings for one app."""
    return {
        "bind": [f"fd://{descriptor}"],
        "worker_class": worker,
        "logger_class": QuietLogger,
        "workers": 2,
        "threads": threads,
        "timeout": 30,
        "graceful_timeout": 30,
        "keepalive": 2,
        "backlog": BACKLOG,
        "limit_request_line": 1024,
        "limit_request_fields": 32,
        "limit_request_field_size": 2048,
        "max_requests": 1000,
        "max_requests_jitter": 200,
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,
        "umask": 0o077,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "error",
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        "secure_scheme_headers": {},
        "header_map": "refuse",
        "http_protocols": "h1",
        "http_parser": "python",
        "control_socket_disable": True,
        "proc_name": "underseal-portal",
    }


def serve(config: Config, officer: Place, gate: Place | None, ready: Callable[[str, str], None]) -> int:
    """Run both apps until SIGTERM or SIGINT; call `ready` with their addresses once they answer.

    gate  None for a front end whose letters another folder's gate hands out
    A socket file that was made here is removed at the end; one that systemd made stays. Returns the exit code.
    Raises AlreadyServed, AddressTaken, StartFailed.
    """
    os.umask(0o077)
    try:
        with files.locked(
            config.directory / "serve.lock", wait=False
        ):  # the children hold it too, as long as they live
            Ballast(config).make()
            return _serve(config, officer, gate, ready)
    except BlockingIOError as error:
        raise AlreadyServed(config.directory.name) from error


def _serve(config: Config, officer: Place, gate: Place | None, ready: Callable[[str, str], None]) -> int:
    gunicorn.http.wsgi.Response = _Response
    worker = HttpsWorker if config.https else PortalWorker
    stopping: list[int] = []
    with contextlib.ExitStack() as stack:
        letters = stack.enter_context(listen(officer))
        couriers = None if gate is None else stack.enter_context(listen(gate))
        children = [_start("officer", lambda: create_app(config), letters, 16, worker)]
        if couriers is not None:
            children.append(_start("gate", lambda: create_gate(config), couriers, 4, worker))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _frame: stopping.append(number))
        try:
            if _await_start(letters, couriers, children, stopping):
                ready(address(letters), "another folder" if couriers is None else address(couriers))
            while not stopping and all(child.is_alive() for child in children):
                time.sleep(0.2)
        finally:
            _end(children)
            for place in (officer, gate):
                if isinstance(place, Path):
                    place.unlink(missing_ok=True)
    if not stopping:
        raise StartFailed
    return 0


def _end(children: list[Any]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        child.join()


def _start(
    name: str, make: Callable[[], Any], listener: socket.socket, threads: int, worker: type[PortalWorker]
) -> Any:
    def run() -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PARENT_DIED, signal.SIGTERM)
        logging.raiseExceptions = False
        _Server(make, os.dup(listener.fileno()), threads, worker).run()

    child = multiprocessing.get_context("fork").Process(target=run, name=name)
    child.start()
    return child


def _await_start(officer: socket.socket, gate: socket.socket | None, children: list[Any], stopping: list[int]) -> bool:
    """Return True once both apps answer, False if told to stop before. Raises StartFailed."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and not stopping:
        if not all(child.is_alive() for child in children):
            raise StartFailed
        if _answers(officer, "GET", "/health") and (gate is None or _answers(gate, "POST", "/status")):
            return True
        time.sleep(0.1)
    if not stopping:
        raise StartFailed
    return False


def _answers(listener: socket.socket, method: str, path: str) -> bool:
    connection = http.client.HTTPConnection("localhost", timeout=1)
    try:
        connection.sock = socket.socket(listener.family)
        connection.sock.settimeout(1)
        connection.sock.connect(listener.getsockname())
        connection.request(method, path)
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()
