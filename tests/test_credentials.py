from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.credentials import MASK, holds_credentials, masked, refuse_credentials
from pipeline.errors import ConfigError

SECRET = "hunter2-Zm9v/ba+r"
WITH = [
    f"http://me:{SECRET}@runs.example:5000/x",
    f"https://:{SECRET}@runs.example",
    f"postgresql+psycopg2://mlflow:{SECRET}@database:5432/mlflow",
    f"s3://AKIA123:{SECRET}@bucket/prefix",
    f"ftp://user:{SECRET}@host/a.mp3",
    "https://hunter2-Zm9v@raw.example/a.mp3",
    f"https://b.s3.amazonaws.com/a.mp3?X-Amz-Algorithm=A&X-Amz-Signature={SECRET}",
    f"https://storage.googleapis.com/b/a?x-goog-signature={SECRET}",
    f"https://x.blob.core.windows.net/c/a.mp3?sv=2024&sig={SECRET}&se=1",
    f"https://h/a.mp3?token={SECRET}",
    f"mysql://host/db?password={SECRET}",
    f"see https://me:{SECRET}@h/x for it",
]
WITHOUT = [
    "http://HOST:5000",
    "https://runs.example:8080/a@b",
    "s3://bucket/prefix/a@b:c",
    "abfss://container@account.dfs.core.windows.net/x",
    "sftp://user@host/music",
    "postgresql://mlflow@database:5432/mlflow",
    "models:/notes@champion",
    "sqlite:////home/a@b/mlflow.db",
    "/music/AC:DC @ live/token=1.mp3",
    "musicnn:MTT_musicnn",
    "https://h/a.mp3?page=2&tokens=5",
    "16:9",
]


@pytest.mark.parametrize("text", WITH)
def test_credentials_in_urls_are_found_and_masked(text):
    assert holds_credentials(text)
    assert "hunter2" not in masked(text)
    assert MASK in masked(text)
    assert not holds_credentials(masked(text)) or MASK in masked(text)


@pytest.mark.parametrize("text", WITHOUT)
def test_what_only_looks_alike_stays_as_it_is(text):
    assert not holds_credentials(text)
    assert masked(text) == text


def test_a_refusal_names_the_keys_and_not_the_values():
    refuse_credentials({"workspace.root_url": "s3://bucket", "tracking.uri": "http://HOST:5000"})
    flat = {"tracking.uri": WITH[0], "workspace.root_url": "s3://bucket", WITH[1]: "x"}
    with pytest.raises(ConfigError) as error:
        refuse_credentials(flat)
    assert str(error.value).startswith(f"tracking.uri, https://{MASK}@runs.example holds a pass")
    assert "hunter2" not in str(error.value)


@given(st.text(), st.text("abc:/@?=&%+ ", max_size=40))
def test_masking_never_fails_and_hides_any_password(text, more):
    masked(text)
    masked("http://" + more)
    secret = "s3cr3t" + "".join(sign for sign in text if sign not in "@'\"" and not sign.isspace())
    assert secret not in masked(f"http://user:{secret}@host/{more}")
