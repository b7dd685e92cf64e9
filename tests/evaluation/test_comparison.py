from __future__ import annotations

from dataclasses import replace

from pipeline.evaluation.bootstrap import Interval
from pipeline.evaluation.comparison import (
    Comparison,
    Contender,
    columns,
    comparison_text,
    render_comparison,
    rows,
)

SHORT = Contender(
    name="short",
    model_version="short@1",
    frontend="sota-mel128",
    chunk_s=3.696,
    parameters=3_687_348,
    epochs=5,
    train_chunks_a_second=12.34,
    chunks_a_second=56.78,
    times_real_time=209.9,
    metrics={"roc_auc_macro": 0.9126},
    intervals={"roc_auc_macro": Interval(0.9126, 0.9, 0.92)},
)
FOUND = Comparison(
    name="<networks>",
    made_at="2026-01-01 00:00 UTC",
    facts={"task": "instruments, 16 tags"},
    metrics=("roc_auc_macro", "f1_macro"),
    contenders=(SHORT, replace(SHORT, name="fcn", metrics={}, intervals={})),
)


def test_json_holds_all_of_it():
    assert Comparison.from_json(FOUND.to_json()) == FOUND


def test_a_row_has_a_cell_for_each_column_and_a_dash_for_what_is_not_defined():
    assert columns(FOUND)[4:6] == ["roc_auc_macro", "f1_macro"]
    first, second = rows(FOUND)
    assert len(first) == len(second) == len(columns(FOUND))
    assert first == [
        *("short", "3,687,348", "sota-mel128", "3.7", "0.913 (0.900 to 0.920)", "-"),
        *("12.3", "56.8", "210"),
    ]
    assert second[4] == "-"


def test_the_numbers_are_named_by_network():
    assert FOUND.numbers() == {
        "short/parameters": 3_687_348,
        "short/train_chunks_a_second": 12.34,
        "short/chunks_a_second": 56.78,
        "short/roc_auc_macro": 0.9126,
        "fcn/parameters": 3_687_348,
        "fcn/train_chunks_a_second": 12.34,
        "fcn/chunks_a_second": 56.78,
    }


def test_text_and_page_show_every_network_and_escape_names():
    text = comparison_text(FOUND, width=160)
    assert text.index("short") < text.index("fcn")
    page = render_comparison(FOUND)
    assert "&lt;networks&gt;" in page
    assert "<networks>" not in page
    assert page.count('<th scope="row">') == 2
