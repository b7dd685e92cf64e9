"""Where a Jobs API is, and whether it may be spoken to: addresses, loopback, tokens.

Who reaches a Ray cluster's Jobs API without a token runs code on it (CVE-2023-48022), so only
loopback is spoken to without one. Tokens are where Ray has them (2.60): RAY_AUTH_TOKEN, the file
RAY_AUTH_TOKEN_PATH, else ~/.ray/auth_token. Ray writes the last by itself for clusters of this
machine; it is sent to another one only where RAY_AUTH_MODE=token says that it is meant.
"""

from __future__ import annotations

import http.client
import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.errors import ConfigError

DEFAULT = "http://127.0.0.1:8265"
ADDRESS_VARIABLES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
"""In Ray's order; its client lets them stand over any address that it is given."""
SCHEMES = ("http", "https")
PROBE_TIMEOUT_S = 10.0
HOW = (
    "set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH (a file), here and on "
    "every node of the cluster; or reach the head through a tunnel: "
    "ssh -L 8265:127.0.0.1:8265 HEAD, kubectl port-forward"
)


@dataclass(frozen=True)
class Door:
    """A Jobs API that may be spoken to.

    Attributes:
        url: http(s)://HOST:PORT, perhaps with a path.
        token: empty where there is none; never shown.
    """

    url: str
    token: str = field(default="", repr=False)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(urlsplit(self.url).hostname or "")

    @property
    def headers(self) -> dict[str, str]:
        """What each request carries."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def find_door(address: str | None, *, environment: Mapping[str, str]) -> Door:
    """The Jobs API of an address, with its token.

    Args:
        address: http(s)://HOST:PORT or HOST:PORT; None: of the environment, else of this machine.
        environment: variables of this process.

    Raises:
        ConfigError: the address has another form or holds a password; there is no token for it.
    """
    given = None if address == "auto" else address
    url = _url(given or _from_environment(environment) or DEFAULT)
    door = Door(url, _token(environment))
    if door.is_loopback:
        return door
    meant = environment.get("RAY_AUTH_MODE", "").lower() == "token" or any(
        environment.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
    )
    if not door.token or not meant:
        raise ConfigError(
            f"{url} is not this machine, and there is no token for it: whoever reaches a cluster "
            f"without one runs code on it. To go on, {HOW}"
        )
    return door


def ask(door: Door, *, ca_file: str | None, timeout_s: float) -> tuple[int, bytes]:
    """Status and body of what a Jobs API says of its version, asked with the door's token.

    Raises:
        OSError, http.client.HTTPException: no answer, or one that is none.
    """
    parts = urlsplit(door.url)
    host = parts.hostname or ""
    connection = http.client.HTTPConnection(host, parts.port, timeout=timeout_s)
    if parts.scheme == "https":
        checked = ssl.create_default_context(cafile=ca_file)
        connection = http.client.HTTPSConnection(
            host, parts.port, timeout=timeout_s, context=checked
        )
    try:
        connection.request("GET", f"{parts.path}/api/version", headers=door.headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def refuse_open(door: Door, *, ca_file: str | None) -> None:
    """Asks a cluster elsewhere without the token; one that answers is open to all.

    Raises:
        ConfigError: it answers.
    """
    if door.is_loopback:
        return
    try:
        status, _ = ask(Door(door.url), ca_file=ca_file, timeout_s=PROBE_TIMEOUT_S)
    except (OSError, http.client.HTTPException):
        return  # the client's own request says what is wrong
    if status == HTTPStatus.OK:
        raise ConfigError(
            f"{door.url} answers without a token: whoever reaches it runs code on that cluster. "
            f"To go on, {HOW}"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _from_environment(environment: Mapping[str, str]) -> str | None:
    """Ray's own variables, where they name a Jobs API: RAY_ADDRESS may be that of Ray's core."""
    api, core = (environment.get(name) for name in ADDRESS_VARIABLES)
    return api or (core if core and core.startswith(("http://", "https://")) else None)


def _url(address: str) -> str:
    text = address.rstrip("/") if "://" in address else f"http://{address.rstrip('/')}"
    parts = urlsplit(text)
    try:
        sound = parts.scheme in SCHEMES and parts.hostname and (parts.port or True)
    except ValueError:
        sound = False
    if not sound or parts.query or parts.fragment:
        raise ConfigError(
            f"{parts.scheme}://{parts.hostname or ''} is no address of a Jobs API: give that of "
            "the head's dashboard, such as http://HOST:8265 (ray:// and HOST:6379 are others)"
        )
    if parts.username or parts.password:
        raise ConfigError(f"the address of {parts.hostname} holds a user or password; {HOW}")
    return text


def _token(environment: Mapping[str, str]) -> str:
    if environment.get("RAY_AUTH_MODE", "").lower() == "disabled":
        return ""
    if token := environment.get("RAY_AUTH_TOKEN", "").strip():
        return token
    named = environment.get("RAY_AUTH_TOKEN_PATH")
    home = environment.get("HOME")
    path = Path(named) if named else Path(home or Path.home()) / ".ray" / "auth_token"
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        if named:
            raise ConfigError(f"RAY_AUTH_TOKEN_PATH: {error.strerror}: {named}") from None
        return ""
