import json
from dataclasses import replace

import pytest

from pipeline.audio.chunk import Tail
from pipeline.models.chunking import Chunking, Domain


@pytest.mark.parametrize("domain", Domain)
@pytest.mark.parametrize("tail", Tail)
def test_json_holds_all_of_it(domain, tail):
    chunking = Chunking(domain, length=187, hop=100, tail=tail)
    assert Chunking.from_json(json.loads(json.dumps(chunking.to_json()))) == chunking


def test_a_number_of_chunks_is_kept_and_none_leaves_no_trace():
    dense = Chunking(Domain.FRAMES, length=187, hop=187, tail=Tail.ALIGN)
    sixteen = replace(dense, count=16)
    assert Chunking.from_json(json.loads(json.dumps(sixteen.to_json()))) == sixteen
    assert "count" not in dense.to_json()
    assert sixteen.starts(187 + 33) == [2 * i for i in range(16)]
    assert sixteen.starts(100) == dense.starts(100) == [0]


def test_an_unknown_domain_is_refused():
    facts = Chunking(Domain.FRAMES, length=1, hop=1, tail=Tail.PAD).to_json()
    with pytest.raises(ValueError, match="bars"):
        Chunking.from_json(facts | {"domain": "bars"})
