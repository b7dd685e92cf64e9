from __future__ import annotations

import pytest

from pipeline.storage import Storage
from pipeline.tables.estimates import Estimate, estimate_url, read_estimate, write_estimate

STORAGE = Storage()
ESTIMATE = Estimate("tag", ("b", "a"), 0.01, 0.008, 0.012, 5.0, 0.9, {"hours": 3.0})


def test_an_estimate_is_found_by_its_verb_and_keys_in_any_order(tmp_path):
    root = str(tmp_path)
    write_estimate(root, storage=STORAGE, estimate=ESTIMATE)
    assert read_estimate(root, storage=STORAGE, verb="tag", keys=("a", "b")) == ESTIMATE
    assert read_estimate(root, storage=STORAGE, verb="features", keys=("a", "b")) is None
    assert read_estimate(root, storage=STORAGE, verb="tag", keys=("a",)) is None


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"keys": [], "other": 1}'])
def test_an_estimate_that_cannot_be_read_is_none(tmp_path, text):
    url = estimate_url(str(tmp_path), verb="tag", keys=("a",))
    STORAGE.write(url, text)
    assert read_estimate(str(tmp_path), storage=STORAGE, verb="tag", keys=("a",)) is None


def test_more_workers_take_less_after_the_start():
    low, middle, high = ESTIMATE.seconds(9_000.0, num_workers=2)
    assert (low, middle, high) == pytest.approx((45.0, 55.0, 65.0))
