"""Who may come in, and what browsers may do with the pages: hosts, token, origins, headers.

On loopback the server answers only to loopback's names: a page of another site that has its name
resolved to 127.0.0.1 (DNS rebinding) sends its own name as Host. Elsewhere it wants a token, which
the first link carries and a cookie keeps. What changes something must come from a page of the
server itself (Fetch Metadata, W3C; else Origin, RFC 6454), and with the form's key (forms.py).
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD"})
OWN = frozenset({"same-origin", "none"})
TOKEN = "token"  # noqa: S105, the parameter's name
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
WELCOME = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Earmark</title>'
    '<meta http-equiv="refresh" content="0; url=/"><p><a href="/">Go on to Earmark</a></p></html>'
)
"""A page, not a redirect: a strict cookie is not sent along a redirect from another site's link."""
NO_TOKEN = "This server wants its token: open the link that earmark browse printed.\n"  # noqa: S105


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    name = host.strip("[]")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in LOOPBACK_NAMES


@dataclass(frozen=True)
class Door:
    """Who may come in.

    Attributes:
        host: address that the server listens on.
        token: what visitors must bring; None: nothing.
        port: part of the cookies' names, which browsers share between ports.
    """

    host: str
    token: str | None
    port: int

    @property
    def token_cookie(self) -> str:
        """Name of the cookie that stands for the token."""
        return f"earmark_token_{self.port}"

    @property
    def visitor_cookie(self) -> str:
        """Name of the cookie that tells visitors apart."""
        return f"earmark_visitor_{self.port}"

    def pass_value(self) -> str:
        """What the cookie holds: not the token itself."""
        return hmac.new((self.token or "").encode(), b"earmark browse", "sha256").hexdigest()

    def refusal(self, request: Request) -> Response | None:
        """Why a request is not answered; None: it is."""
        if is_loopback(self.host) and _name(request.headers.get("host", "")) not in LOOPBACK_NAMES:
            return PlainTextResponse("This server answers to localhost only.\n", 421)
        if request.method not in SAFE_METHODS and not _is_own(request):
            return PlainTextResponse("Forms of other sites are not taken.\n", 403)
        if self.token is None or self._has_pass(request):
            return None
        given = request.query_params.get(TOKEN, "")
        if request.method == "GET" and _same(given, self.token):
            answer = HTMLResponse(WELCOME)
            _set_cookie(answer, self.token_cookie, self.pass_value())
            return answer
        return PlainTextResponse(NO_TOKEN, 401)

    def _has_pass(self, request: Request) -> bool:
        return _same(request.cookies.get(self.token_cookie, ""), self.pass_value())


class Guard:
    """ASGI middleware: lets in whom the door lets in, names the visitor, sets the headers.

    Args:
        app: what answers.
        door: who may come in.
    """

    def __init__(self, app: ASGIApp, *, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refusal = self._door.refusal(request)
        known = request.cookies.get(self._door.visitor_cookie)
        visitor = known or secrets.token_urlsafe(24)
        scope.setdefault("state", {})["visitor"] = visitor
        named = SimpleCookie() if known or refusal else _cookie(self._door.visitor_cookie, visitor)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-cache, private")
                for morsel in named.values():
                    headers.append("Set-Cookie", morsel.OutputString())
            await send(message)

        await (refusal or self._app)(scope, receive, with_headers)


def _name(host: str) -> str:
    """The host of a Host header, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_own(request: Request) -> bool:
    """Whether a page of this server sent it, as far as the browser says."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in OWN
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _cookie(name: str, value: str) -> SimpleCookie:
    cookie = SimpleCookie({name: value})
    for attribute, kept in (("httponly", True), ("samesite", "Strict"), ("path", "/")):
        cookie[name][attribute] = kept
    return cookie


def _set_cookie(answer: Response, name: str, value: str) -> None:
    answer.set_cookie(name, value, httponly=True, samesite="strict", path="/")
