from __future__ import annotations

import pytest

from pipeline.taxonomy import Taxonomy


def test_encode_and_decode_are_inverse():
    taxonomy = Taxonomy("t", ("genre---rock", "mood---x", "genre---x"))
    assert taxonomy.encode(["genre---x", "mood---x"]) == [2, 1]
    assert taxonomy.decode([2, 1]) == ["genre---x", "mood---x"]
    assert taxonomy.names == ("rock", "x", "x")
    assert taxonomy.categories == ("genre", "mood", "genre")


def test_unknown_labels_are_all_named():
    with pytest.raises(ValueError, match="'a---b', 'c---d'"):
        Taxonomy("t", ("genre---rock",)).encode(["a---b", "genre---rock", "c---d"])


@pytest.mark.parametrize("tags", [("rock",), ("---rock",), ("genre---",), ("a---b", "a---b")])
def test_tags_without_category_or_twice_are_refused(tags):
    with pytest.raises(ValueError, match="taxonomy t"):
        Taxonomy("t", tags)


def test_the_id_follows_order_and_content():
    one = Taxonomy("t", ("a---b", "c---d"))
    assert one.taxonomy_id == Taxonomy("t", ("a---b", "c---d")).taxonomy_id
    assert one.taxonomy_id != Taxonomy("t", ("c---d", "a---b")).taxonomy_id
