"""The table of parity: our networks against published outputs. `python tests/bench/parity.py`.

Networks under weights made by a stated rule (golden/architectures.json), the checkpoints of MTAT
(golden/published_mtat.json) and those of the musicnn wheel (golden/musicnn_wheel.json), each on the
reference signal; the reference files must be there.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import torch  # noqa: E402
from golden_weights import golden_weights  # noqa: E402

from pipeline.audio.frontend import FRONTENDS, Frontend  # noqa: E402
from pipeline.models.architectures import build  # noqa: E402
from pipeline.models.bundle import bundle_url, read_bundle  # noqa: E402
from pipeline.models.published import add_published  # noqa: E402
from pipeline.models.published_sota import FRONTENDS as READS  # noqa: E402
from pipeline.models.tagger import Tagger  # noqa: E402
from pipeline.storage import Storage  # noqa: E402

SHARED = ROOT.parent / "shared"


def main() -> None:
    if not SHARED.is_dir():
        raise SystemExit("skipped: no reference files")
    wave_T, _ = soundfile.read(SHARED / "golden" / "signal_16k.flac", dtype="float32")
    print(f"{'network':<22}{'parameters':>12}{'published':>12}{'largest difference':>20}")
    rows = [*architectures(wave_T), *checkpoints(wave_T)]
    for name, parameters, published, difference in rows:
        print(f"{name:<22}{parameters:>12,}{published:>12}{difference:>20.1e}")


def golden(name: str) -> dict[str, dict]:
    return json.loads((SHARED / "golden" / f"{name}.json").read_text())["cases"]


def architectures(wave_T):
    for name, case in golden("architectures").items():
        network = build(name, parameters={"num_tags": 50}).eval()
        network.load_state_dict(golden_weights(name))
        frontend = Frontend(FRONTENDS[READS[name]])
        with torch.inference_mode():
            chunk_1T = torch.from_numpy(wave_T[: case["length"]])[None]
            mel_NMF = frontend.network_input(frontend.mel_chunks(chunk_1T))
            scores_K = network(mel_NMF).logits_NK.sigmoid()[0].numpy()
        count = sum(weight.numel() for weight in network.parameters())
        yield name, count, f"{case['params']:,}", np.abs(scores_K - case["output"]).max()


def checkpoints(wave_T):
    with tempfile.TemporaryDirectory() as root_url:
        for name, case in golden("published_mtat").items():
            file = SHARED / "weights" / "sota-mtat" / f"{name.rpartition('/')[2]}.pth"
            tagger = imported(f"sota:{name}", file=file, root_url=root_url)
            scores_K = tagger.score_wave(wave_T[: case["length"]]).scores_NK[0]
            yield row(f"sota:{name}", tagger, np.abs(scores_K - case["output"]).max())
        wheel = ROOT / "build" / "wheels" / "musicnn-0.1.0-py3-none-any.whl"
        for name, case in golden("musicnn_wheel").items():
            file = wheel if wheel.is_file() else None
            tagger = imported(f"musicnn:{name}", file=file, root_url=root_url)
            scores = tagger.score_wave(wave_T)
            first = np.abs(scores.scores_NK[0] - case["first_patch"]).max()
            yield row(
                f"musicnn:{name}",
                tagger,
                max(first, np.abs(scores.mean_scores() - case["mean"]).max()),
            )


def imported(reference, *, file, root_url):
    add_published(reference, root_url=root_url, storage=Storage(), source_file=file)
    return Tagger(*read_bundle(bundle_url(reference, root_url=root_url), storage=Storage()))


def row(name, tagger, difference):
    return name, sum(weight.numel() for weight in tagger.network.parameters()), "-", difference


if __name__ == "__main__":
    main()
