# SPDX-License-Identifier: AGPL-3.0-or-later
"""Steps of the drill that more than one host goes through, and what they have to show."""

import re
import shutil
import sys
from pathlib import Path

from bootedhost import BootedHost
from drill import Drill, Said
from drilloffice import Office
from freshdebian import run
from hostkit import DOMAIN, SOURCE

LATER = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0003", "0002"

def upgrade():
    op.add_column("damaged", sa.Column("why", sa.Text))

def downgrade():
    with op.batch_alter_table("damaged") as batch:
        batch.drop_column("why")
"""
ON_POSTGRESQL = {"portal.txt": "postgresql.txt"}


def printed(said: list[Said], begin: str) -> str:
    """Return what the command that begins so printed."""
    return next(one.printed for one in said if one.command.shown.startswith(begin))


def make_onions(drill: Drill, office: Office, host: BootedHost) -> None:
    """Follow chapter 4 on host and courier's computer."""
    office.settle(host.tree)
    public = printed(drill.follow(None, "4. ", 1), "openssl pkey -in gate.pem -pubout").strip()
    drill.follow(host, "4. ", 2, replaced={"descriptor:x25519:…": public})
    office.names(printed(drill.follow(host, "4. ", 3), "cat /var/lib/tor/").split())
    office.gate_key(printed(drill.follow(None, "4. ", 4), "openssl pkey -in gate.pem -outform").strip())


def certify(host: BootedHost) -> None:
    """Do what the authority's program does when it has been answered: leave a certificate where it leaves them."""
    live = f"/etc/letsencrypt/live/{DOMAIN}"
    host.must(f"install -d {live} && cp /etc/underseal/tls/cert.pem {live}/fullchain.pem")
    host.must(f"cp /etc/underseal/tls/key.pem {live}/privkey.pem")


def check(host: BootedHost, said: list[Said]) -> None:
    """Hold what chapter 8 printed against what it promises."""
    assert "0 loaded units listed." in printed(said, "systemctl --failed")
    assert "active\n" * 3 == printed(said, "systemctl is-active")
    assert printed(said, "curl -s --unix-socket").startswith("up\nroom ")
    assert re.search(r"^ballast +whole$", printed(said, "runuser"), re.MULTILINE)
    rows = re.findall(r":(\d+) .*users:(.*)", printed(said, "ss -ltnp"))  # the Tor network's rows name nobody
    listening = {(port, who) for port, users in rows for who in re.findall(r'\("([^"]+)"', users)}
    assert {("22", "sshd")} | {(port, who) for port in ("80", "443") for who in ("nginx", "systemd")} == listening
    assert "" == host.must("find /var/log/nginx /var/log/tor -type f -size +0")
    exposures = [float(text) for text in re.findall(r": (\d\.\d) ", printed(said, "for unit in"))]
    assert 3 == len(exposures)
    assert all(seen <= most for seen, most in zip(exposures, (0.5, 0.5, 2.0), strict=True)), exposures


def renew(drill: Drill, office: Office, host: BootedHost, letters: list[str], store: str = "") -> None:
    """Go to the next release and back, with a letter sent to each.

    While the sockets are closed a visitor is told 502, and at no other time anything but the page.
    """
    install = {f"--domain {DOMAIN}": f"--domain {DOMAIN} --postgresql {store}"} if store else {}
    drill.bring(host, drill.staff / "wheelhouse")
    replaced = {"0.1.0": "0.2.0", **(ON_POSTGRESQL if store else {})}
    drill.follow(host, "5. ", 1, replaced=replaced, without="ln ")
    with office.visitors(host) as visited:
        assert "ADD COLUMN why" in printed(drill.follow(host, "A new release", 1), "(cd / && runuser")
    assert visited() == {"200"}
    for block, version, revision in ((2, "0.2.0", "0003"), (3, "0.1.0", "0002")):
        with office.visitors(host) as visited:
            said = drill.follow(host, "A new release", block, replaced=install)
            if store:
                drill.follow(host, "PostgreSQL", 7)
            assert f"the shelf is of revision {revision}, and was of " in printed(said, "(cd / && runuser")
        assert visited() <= {"200", "502"}
        assert office.fetch_by_tls(host, "/health").startswith("up\n")
        assert [f"/opt/underseal/{version}/"] == running(host)
        with office.visitors(host) as visited:
            letters.append(office.post_by_tls(host))
            check(host, drill.follow(host, "8. "))
        assert visited() == {"200"}
    assert waiting(drill, host) == len(letters)


def waiting(drill: Drill, host: BootedHost) -> int:
    """Return how many letters wait on the shelf."""
    found = re.search(r"^waiting +(\d+)$", printed(drill.follow(host, "8. "), "runuser"), re.MULTILINE)
    assert found
    return int(found[1])


def running(host: BootedHost) -> list[str]:
    """Return the folders of the releases that the portal's process has in its memory."""
    process = "/proc/$(systemctl show --property MainPID --value underseal-portal)"
    return host.must(f"grep -o '/opt/underseal/[0-9.]*/' {process}/maps | sort -u").split()


def next_release(folder: Path) -> Path:
    """Return a folder with a wheel of the next version: this checkout, with one revision of the tables more."""
    if (folder / "dist").exists():
        return folder / "dist"
    left_out = shutil.ignore_patterns(
        ".*", "node_modules", "tests", "dist", "build", "bench", "*.egg-info", "__pycache__"
    )
    shutil.copytree(SOURCE, folder, ignore=left_out)
    settings = folder / "setup.cfg"
    settings.write_text(settings.read_text().replace("version = 0.1.0", "version = 0.2.0"))
    (folder / "portal/migrations/shelf_0003.py").write_text(LATER)
    revisions = folder / "portal/revisions.py"
    revisions.write_text(revisions.read_text().replace('REVISION = "0002"', 'REVISION = "0003"'))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    run(*pip, "--no-build-isolation", "--wheel-dir", folder / "dist", folder)
    return folder / "dist"
