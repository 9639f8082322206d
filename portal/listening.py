# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the portal listens: a loopback port, a socket file, or a socket that systemd has opened and hands over."""

import os
import socket
from collections.abc import Iterable, MutableMapping
from pathlib import Path

from intake.errors import Exit, UndersealError

BACKLOG = 512
_FIRST_DESCRIPTOR = 3  # SD_LISTEN_FDS_START of systemd

Place = int | Path | socket.socket


class AddressTaken(UndersealError):
    """nothing can listen on {}: {}"""

    exit_code = Exit.NETWORK


class SocketRefused(UndersealError):
    """the socket handed over as {} is refused: {}"""

    exit_code = Exit.NETWORK
    hint = "FileDescriptorName of the .socket unit says which one it is"


def take_handed_over(names: Iterable[str], environ: MutableMapping[str, str]) -> dict[str, socket.socket]:
    """Return the sockets that systemd has opened for this process, by name; none where it was started otherwise.

    What told of them is taken out of `environ`, so that no child takes them for its own (sd_listen_fds(3)).
    Raises SocketRefused for a name that is not in `names` or comes twice, and for what is no listening socket.
    """
    told = [environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")]
    if told[0] != str(os.getpid()) or not told[1].isdecimal():
        return {}
    found: dict[str, socket.socket] = {}
    given = told[2].split(":") + ["unknown"] * int(told[1])
    for descriptor, name in zip(range(_FIRST_DESCRIPTOR, _FIRST_DESCRIPTOR + int(told[1])), given, strict=False):
        if name not in names or name in found:
            raise SocketRefused(name, "it is not a name that is waited for, or it came twice")
        found[name] = _adopt(descriptor, name)
    return found


def listen(place: Place) -> socket.socket:
    """Return a listening socket. Raises AddressTaken."""
    if isinstance(place, socket.socket):
        return place
    return _listen_port(place) if isinstance(place, int) else _listen_file(place)


def address(listener: socket.socket) -> str:
    """Return where a socket listens, as `serve` prints it."""
    if listener.family == socket.AF_UNIX:
        return f"unix:{listener.getsockname()}"
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


def _adopt(descriptor: int, name: str) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        listener = socket.socket(fileno=descriptor)
    except OSError as error:
        raise SocketRefused(name, "it is no socket") from error
    stream = listener.type == socket.SOCK_STREAM and listener.family in (socket.AF_UNIX, socket.AF_INET)
    if not stream or not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise SocketRefused(name, "it does not listen for streams on a file or an IPv4 address")
    return listener


def _listen_port(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise AddressTaken(f"port {port}", (error.strerror or "unknown reason").lower()) from error
    return listener


def _listen_file(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        if _is_stale(path):
            path.unlink(missing_ok=True)
        listener.bind(str(path))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise AddressTaken(path.name, (error.strerror or str(error)).lower()) from error
    return listener


def _is_stale(path: Path) -> bool:
    """Return whether nobody answers at a socket file: one that a killed portal left behind."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return path.is_socket()
        except OSError:
            return False
    return False
