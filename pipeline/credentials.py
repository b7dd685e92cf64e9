"""Credentials in texts that are kept: found, so that they are refused, and masked in messages.

A configuration, a catalog and a log are read by many, and copied. Forms: the user information of a
URL (RFC 3986, section 3.2.1), and the query parameters that sign a URL for S3, Google Cloud Storage
and Azure, or that carry a token (RFC 6750, section 2.3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipeline.errors import ConfigError

MASK = "***"
INSTEAD = (
    "take it out: each library has its own way to be given it (variables of the environment, "
    "profiles, roles; for MLflow MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD)"
)
_SIGNED = (
    r"x-amz-signature|x-amz-security-token|x-amz-credential|x-goog-signature|x-goog-credential|"
    r"awsaccesskeyid|signature|sig|access_token|auth_token|token|api_?key|password|passwd|secret|"
    r"aws_secret_access_key|aws_session_token|account_key|sas_token"
)
_FORMS = (
    # USER:PASSWORD@; not HOST:PORT/...@
    re.compile(r"(?<=://)(?P<secret>[^/@\s:'\"]*:(?!\d+/)[^@\s'\"]+)(?=@)"),
    # of http, a user alone is a token
    re.compile(r"(?<=\bhttp://)(?P<secret>[^/@\s:'\"]+)(?=@)", re.IGNORECASE),
    re.compile(r"(?<=\bhttps://)(?P<secret>[^/@\s:'\"]+)(?=@)", re.IGNORECASE),
    re.compile(rf"[?&](?:{_SIGNED})=(?P<secret>[^&\s'\"#]+)", re.IGNORECASE),
)


def holds_credentials(text: str) -> bool:
    """Whether a URL in the text has a password, a token or a signature in it."""
    return "://" in text and any(form.search(text) for form in _FORMS)


def masked(text: str) -> str:
    """The text with `***` for what `holds_credentials` finds."""
    for form in _FORMS:
        text = form.sub(lambda found: found[0].replace(found["secret"], MASK), text)
    return text


def refuse_credentials(flat: Mapping[str, str]) -> None:
    """Refuses a configuration that holds credentials: it is printed, logged and kept with results.

    Args:
        flat: `section.key` to value.

    Raises:
        ConfigError: says where, not which.
    """
    found = [key for key, text in flat.items() if holds_credentials(f"{key} {text}")]
    if found:
        raise ConfigError(
            f"{', '.join(map(masked, found))} holds a password, a token or a signature in a URL, "
            f"which would be readable in logs, tables and MLflow: {INSTEAD}"
        )
