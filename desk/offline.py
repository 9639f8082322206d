# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a network is up. Read from the kernel's tables; nothing is sent to find out."""

from pathlib import Path

from desk.errors import NetworkUnknown, NetworkUp

LOOPBACK_TYPE = "772"  # linux/if_arp.h: ARPHRD_LOOPBACK
QUIET_STATES = frozenset({"down", "notpresent", "lowerlayerdown", "dormant"})  # RFC 2863, as sysfs spells them
MAX_TABLE_BYTES = 1 << 20


def _table(path: Path) -> list[str]:
    with path.open(encoding="ascii", errors="replace") as file:
        return file.read(MAX_TABLE_BYTES).splitlines()


def _present(proc_net: Path) -> set[str]:
    # /proc/net belongs to this process's network namespace; /sys may still show the machine's own interfaces.
    return {line.split(":", 1)[0].strip() for line in _table(proc_net / "dev")[2:] if ":" in line}


def _routed(proc_net: Path) -> set[str]:
    return {line.split()[0] for line in _table(proc_net / "route")[1:] if line.split()}


def _quiet(interface: Path) -> bool:
    try:
        if (interface / "type").read_text().strip() == LOOPBACK_TYPE:
            return True
        return (interface / "operstate").read_text().strip() in QUIET_STATES
    except OSError:
        return False  # present, and it does not say that it is down


def networks_up(sys_net: Path = Path("/sys/class/net"), proc_net: Path = Path("/proc/net")) -> tuple[str, ...]:
    """Return the names of interfaces, other than loopback, that are up or carry a route.

    Raises NetworkUnknown where the kernel's tables cannot be read.
    """
    try:
        present, routed = _present(proc_net), _routed(proc_net)
    except OSError:
        raise NetworkUnknown from None
    up = {name for name in present if name != "lo" and not _quiet(sys_net / name)}
    return tuple(sorted(up | (routed - {"lo"})))


def refuse_network(sys_net: Path = Path("/sys/class/net"), proc_net: Path = Path("/proc/net")) -> None:
    """Raise NetworkUp if any interface but loopback is up."""
    names = networks_up(sys_net, proc_net)
    if names:
        raise NetworkUp(", ".join(names))
