"""Keeps other web pages out of a person's documents.

The API asks for no password on a person's own machine, so a page of somebody else that is
open in the same browser must not get in: neither by sending requests across origins, nor
by pointing its own host name at this address (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from citewise.api.wire import error_json

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Refuses requests that other web pages make; everything else passes unchanged.

    Args:
        allowed_hosts: Host names under which this server may be addressed, beside IP
            addresses and ``localhost``; ``*.example.org`` takes every name below it, ``*``
            any name.
    """

    def __init__(self, app: ASGIApp, *, allowed_hosts: Sequence[str] = ()) -> None:
        self._app = app
        self._allowed_hosts = tuple(name.lower() for name in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (sentence := self._objection(scope["method"], Headers(scope=scope))):
            await JSONResponse(error_json(sentence), status_code=403)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _objection(self, method: str, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if not self._is_ours(host_name(host)):
            return (
                f"Citewise does not answer to the name {host[:100]!r}. Use its IP address or localhost, "
                "or add the name to server.allowedHosts in .streamlit/config.toml."
            )
        origin = headers.get("origin")
        if method not in _READING and origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return "This request comes from another web page. Send it from the page that Citewise serves."
        return None

    def _is_ours(self, name: str) -> bool:
        # An address cannot be rebound, and browsers resolve localhost by themselves.
        if name == "localhost" or name.endswith(".localhost") or _is_address(name):
            return True
        return any(
            pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:]))
            for pattern in self._allowed_hosts
        )


def host_name(host: str) -> str:
    """The name in a ``Host`` header, in lower case and without port and brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
