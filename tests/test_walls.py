# SPDX-License-Identifier: AGPL-3.0-or-later
"""The walls: what each package loads in a fresh interpreter, and the doors that are the only ones."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(os.environ.get("UNDERSEAL_SOURCE", Path(__file__).parent.parent))
OURS = {"crypto", "intake", "portal", "courier", "desk"}
NETWORK = {"http", "httpx", "socket", "ssl", "urllib.request", "requests"}

_LOAD = """
import importlib, json, pkgutil, sys
skip = set(sys.argv[2:])
def load(name):
    module = importlib.import_module(name)
    for part in pkgutil.iter_modules(getattr(module, "__path__", []), name + "."):
        if part.name not in skip:
            load(part.name)
load(sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""


def loaded(package: str, *skip: str) -> set[str]:
    """Return what is in sys.modules after every module of a package has been imported."""
    run = subprocess.run(
        [sys.executable, "-P", "-c", _LOAD, package, *skip], capture_output=True, text=True, check=True
    )
    return set(json.loads(run.stdout))


def among(modules: set[str], names: set[str]) -> set[str]:
    """Return those of `names` that were loaded, as themselves or by a part."""
    return {name for name in names if any(m == name or m.startswith(name + ".") for m in modules)}


WALL = [
    ("crypto", (), (OURS - {"crypto"}) | {"flask", "sqlalchemy", "click"} | NETWORK),
    ("crypto", ("crypto.secret",), {"crypto.secret", "mnemonic", "shamir_mnemonic"}),
    ("intake", (), {"portal", "courier", "desk", "crypto.secret", "flask", "sqlalchemy"} | NETWORK),
    ("portal", (), {"desk", "courier", "crypto.secret", "httpx", "requests", "sqlcipher3"}),
    ("courier", (), {"portal", "desk", "crypto.secret", "flask", "sqlalchemy", "sqlcipher3"}),
    ("desk", (), {"portal", "courier", "flask", "httpx", "requests", "http_message_signatures"}),
]


@pytest.mark.parametrize(("package", "skip", "never"), WALL, ids=lambda value: value if isinstance(value, str) else "")
def test_package_keeps_to_its_side(package, skip, never):
    """A package loads nothing from behind its wall."""
    assert not among(loaded(package, *skip), never)


def test_wall_would_notice():
    """The check itself notices a module that is loaded."""
    assert among(loaded("portal"), {"flask", "crypto", "intake"}) == {"flask", "crypto", "intake"}
    assert among(loaded("desk"), {"crypto.secret"}) == {"crypto.secret"}


def test_crypto_is_ours():
    """The name `crypto` is not somebody else's package."""
    code = "import crypto, importlib.metadata as m; print(crypto.__file__); print([d.name for d in m.distributions()])"
    run = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert "FORMAT.md" in {path.name for path in Path(run.stdout.split("\n")[0]).parent.iterdir()}
    assert not re.search(r"pycrypto", run.stdout, re.IGNORECASE)


def test_help_loads_no_group():
    """`underseal --help` loads neither portal nor desk."""
    code = "import sys, underseal; underseal.cli(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert not re.search(r"'(portal|courier|desk|flask|sqlalchemy|nacl)[.']", run.stdout.split("\n")[-2])


def sources(*folders: str) -> list[tuple[str, ast.Module]]:
    files = [path for folder in folders for path in sorted((SOURCE / folder).rglob("*.py"))]
    files += [SOURCE / "underseal.py", SOURCE / "underseal_demo.py"] if folders == tuple(sorted(OURS)) else []
    return [(str(path.relative_to(SOURCE)), ast.parse(path.read_text("utf-8"))) for path in files]


def calls(tree: ast.Module) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def imports(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


ALL = sources(*sorted(OURS))


@pytest.mark.parametrize(("name", "tree"), ALL, ids=[name for name, _ in ALL])
def test_one_door_for_primitives(name, tree):
    """Primitives are called in crypto/primitives.py alone (key objects for other libraries apart)."""
    doors = {"crypto/primitives.py", "crypto/signature.py"}
    found = {module for module in imports(tree) if module.split(".")[0] in {"cryptography", "nacl", "hmac"}}
    assert not found or name in doors or name == "crypto/secret/receipt.py"
    if name == "crypto/signature.py":
        assert found == {"cryptography.hazmat.primitives.asymmetric.ed25519"}


@pytest.mark.parametrize(("name", "tree"), ALL, ids=[name for name, _ in ALL])
def test_one_door_for_files(name, tree):
    """Files are opened in intake/files.py alone, and nothing is unpacked anywhere."""
    if name in {"intake/files.py", "portal/page/render.py"}:  # the second is part of the build, not of the program
        return
    bad = {"open", "os.open", "os.fdopen", "io.open", "tempfile.NamedTemporaryFile", "tempfile.mkstemp"}
    found = {
        call for call in calls(tree) if call in bad or call.endswith((".write_text", ".write_bytes", ".extractall"))
    }
    assert not found
    assert not imports(tree) & {"tarfile", "zipfile", "pickle", "shelve", "marshal"}


@pytest.mark.parametrize(("name", "tree"), ALL, ids=[name for name, _ in ALL])
def test_one_door_for_output(name, tree):
    """What a person sees goes through intake/console.py."""
    if name == "intake/console.py":
        return
    assert not {call for call in calls(tree) if call in {"print", "click.echo", "click.secho", "sys.stdout.write"}}


def test_no_markup_from_text():
    """No template and no module marks text as markup."""
    files = [*SOURCE.glob("templates/**/*.html"), *SOURCE.glob("p*/**/*.py"), *SOURCE.glob("portal/page/*.mjs")]
    assert len(files) > 15
    for path in files:
        text = path.read_text("utf-8")
        assert not re.search(r"\|\s*safe|Markup\(|innerHTML|outerHTML|insertAdjacentHTML|document\.write", text), path
