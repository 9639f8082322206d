# SPDX-License-Identifier: AGPL-3.0-or-later
"""The page's own code, run by Node: what an officer's browser would seal, check or refuse."""

import base64
import json
import subprocess
from typing import Any

from intake.page import officer_program


class Officer:
    """One Node process that answers JSON commands, a line each."""

    def __init__(self, *node_options: str) -> None:
        self._process = subprocess.Popen(
            ["node", *node_options, str(officer_program())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **command: Any) -> dict[str, Any]:
        """Return the answer to one command."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert isinstance(answer, dict)
        return answer

    def locked_draft(self, text: str, *, form: str = "asylum-officer", lang: str = "en") -> tuple[bytes, str]:
        """Return the file of a draft that answers nothing but holds this text, and the words that open it."""
        draft = {
            "questionnaire": {"id": form, "version": "1"},
            "lang": lang,
            "text": text,
            "answers": {},
            "consent": {},
        }
        locked = self.ask(do="draft", draft=draft)
        return base64.b64decode(locked["file"]), " ".join(locked["words"])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


def b64(data: bytes) -> str:
    """Return bytes as a JSON command carries them."""
    return base64.b64encode(data).decode("ascii")
