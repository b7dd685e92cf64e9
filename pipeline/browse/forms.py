"""What pages are asked: parameters of links, and forms, whose key must be the visitor's own."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

from pydantic import ValidationError
from starlette.datastructures import ImmutableMultiDict
from starlette.exceptions import HTTPException
from starlette.requests import Request

from pipeline.browse.desk import Desk
from pipeline.browse.site import Site, site_of
from pipeline.config import Section
from pipeline.errors import ConfigError

Values = ImmutableMultiDict[str, str]

SectionT = TypeVar("SectionT", bound=Section)

MAX_FORM_BYTES = 2**16
KEY = "key"


@dataclass(frozen=True)
class Sent:
    """A form that was sent.

    Attributes:
        site: the application's parts.
        desk: the visitor's.
        values: by the fields' names.
    """

    site: Site
    desk: Desk
    values: Values

    @property
    def back(self) -> str:
        """The page that the form stood on: a path of this server, `/` if it is none."""
        path = self.values.get("back", "/")
        return path if path.startswith("/") and path[1:2] not in ("/", "\\") else "/"


async def read_form(request: Request) -> Sent:
    """A form with its visitor's key.

    Raises:
        HTTPException: it is too large, no form, or has not the visitor's key.
    """
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "a form is wanted")
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > MAX_FORM_BYTES:
            raise HTTPException(413, "the form is too large")
    pairs = parse_qsl(data.decode(errors="replace"), keep_blank_values=True)
    return check_key(request, Values(pairs))


def check_key(request: Request, values: Values) -> Sent:
    """A form whose key is its visitor's.

    Raises:
        HTTPException: it is not.
    """
    site, visitor = site_of(request), request.state.visitor
    wanted = site.desks.form_key(visitor)
    if not hmac.compare_digest(values.get(KEY, "").encode(), wanted.encode()):
        raise HTTPException(403, "the form is too old: load its page again")
    return Sent(site, site.desks.of(visitor), values)


def texts(values: Values, name: str) -> tuple[str, ...]:
    """All texts of a field that are not blank."""
    return tuple(text.strip() for text in values.getlist(name) if text.strip())


def text(values: Values, name: str) -> str | None:
    """A field's text; None if it is blank."""
    return (values.get(name) or "").strip() or None


def number(values: Values, name: str) -> float | None:
    """A field's number; None if it is blank.

    Raises:
        ConfigError: it is no number.
    """
    given = text(values, name)
    if given is None:
        return None
    try:
        return float(given)
    except ValueError:
        raise ConfigError(f"{name.replace('_', ' ')}: {given!r} is no number") from None


def whole(values: Values, name: str) -> int | None:
    """A field's whole number; None if it is blank.

    Raises:
        ConfigError: it is none.
    """
    given = number(values, name)
    if given is None:
        return None
    if given != round(given) or abs(given) > 2**31:
        raise ConfigError(f"{name.replace('_', ' ')}: {given:g} is no whole number")
    return round(given)


def link(path: str, values: Mapping[str, object]) -> str:
    """A link with parameters; empty ones are left out, lists are repeated."""
    kept = {name: value for name, value in values.items() if value not in (None, "", (), [])}
    return f"{path}?{urlencode(kept, doseq=True)}" if kept else path


def changed(section: SectionT, **values: object) -> SectionT:
    """A section of the configuration with some values of a form, checked as a file's are.

    Raises:
        ConfigError: what cannot be; all is listed.
    """
    try:
        return type(section).model_validate(section.model_dump() | values)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']} (given: {fault['input']!r})"
            for fault in error.errors()
        ]
        raise ConfigError("\n".join(faults)) from None
