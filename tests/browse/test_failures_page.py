from __future__ import annotations

import re


def test_failures_stand_by_reason_with_examples(client):
    text = client.get("/failures").text
    assert "3 of 13 results are failures" in text
    rows = re.findall(r'reason=(\w+)#listed">.*?<td class="right">(\d+)</td>', text, re.DOTALL)
    assert rows == [("empty", "2"), ("not_audio", "1")]
    assert "it was empty" in text


def test_the_tracks_of_a_reason_are_listed(client):
    text = client.get("/failures?reason=empty").text
    listed = text[text.index('id="listed"') :]
    assert "x-empty" in listed
    assert "x-short" in listed
    assert "x-html" not in listed
    assert "No track has failed" in client.get("/failures", params={"reason": "' OR 1=1"}).text
