"""Any text is a configuration or is refused in words, and none that is kept holds a password."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from fuzzed import EDITS, damaged
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline import config
from pipeline.config_submit import VERBS
from pipeline.credentials import holds_credentials
from pipeline.errors import ConfigError

CONF = Path(__file__).resolve().parents[2] / "conf"
JOBS = sorted({(kind, name) for kind, name in VERBS.values()}, key=lambda one: one[1])
BOUNDED = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SCALARS = st.sampled_from(
    [
        *("1", "-1", "1e4", "0", ".nan", ".inf", "null", "~", "yes", "''", "a", "2001-99-99"),
        *("0x", "9" * 5000, "!!float x", "!!timestamp 1", "!!int ''", "!!bool x", "!!binary x"),
        *('"\\0"', '"\\ud800"', "!!python/object/apply:os.system [id]", "*a", "&a [*a]", "<<: 1"),
        *("[" * 100, "{}", "[]", "s3://b/c", "http://me:hunter2@h", "1:99:99"),
    ]
) | st.text(max_size=8)


def refused(message: str) -> None:
    assert message
    assert "hunter2" not in message


def loaded(path: Path, kind: type[config.Section], *overrides: str) -> config.Section | None:
    """The configuration; None: refused in words."""
    try:
        job = config.load(kind, path, overrides=overrides)
    except ConfigError as error:
        return refused(str(error))
    assert not any(holds_credentials(text) for text in config.flatten(job).values())
    again = path.with_name("again.yaml")
    again.write_text(config.dump(job), encoding="utf-8")
    assert config.load(kind, again) == job
    return job


@BOUNDED
@given(data=st.binary(max_size=200))
@example(data=b"a: 2001-99-99")
@example(data=b"\xff\xfe\0")
@example(data=b"[" * 600)
@example(data=b"workspace: {root_url: 's3://key:hunter2-" + b"x" * 200)
@example(data=b"a: " + b"9" * 6000)
@example(data=b"a: !!timestamp 1")
@example(data=b"a: !!float x")
@example(data=b"a: !!bool x")
@example(data=b"a: !!int ''")
@example(data=b"a: &a [*a]")
@example(data=b"workspace: &a {root_url: *a}")
@example(data=b"tracking: [http://me:hunter2@h")
@example(data=b"tracking: {uri: [http://me:hunter2@h]}")
@example(data=b"http://me:hunter2@h: 1")
def test_any_bytes_are_refused_in_words(tmp_path, data):
    (tmp_path / "a.yaml").write_bytes(data)
    assert loaded(tmp_path / "a.yaml", config.CatalogJob) is None


@BOUNDED
@given(job=st.sampled_from(JOBS), edits=EDITS)
def test_a_damaged_configuration_is_a_job_or_refused(tmp_path, job, edits):
    kind, name = job
    (tmp_path / name).write_bytes(damaged((CONF / name).read_bytes(), edits))
    loaded(tmp_path / name, kind)


@BOUNDED
@given(job=st.sampled_from(JOBS), data=st.data())
def test_any_override_gives_a_job_or_is_refused(job, data, tmp_path):
    kind, name = job
    flat = sorted(config.flatten(config.load(kind, CONF / name)))
    keys = st.sampled_from([*flat, *(key.partition(".")[0] for key in flat)]) | st.text(max_size=8)
    sets = data.draw(st.lists(st.builds("{}={}".format, keys, SCALARS), max_size=3))
    (tmp_path / name).write_bytes((CONF / name).read_bytes())
    loaded(tmp_path / name, kind, *sets)


def test_yaml_runs_nothing(tmp_path):
    for tag in ("python/object/apply:os.system", "python/object/new:os.system", "python/name:os"):
        text = f"workspace: !!{tag} ['touch {tmp_path}/sprung']"
        (tmp_path / "a.yaml").write_text(text)
        assert loaded(tmp_path / "a.yaml", config.CatalogJob) is None
    assert os.listdir(tmp_path) == ["a.yaml"]
    with pytest.raises(yaml.constructor.ConstructorError):
        yaml.safe_load(text)


@pytest.mark.parametrize("key", ["tracking.uri", "workspace.root_url", "workspace.endpoint_url"])
def test_a_password_in_a_configuration_is_refused_before_it_is_kept(key):
    for url in ("http://me:hunter2@h", "s3://key:hunter2@b/c", "https://h/?sig=hunter2"):
        with pytest.raises(ConfigError, match=f"{key} holds a password") as error:
            config.load(config.TagJob, CONF / "tag.yaml", overrides=(f"{key}={url}",))
        assert "hunter2" not in str(error.value)
