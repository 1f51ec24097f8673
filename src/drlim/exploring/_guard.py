"""Who may ask a server, and what a page from it may do: checks before any other code runs."""

from __future__ import annotations

import hmac
import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Any], Awaitable[None]]

_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors {ancestors}"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
# A notebook shows the page in a frame, from a server on the same machine.
_NOTEBOOKS = "http://localhost:* http://127.0.0.1:*"


def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine alone.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """Lets through what comes from the page itself, or from a program that has the token.

    Parameters
    ----------
    app : ASGI application
    host : str
        The address that the server listens at.
    port : int
    token : str, optional
        What a visitor must show. None: nothing, on loopback.
    framed : bool, default=False
        Whether a notebook on this machine may show the page in a frame.
    """

    def __init__(
        self, app: App, host: str, port: int, token: str | None, *, framed: bool = False
    ) -> None:
        self.app, self.host, self.port, self.token = app, host, port, token
        ancestors = _NOTEBOOKS if framed else "'none'"
        headers = {**_HEADERS, "content-security-policy": _POLICY.format(ancestors=ancestors)}
        self.headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.cookie = f"drlim-{port}"

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            return
        given = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message.get("headers", [])}
                message["headers"] = [
                    *message.get("headers", []),
                    *(pair for pair in self.headers if pair[0] not in own),
                ]
            await send(message)

        if not self._is_own(given.get("host", "")):
            await _refuse(
                guarded,
                403,
                f"the Host header names {given.get('host', '')!r:.80}; open the address that "
                "drlim printed",
            )
        elif not self._comes_from_here(given):
            await _refuse(guarded, 403, "the request comes from another site")
        elif self.token is None or self._shows_token(given):
            await self.app(scope, receive, guarded)
        elif self._is_given_token(scope):
            await _redirect(guarded, f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Lax")
        else:
            await _refuse(
                guarded, 401, "a token is needed: open the whole address that drlim printed"
            )

    def _is_own(self, host: str) -> bool:
        """Tell whether a Host header names this server: a name of another's could be rebound."""
        try:
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname or "", parts.port or 80
        except ValueError:
            return False
        if port != self.port:
            return False
        if is_loopback(self.host):
            return is_loopback(name)
        try:
            ipaddress.ip_address(name)
        except ValueError:
            own = {self.host.lower(), "localhost", socket.gethostname().lower()}
            return name in own | {socket.getfqdn().lower()}
        return True

    def _comes_from_here(self, given: dict[str, str]) -> bool:
        """Tell whether no other site sent a request: pictures and scripts have no Origin header."""
        is_elsewhere = given.get("sec-fetch-site", "none") not in ("none", "same-origin")
        if is_elsewhere and given.get("sec-fetch-mode") != "navigate":
            return False
        origin = given.get("origin")
        return origin is None or origin == f"http://{given['host']}"

    def _shows_token(self, given: dict[str, str]) -> bool:
        bearer = given.get("authorization", "")
        if bearer.startswith("Bearer ") and self._is_token(bearer.removeprefix("Bearer ")):
            return True
        try:
            cookies = SimpleCookie(given.get("cookie", ""))
        except CookieError:
            return False
        return self.cookie in cookies and self._is_token(cookies[self.cookie].value)

    def _is_given_token(self, scope: Message) -> bool:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        return scope["method"] == "GET" and scope["path"] == "/" and self._is_token(given)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self.token or "").encode())


async def _refuse(send: Any, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _redirect(send: Any, cookie: str) -> None:
    headers = [(b"location", b"/"), (b"set-cookie", cookie.encode())]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
