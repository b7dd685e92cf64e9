from __future__ import annotations

import pytest
from browsing import press

from pipeline.browse.desk import NUM_DESKS, NUM_LISTED, Desk, Desks


def listed(client) -> list[str]:
    text = client.get("/list/file?form=csv").text
    return [line.split(",")[1] for line in text.splitlines()[1:]]


def test_buttons_put_move_and_take(client):
    for track_id in ("t000", "t001", "t002"):
        press(client, "/desk", do="list", track=track_id)
    press(client, "/desk", do="up", track="t002")
    press(client, "/desk", do="down", track="t000")
    assert listed(client) == ["t002", "t000", "t001"]
    press(client, "/desk", do="list", track="t000")
    press(client, "/desk", do="up", track="t002")
    assert listed(client) == ["t002", "t001"]
    press(client, "/desk", do="clear-list")
    assert listed(client) == []


def test_a_mark_is_set_changed_and_taken_back(client):
    press(client, "/desk", do="has", track="t000")
    press(client, "/desk", do="has-not", track="t001")
    assert "1 that have it, 1 that have it not" in client.get("/teach").text
    press(client, "/desk", do="has-not", track="t000")
    assert "0 that have it, 2 that have it not" in client.get("/teach").text
    press(client, "/desk", do="has-not", track="t000")
    assert "0 that have it, 1 that have it not" in client.get("/teach").text


def test_marks_are_offered_in_lists_when_a_visitor_wants_them(client):
    assert "has not</button>" not in client.get("/").text
    press(client, "/desk", do="marking")
    assert "has not</button>" in client.get("/").text


def test_a_script_gets_numbers(client):
    from browsing import form_key

    data = {"key": form_key(client), "do": "list", "track": "t000"}
    answer = client.post("/desk", data=data, headers={"X-Earmark-Quiet": "1"})
    assert answer.json() == {"listed": 1, "marks": 0}


def test_a_button_that_does_not_exist_is_refused(client):
    assert press(client, "/desk", do="format-disk", track="t000").status_code == 400


def test_a_list_has_an_end():
    desk = Desk()
    for i in range(NUM_LISTED + 5):
        desk.put(f"t{i}")
        desk.mark(f"t{i}", has_tag=True)
    assert len(desk.listed) == len(desk.marks) == NUM_LISTED


def test_desks_of_long_ago_are_cleared_and_keys_are_the_visitors_own():
    desks = Desks()
    desks.of("first").put("t0")
    for i in range(NUM_DESKS):
        desks.of(f"v{i}")
    assert desks.of("first").listed == []
    assert desks.form_key("a") == desks.form_key("a") != desks.form_key("b")
    assert Desks().form_key("a") != desks.form_key("a")


@pytest.mark.parametrize("by", [-9, 9])
def test_moving_over_an_end_stays_there(by):
    desk = Desk(["a", "b", "c"])
    desk.move("b", by=by)
    assert desk.listed == (["b", "a", "c"] if by < 0 else ["a", "c", "b"])
    desk.move("z", by=1)
