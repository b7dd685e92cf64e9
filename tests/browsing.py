"""What tests of the pages share: settings, a title that is a script, and how a form is sent."""

from __future__ import annotations

import re
import time

from starlette.testclient import TestClient
from workspace import CONF

from pipeline import config
from pipeline.config_browse import BrowseJob

BASE = "http://127.0.0.1:8765"
SCRIPT = "<script>alert('title')</script>"


def settings(root, *overrides: str) -> BrowseJob:
    given = (f"workspace.root_url={root}", "browse.port=8765", "tags.percentile=50", *overrides)
    return config.load(BrowseJob, CONF / "browse.yaml", overrides=given)


def form_key(client: TestClient) -> str:
    return re.search(r'name="key" value="(\w+)"', client.get("/").text)[1]


def press(client: TestClient, path: str, **values):
    data = {"key": form_key(client), **values}
    return client.post(path, data=data, follow_redirects=False)


def settled(client: TestClient, path: str) -> str:
    """The page once it does not look again by itself."""
    for _ in range(400):
        text = client.get(path).text
        if 'http-equiv="refresh"' not in text:
            return text
        time.sleep(0.05)
    raise AssertionError("it never ends")
