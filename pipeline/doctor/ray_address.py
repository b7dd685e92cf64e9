"""The Ray cluster from outside: does its address answer, does it want a token, and take ours."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version

from pipeline.doctor.deadline import brief
from pipeline.doctor.finding import Finding, State
from pipeline.errors import ConfigError
from pipeline.stages.submission_address import HOW, Door, ask, find_door

ADDRESS, TOKEN, HEAD = "Ray address", "Ray token", "Ray of the head"
REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
AUTO, LOCAL = "auto", "local"
START = (
    "start the head (ray start --head), mend the address (--address, RAY_ADDRESS), or open the way "
    "to it (firewall, ssh -L, kubectl port-forward)"
)
LET_IN = (
    "set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH (a file) to the cluster's "
    "own token (`ray get-auth-token` on its head)"
)
CLOSED = f"whoever reaches it runs code on it: {HOW}; then restart Ray on all nodes"


@dataclass(frozen=True)
class Places:
    """Where a cluster is.

    Attributes:
        core: HOST:PORT or auto, that a driver joins; empty: none is named.
        api: http(s)://HOST:PORT of its Jobs API; empty: none is named.
    """

    core: str = ""
    api: str = ""


def find_places(address: str | None, *, environment: Mapping[str, str]) -> Places:
    """The places that an address names, else Ray's own variables."""
    core, api = "", ""
    named = [address] if address else [environment.get("RAY_ADDRESS")]
    named += [] if address else [environment.get("RAY_API_SERVER_ADDRESS")]
    for text in filter(None, named):
        if text.startswith(("http://", "https://")):
            api = text
        elif text != LOCAL:
            core = text
    return Places(core, api)


def check_core(core: str, *, timeout_s: float) -> list[Finding]:
    """Whether somebody listens there; `auto` is looked up when it is joined."""
    if core == AUTO:
        return []
    host, _, port = core.rpartition(":")
    if "://" in core or not host or not port.isdigit():
        form = "give HOST:PORT (6379 by default) or auto, or http(s)://HOST:8265 of the Jobs API"
        return [Finding(ADDRESS, State.FAILED, f"{core} is no address that is joined", form)]
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s).close()
    except OSError as error:
        return [Finding(ADDRESS, State.FAILED, f"{core}: {brief(error)}", START)]
    return [Finding(ADDRESS, State.OK, f"{core} answers")]


def check_api(
    api: str, *, environment: Mapping[str, str], ca_file: str | None, timeout_s: float
) -> list[Finding]:
    """Whether a Jobs API answers, to whom, and with which Ray.

    Args:
        api: http(s)://HOST:PORT.
        environment: variables of this process, with the token.
        ca_file: certificates for https; None: the system's.
        timeout_s: of each request, seconds.
    """
    try:
        door = find_door(api, environment=environment)
    except ConfigError as error:
        seen = brief(str(error).partition(" To go on")[0])
        return [Finding(TOKEN, State.FAILED, seen, HOW)]
    try:
        bare, body = ask(Door(door.url), ca_file=ca_file, timeout_s=timeout_s)
        status = bare
        if door.token:
            status, body = ask(door, ca_file=ca_file, timeout_s=timeout_s)
    except (OSError, http.client.HTTPException) as error:
        return [Finding(ADDRESS, State.FAILED, f"{door.url}: {brief(error)}", START)]
    found = [Finding(ADDRESS, State.OK, f"{door.url} answers"), _token(door, bare, status)]
    return found + (_head(body) if status == HTTPStatus.OK else [])


def _token(door: Door, bare: int, status: int) -> Finding:
    """What the answers without and with the token say."""
    if bare == HTTPStatus.OK:
        if door.is_loopback:
            seen = "none is wanted at this address of this machine"
            return Finding(TOKEN, State.WARNING, seen, CLOSED)
        return Finding(TOKEN, State.FAILED, f"{door.url} answers without one", CLOSED)
    if status == HTTPStatus.OK:
        return Finding(TOKEN, State.OK, "one is wanted, and this one is taken")
    if status in REFUSED:
        seen = "the cluster refuses this one" if door.token else "one is wanted, and none is here"
        return Finding(TOKEN, State.FAILED, seen, LET_IN)
    return Finding(TOKEN, State.FAILED, f"{door.url}: HTTP status {status}", START)


def _head(body: bytes) -> list[Finding]:
    own = version("ray")
    try:
        there = str(json.loads(body).get("ray_version", ""))
    except (ValueError, AttributeError):
        there = ""
    if not there:
        return [Finding(HEAD, State.FAILED, "what answers is no Ray", START)]
    if there == own:
        return [Finding(HEAD, State.OK, f"{there}, as here")]
    remedy = "install the same on both sides: a driver of another version is not let in"
    return [Finding(HEAD, State.FAILED, f"{there}, and {own} here", remedy)]
