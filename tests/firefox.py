# SPDX-License-Identifier: AGPL-3.0-or-later
"""Firefox with Tor Browser's "Safer" settings, driven by tests/engines/firefox.mjs through WebDriver BiDi."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nowhere import Nowhere

SOURCE = Path(os.environ.get("UNDERSEAL_SOURCE", Path(__file__).resolve().parents[1]))
STOPS = 200  # more presses of Tab than the page has stops
SECONDS = 60
SHOWN = "[data-step]:not([hidden])"
# What Tor Browser's level "Safer" turns off, and what it always has on.
SAFER: dict[str, bool | int | str] = {
    "javascript.options.ion": False,
    "javascript.options.baselinejit": False,
    "javascript.options.native_regexp": False,
    "javascript.options.asmjs": False,
    "javascript.options.wasm": False,
    "mathml.disabled": True,
    "gfx.font_rendering.opentype_svg.enabled": False,
    "media.webaudio.enabled": False,
    "privacy.resistFingerprinting": True,
    "privacy.resistFingerprinting.letterboxing": True,
    "privacy.firstparty.isolate": True,
    "browser.privatebrowsing.autostart": True,
    "dom.security.https_only_mode": False,  # the tests' portal is on loopback, without TLS
}
# Everything by which Firefox would ask for something by itself.
QUIET: dict[str, bool | int | str] = {
    "app.normandy.enabled": False,
    "app.shield.optoutstudies.enabled": False,
    "app.update.auto": False,
    "browser.aboutHomeSnippets.updateUrl": "",
    "browser.contentblocking.report.lockwise.enabled": False,
    "browser.discovery.enabled": False,
    "browser.ml.enable": False,
    "browser.newtabpage.activity-stream.feeds.topsites": False,
    "browser.newtabpage.activity-stream.feeds.section.topstories": False,
    "browser.newtabpage.activity-stream.showSponsored": False,
    "browser.newtabpage.activity-stream.showSponsoredTopSites": False,
    "browser.ping-centre.telemetry": False,
    "browser.region.network.url": "",
    "browser.region.update.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.provider.mozilla.updateURL": "",
    "browser.safebrowsing.provider.google4.updateURL": "",
    "browser.safebrowsing.provider.google5.enabled": False,
    "browser.search.suggest.enabled": False,
    "browser.topsites.contile.enabled": False,
    "browser.topsites.useRemoteSetting": False,
    "browser.translations.enable": False,
    "datareporting.usage.uploadEnabled": False,
    "doh-rollout.disable-heuristics": True,
    "dom.push.connection.enabled": False,
    "dom.push.enabled": False,
    "extensions.blocklist.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.systemAddon.update.url": "",
    "media.gmp-manager.url": "",
    "messaging-system.rsexperimentloader.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.prefetch-next": False,
    "network.trr.mode": 5,
    "nimbus.rollouts.enabled": False,
    "security.OCSP.enabled": 0,
    "security.remote_settings.crlite_filters.enabled": False,
    "security.remote_settings.intermediates.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "services.settings.poll_interval": 31_536_000,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "",
    "toolkit.telemetry.unified": False,
}


def proxied(port: int) -> dict[str, bool | int | str]:
    """Return the settings that send all but loopback to the proxy on a port, which carries nothing."""
    return {
        "network.proxy.type": 1,
        "network.proxy.http": "127.0.0.1",
        "network.proxy.http_port": port,
        "network.proxy.ssl": "127.0.0.1",
        "network.proxy.ssl_port": port,
        "network.proxy.allow_hijacking_localhost": False,
    }


class Firefox:
    """One Firefox with one page, a folder of its own and no way out but loopback."""

    def __init__(self, folder: Path, *, preload: Sequence[str] = (), prefs: dict[str, Any] | None = None) -> None:
        path = shutil.which("firefox-esr")
        assert path, "install Debian's package firefox-esr"
        (folder / "profile").mkdir(parents=True)
        self.folder = folder
        self.nowhere = Nowhere()
        self._process = subprocess.Popen(
            ["node", str(SOURCE / "tests" / "engines" / "firefox.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.version = self._ask(
            "launch",
            executable=path,
            profile=str(folder / "profile"),
            home=str(folder),
            prefs={**SAFER, **QUIET, **proxied(self.nowhere.port), **(prefs or {})},
            preload=list(preload),
        )

    def _ask(self, name: str, **rest: Any) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"do": name, **rest}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "fault" in answer:
            raise AssertionError(f"{name}: {answer['fault']}")
        return answer["good"]

    def goto(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        self._ask("goto", url=url)

    def keys(self, *keys: str) -> None:
        """Press keys, one after another; `Control+a` holds the first."""
        self._ask("press", keys=keys)

    def type(self, text: str) -> None:
        """Type a text, key by key."""
        self._ask("type", text=text)

    def value(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        return self._ask("evaluate", expression=expression)

    def await_true(self, expression: str, seconds: float = SECONDS) -> None:
        """Wait until an expression is true in the page."""
        end = time.monotonic() + seconds
        while not self.value(f"Boolean({expression})"):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.1)

    def await_element(self, selector: str) -> None:
        """Wait until the page has such an element, seen or not."""
        self.await_true(f"document.querySelector({json.dumps(selector)})")

    def click(self, selector: str) -> None:
        """Bring the element into view and click it."""
        self._ask("click", selector=selector)

    def upload(self, selector: str, path: Path) -> None:
        """Choose a file, as in the dialog that no key of the page reaches."""
        self._ask("upload", selector=selector, path=str(path))

    def answer(self, end: str, respond: dict[str, Any] | None = None) -> None:
        """Answer requests whose address ends so, in the portal's place; with no answer, cut them."""
        self._ask("rules", rules=[{"end": end, "respond": respond} if respond else {"end": end, "abort": True}])

    def let_through(self) -> None:
        """Answer nothing any more."""
        self._ask("rules", rules=[])

    def requests(self) -> list[list[str]]:
        """Return the page's requests as [method, address]."""
        asked: list[list[str]] = self._ask("seen")["requests"]
        return asked

    def posts(self) -> list[str]:
        """Return the addresses of the requests that carry something."""
        return [url for method, url in self.requests() if method != "GET"]

    def complaints(self) -> list[str]:
        """Return what the console said."""
        said: list[str] = self._ask("seen")["complaints"]
        return said

    def kill(self) -> None:
        """End the browser as a power cut would."""
        self._ask("kill")
        self.close()

    def close(self) -> None:
        """End the browser and what drives it."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(SECONDS)
        self._process.stdout.close()
        self.nowhere.close()

    def tab_to(self, selector: str) -> None:
        """Press Tab until the element has the focus; Shift+Tab where it lies before, not around by the address bar."""
        wanted = json.dumps(selector)
        before = f"document.activeElement.compareDocumentPosition(document.querySelector({wanted})) & 2"
        for _ in range(STOPS):
            if self.value(f"document.activeElement?.matches({wanted}) ?? false"):
                assert self.value("document.hasFocus()"), "the page has lost the focus to the browser"
                return
            self.keys("Shift+Tab" if self.value(before) else "Tab")
        raise AssertionError(f"the keyboard does not reach {selector}")

    def press(self, selector: str) -> None:
        """Reach a button by Tab and press it."""
        self.tab_to(selector)
        self.keys("Enter")

    def write_report(self, url: str, text: str, *, paste: bool = False) -> None:
        """Go from the first step to the check by keyboard alone: the first kind, the text, no other answer."""
        self.goto(url)
        self.await_true(f"document.querySelector('{SHOWN} [data-go=next]:not([hidden])')")
        for _ in range(STOPS):
            if self.step() == "check":
                break
            self.fill_step(text, paste=paste)
            self.press(f"{SHOWN} [data-go=next]")
        self.await_true(f"document.querySelector('{SHOWN} [data-seal]:not([disabled])')")

    def step(self) -> str:
        """Return the name of the step that is shown."""
        name: str = self.value(f"document.querySelector('{SHOWN}').dataset.step")
        return name

    def fill_step(self, text: str, *, paste: bool) -> None:
        """Give the answers without which the form does not go on, where the step asks for them."""
        if self.value(f"document.querySelector('{SHOWN} #device-no') !== null"):
            self.tab_to("#device-no")
            self.keys(" ")
        if self.value(f"document.querySelector('{SHOWN} #kinds-REV') !== null"):
            self.tab_to("#kinds-REV")
            self.keys(" ")
        if self.value(f"document.querySelector('{SHOWN} #text') !== null"):
            self.tab_to("#text")
            if paste:
                self.value(f"document.execCommand('insertText', false, {json.dumps(text)})")
            else:
                self.type(text)

    def seal(self) -> None:
        """Press the seal button by keyboard."""
        self.press(f"{SHOWN} [data-seal]")

    def await_receipt(self) -> list[str]:
        """Return the words that the page shows after the portal's 201."""
        self.await_true("document.querySelector('[data-step=receipt]:not([hidden])')")
        words: list[str] = self.value(
            "[...document.querySelectorAll('[data-receipt] li')].map(li => li.innerText.trim())"
        )
        return words

    def outcome(self) -> str:
        """Return what the page says after a send that failed."""
        self.await_true("document.querySelector('[data-outcome] *')")
        said: str = self.value("document.querySelector('[data-outcome]').innerText")
        return said

    def text(self) -> str:
        """Return the words in the text field."""
        words: str = self.value("document.querySelector('#text').value")
        return words
