from __future__ import annotations

import pickle

from pipeline.errors import DataError, Reason


def test_a_data_error_survives_the_way_between_processes():
    error = pickle.loads(pickle.dumps(DataError(Reason.TRUNCATED, "1 of 2 s")))
    assert (error.reason, error.detail, str(error)) == (
        Reason.TRUNCATED,
        "1 of 2 s",
        "truncated: 1 of 2 s",
    )
