from pipeline.models.published_tags import NAMES_BY_CATEGORY, jamendo50, msd50, mtat50

CATEGORIES = ["genre", "instrument", "mood", "vocal", "tempo", "era", "other"]


def test_the_order_is_that_of_the_published_labels(golden):
    labels = golden("musicnn_wheel")["labels"]
    assert list(mtat50().names) == labels["MTT"]
    assert list(msd50().names) == labels["MSD"]


def test_the_two_that_another_published_list_swaps_are_as_the_checkpoints_have_them():
    assert mtat50().names[46:] == ("country", "metal", "female voice", "choral")


def test_each_name_is_in_one_category_and_each_category_is_known():
    assert sorted(NAMES_BY_CATEGORY) == sorted(CATEGORIES)
    names = [name for group in NAMES_BY_CATEGORY.values() for name in group]
    assert len(names) == len(set(names))
    assert set(names) == set(mtat50().names) | set(msd50().names)


def test_jamendos_tags_are_sorted_as_the_published_binarizer_sorts_them():
    tags = jamendo50().tags
    assert list(tags) == sorted(tags)
    assert tags[0] == "genre---alternative"
    assert tags[49] == "mood/theme---relaxing"


def test_there_are_fifty_each():
    assert len(mtat50().tags) == len(msd50().tags) == len(jamendo50().tags) == 50
    assert mtat50().tags[0] == "instrument---guitar"
    assert msd50().tags[33] == "genre---Hip-Hop"
