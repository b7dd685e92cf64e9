from __future__ import annotations

from pipeline.tables.plan import Plan
from pipeline.tables.plan_check import PlanCheck


def check(*, missing=0, requeued=0, replaced=False):
    plan = Plan("p1", "s1", "results", 1000, "2026-03-01")
    return PlanCheck(plan, replaced, 990, 10, requeued, missing, ("t1", "t2"))


def test_a_finished_plan_has_no_fault_and_no_empty_counts():
    assert check().fault() is None
    assert check().line() == "plan p1 (results s1, current): 1,000 planned = 990 ok + 10 failed"


def test_lost_and_requeued_tracks_are_told_apart():
    assert "2 of 1,000 tracks have no row (for" in check(missing=2).fault()
    assert "3 of 1,000 are open again (requeued) (for" in check(requeued=3).fault()
    both = check(missing=2, requeued=3)
    assert "2 of 1,000 tracks have no row and 3 of 1,000 are open again" in both.fault()
    assert both.line().endswith("+ 3 requeued + 2 missing")


def test_a_replaced_plan_is_not_held_to_anything():
    assert check(missing=2, replaced=True).fault() is None
    assert "replaced by a later plan" in check(replaced=True).line()
