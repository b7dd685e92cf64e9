"""Models as jobs name them: `models:/NAME@ALIAS` and `models:/NAME/VERSION` become folders.

They are resolved once, on the driver: a run that has begun keeps its version when the alias moves,
and workers read the bundle from the workspace, without MLflow.
"""

from __future__ import annotations

import re
from typing import TypeVar

from pipeline.config import Section, TrackingConfig, WorkspaceConfig
from pipeline.errors import ConfigError
from pipeline.registry import CHAMPION, Registry

_REFERENCE = re.compile(r"models:/(?P<name>[^/@:]+)(?:@(?P<alias>[^/@:]+)|/(?P<version>\d+))")


JobT = TypeVar("JobT", bound=Section)
_PLACES = (("scoring", "models"), ("evaluation", "probes"), ("explanation", "model"))
"""Section and key of what names bundles."""


def resolve(reference: str, *, workspace: WorkspaceConfig, tracking: TrackingConfig) -> str:
    """A model's reference as workers read it: `models:/...` becomes a folder, others stay.

    Raises:
        ConfigError: no such model, version or alias, or the version holds no bundle.
    """
    if not reference.startswith("models:/"):
        return reference
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ConfigError(
            f"{reference!r} is not of the form models:/NAME@ALIAS, for example @{CHAMPION}, or "
            "models:/NAME/VERSION"
        )
    registry = Registry(workspace=workspace, tracking=tracking)
    name, alias = match["name"], match["alias"]
    version = int(match["version"]) if alias is None else _version(registry, name, alias=alias)
    return registry.bundle_url(name, version=version)


def with_bundles(config: JobT) -> JobT:
    """A job's configuration with every model that it names resolved, for its stages.

    Raises:
        ConfigError: see `resolve`.
    """
    place = {name: getattr(config, name) for name in ("workspace", "tracking")}
    for section, key in _PLACES:
        if (part := getattr(config, section, None)) is None:
            continue
        named = getattr(part, key)
        found: object
        if isinstance(named, str):
            found = resolve(named, **place)
        else:
            found = tuple(resolve(model, **place) for model in named)
        changed = part.model_copy(update={key: found})
        config = config.model_copy(update={section: changed})
    return config


def _version(registry: Registry, name: str, *, alias: str) -> int:
    aliases = registry.aliases(name)
    if alias not in aliases:
        known = ", ".join(sorted(aliases)) or "none"
        raise ConfigError(
            f"models:/{name}@{alias}: {name} has no such alias (it has: {known}); earmark promote "
            f"{name} sets {CHAMPION}, and models:/{name}/{registry.newest(name)} is the newest "
            "version"
        )
    return aliases[alias]
