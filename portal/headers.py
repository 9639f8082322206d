# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one layer that sets response headers, for every status of both apps.

It lets through a short list of headers and adds the fixed ones, so no cookie, validator or version can leave even if
a library below sets it. The proxy in front adds none.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from portal.config import Config

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; worker-src 'none'; base-uri 'none'; object-src 'none'; frame-src 'none'; "
    "frame-ancestors 'none'; manifest-src 'none'; font-src 'none'; media-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_PERMISSIONS_POLICY = (
    "accelerometer=(), autoplay=(), camera=(), clipboard-read=(), display-capture=(), encrypted-media=(), "
    "fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), microphone=(), midi=(), "
    "payment=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), web-share=(), "
    "xr-spatial-tracking=()"
)
# Referrer-Policy is not no-referrer: with that, browsers send `Origin: null` from our own page.
FIXED_HEADERS = (
    ("Content-Security-Policy", _CONTENT_SECURITY_POLICY),
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Origin-Agent-Cluster", "?1"),
    ("Permissions-Policy", _PERMISSIONS_POLICY),
    ("Cache-Control", "no-store"),
    ("X-DNS-Prefetch-Control", "off"),
    ("X-Robots-Tag", "noindex, noarchive"),
)
_LET_THROUGH = frozenset(
    {"content-type", "content-length", "content-encoding", "content-disposition", "allow", "retry-after"}
)
TRANSPORT_SECURITY = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")


class HeaderLayer:
    """A WSGI app that answers as the one inside, with our headers and no others."""

    def __init__(self, inside: "WSGIApplication", config: Config) -> None:
        self._inside = inside
        self._config = config

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            return start_response(status, self._headers(headers, environ), exc_info)

        return self._inside(environ, start)

    def _headers(self, headers: list[tuple[str, str]], environ: "WSGIEnvironment") -> list[tuple[str, str]]:
        kept = [(name, value) for name, value in headers if name.lower() in _LET_THROUGH]
        if ("Vary", "Accept-Encoding") in headers:
            kept.append(("Vary", "Accept-Encoding"))
        kept += FIXED_HEADERS
        if self._config.is_https(environ.get("HTTP_HOST", "")):
            kept.append(TRANSPORT_SECURITY)
            is_page = any(name == "Content-Type" and value.startswith("text/html") for name, value in kept)
            if self._config.onion and is_page:
                kept.append(("Onion-Location", f"http://{self._config.onion}{environ.get('PATH_INFO', '/')}"))
        return kept
