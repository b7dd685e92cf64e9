from fakes import TONE_REFERENCE, tone_bundle

from pipeline.models.bundle import bundle_url, read_bundle
from pipeline.models.speed import speeds
from pipeline.models.tagger import Tagger
from pipeline.storage import Storage


def test_chunks_a_second_and_times_real_time_say_the_same(tmp_path):
    tone_bundle(str(tmp_path))
    url = bundle_url(TONE_REFERENCE, root_url=str(tmp_path))
    tagger = Tagger(*read_bundle(url, storage=Storage()))
    found = speeds({"one": tagger, "two": tagger}, rounds=2)
    assert set(found) == {"one", "two"}
    for speed in found.values():
        assert speed.chunks_a_second > 0
        assert speed.times_real_time / speed.chunks_a_second == 2.0  # chunks of 2 s
