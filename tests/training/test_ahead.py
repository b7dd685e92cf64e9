import pytest

from pipeline.training.ahead import ahead


def test_items_come_in_order():
    assert list(ahead(iter(range(20)))) == list(range(20))


def test_no_more_are_made_than_are_asked_for_and_a_few():
    made = []

    def items():
        for i in range(100):
            made.append(i)
            yield i

    coming = ahead(items(), depth=3)
    next(coming)
    coming.close()
    assert len(made) <= 5


def test_what_goes_wrong_is_raised_where_the_item_is_asked_for():
    def items():
        yield 1
        raise ValueError("no more")

    coming = ahead(items())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="no more"):
        next(coming)
