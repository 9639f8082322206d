# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a program can do inside a unit of a booted host: the unit's own text, with this probe as its program."""

import json
from pathlib import Path

from bootedhost import BootedHost

# Runs inside: tries each thing and writes down which of them could be done.
_PROGRAM = r"""
import ctypes, json, mmap, os, socket, sys
own = sys.argv[1]
done = {}
def tries(name, act):
    try:
        done[name] = bool(act())
    except OSError:
        done[name] = False
def make(path):
    with open(path, "x"):
        os.unlink(path)
    return True
def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as line:
        line.settimeout(3)
        line.connect(address)
    return True
def run_written():
    path = own + "/probe-program"
    with open(path, "wb") as file:
        file.write(open("/bin/true", "rb").read())
    try:
        os.chmod(path, 0o700)
        return os.spawnv(os.P_WAIT, path, [path]) == 0
    finally:
        os.unlink(path)
def set_user_id():
    path = own + "/probe-suid"
    open(path, "x").close()
    try:
        os.chmod(path, 0o4700)
        return True
    finally:
        os.unlink(path)
libc = ctypes.CDLL(None, use_errno=True)
def call(*words):
    if libc.syscall(*words) == -1:
        raise OSError(ctypes.get_errno(), "")
    return True
tries("write its own folder", lambda: make(own + "/probe-file"))
tries("write a private temporary file", lambda: make("/tmp/probe-file"))
others = "/ /etc /usr /opt/underseal /run /run/underseal /home /root /var/lib /var/log /srv"
for path in others.split():
    tries("write " + path, lambda: make(path + "/probe-file"))
for path in ("/home", "/root", "/var/lib/tor", "/var/lib/underseal", "/etc/underseal/tls"):
    tries("look into " + path, lambda: os.listdir(path) or True)
tries("read shadow", lambda: open("/etc/shadow").read(1))
tries("reach sshd by IPv4", lambda: connect(socket.AF_INET, ("127.0.0.1", 22)))
tries("reach sshd by IPv6", lambda: connect(socket.AF_INET6, ("::1", 22)))
tries("have an interface", lambda: [row for row in open("/proc/net/dev").readlines()[2:] if "lo:" not in row])
tries("see another process", lambda: [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != os.getpid()])
tries("run what it wrote", run_written)
tries("make a set-user-id file", set_user_id)
tries("change an owner", lambda: os.chown(own, 0, 0) or True)
tries("make a namespace", lambda: call(272, 0x10000000))
tries("mount", lambda: call(165, b"none", b"/tmp", b"tmpfs", 0, None))
tries("trace a process", lambda: call(101, 16, 1, 0, 0))
tries("have memory written and run", lambda: mmap.mmap(-1, 4096, prot=7))
for path in ("/", "/etc", "/usr", "/opt/underseal/current/lib", "/var/lib", "/srv"):
    done["mounted to be written: " + path] = not os.statvfs(path).f_flag & os.ST_RDONLY
for path in ("/", "/tmp", "/var/tmp", "/dev/shm", own):
    done["mounted to be run from: " + path] = not os.statvfs(path).f_flag & os.ST_NOEXEC
status = dict(row.split(":", 1) for row in open("/proc/self/status") if ":" in row)
done["root"] = os.getuid() == 0
done["capabilities"] = int(status["CapBnd"], 16) != 0 or int(status["CapEff"], 16) != 0
done["free to gain"] = status["NoNewPrivs"].strip() != "1"
done["unfiltered"] = status["Seccomp"].strip() != "2"
with open(own + "/probe.json", "w") as file:
    json.dump(done, file)
"""
_PLACE = Path("opt/underseal/probe.py")
_PYTHON = "/usr/bin/python3"
# The folder that each unit may write, and what else may be done in it.
PROBED = {
    "underseal-portal.service": ("/var/lib/underseal", {"look into /var/lib/underseal"}),
    "underseal-nightly.service": ("/var/lib/underseal", {"look into /var/lib/underseal"}),
    "nginx.service": ("/run/underseal-web", {"look into /etc/underseal/tls"}),
    # tor compiles its puzzles, and sees the tor that runs already.
    "tor@default.service": (
        "/var/lib/tor",
        {
            "look into /var/lib/tor",
            "reach sshd by IPv4",
            "reach sshd by IPv6",
            "have memory written and run",
            "see another process",
            "mounted to be run from: /",
        },
    ),
}
# The same on a host whose shelf is in a database.
PROBED_WITH_STORE = {
    "underseal-store.service": ("/var/lib/underseal-store", {"see another process"}),
    "underseal-front@second.service": PROBED["underseal-portal.service"],
}
_FOLDERS = PROBED | PROBED_WITH_STORE
_ALWAYS = {"write its own folder", "write a private temporary file"}


def expected(unit: str) -> set[str]:
    """Return what may be done inside a unit."""
    return _ALWAYS | _FOLDERS[unit][1]


def probe(host: BootedHost, unit: str) -> set[str]:
    """Return what could be done inside a unit."""
    own = _FOLDERS[unit][0]
    (host.tree / _PLACE).write_text(_PROGRAM)
    text = host.must(f"systemctl cat {unit}")
    kept = [row for row in text.splitlines() if not row.startswith(("Sockets=", "Type=", "PIDFile=", "Restart="))]
    name = f"probe-{unit.replace('@', '-')}"
    ours = ["[Service]", "Type=oneshot", "ExecStartPre=", "ExecStart=", f"ExecStart={_PYTHON} /{_PLACE} {own}", ""]
    if unit == "nginx.service":  # nothing but nginx may run there: Python is let in for the probe
        ours.insert(1, "ExecPaths=/usr/bin")
    (host.tree / "etc/systemd/system" / name).write_text("\n".join([*kept, *ours]))
    host.must(f"systemctl daemon-reload && systemctl start {name} || journalctl --no-pager -u {name}")
    done: dict[str, bool] = json.loads(host.must(f"cat {own}/probe.json"))
    host.must(f"rm {own}/probe.json /etc/systemd/system/{name} /{_PLACE}; systemctl daemon-reload")
    return {name for name, could in done.items() if could}
