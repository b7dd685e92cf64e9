from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tables.workload import WorkloadBuilder

SECONDS = st.lists(st.lists(st.floats(0, 1e4), max_size=40), max_size=12)


@given(SECONDS, st.sampled_from([2, 4, 8, 64, 1024]))
def test_stripes_hold_the_sums_of_their_tracks(batches, most_stripes):
    builder = WorkloadBuilder(most_stripes)
    for batch in batches:
        builder.add(np.array(batch))
    workload = builder.built()
    work_s = np.array([second for batch in batches for second in batch])
    assert workload.num_tracks == len(work_s)
    assert len(workload.work_s) <= most_stripes
    for i, found in enumerate(workload.work_s):
        expected = work_s[i * workload.stripe : (i + 1) * workload.stripe].sum()
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-9)
    assert len(workload.work_s) == -(-len(work_s) // workload.stripe)


def test_few_tracks_have_a_stripe_each():
    builder = WorkloadBuilder()
    builder.add(np.array([2.0, 3600.0, 2.0]))
    assert builder.built().stripe == 1
    assert builder.built().work_s.tolist() == [2.0, 3600.0, 2.0]
