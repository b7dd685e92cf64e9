"""The kill matrix as a table: python tests/faults/matrix.py [--seed N] [--json FILE] ..."""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

if __name__ == "__main__":
    HERE = Path(__file__).resolve().parent
    sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]

from fault_cluster import Ground
from fault_trials import MATRIX, QUICK, Outcome, Stage

HEAD = (
    "| fault | verb | what was killed, when | rows before | rows at the end | same as undisturbed "
    "| verify holds | s |\n|---|---|---|---:|---:|---|---|---:|"
)


def line(outcome: Outcome) -> str:
    before = "" if outcome.rows_before is None else str(outcome.rows_before)
    yes_no = ["yes" if value else "NO" for value in (outcome.same, outcome.holds)]
    killed = outcome.killed + "".join(f"; PROBLEM: {text[:80]}" for text in outcome.problems)
    cells = (outcome.fault, outcome.verb, killed, before, str(outcome.rows_end), *yes_no)
    return "| " + " | ".join((*cells, f"{outcome.seconds:.1f}")) + " |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="chooses tracks and commits")
    parser.add_argument("--only", default="", help="trials in whose 'NAME in VERB' this matches")
    parser.add_argument("--quick", action="store_true", help="the four trials of ./infra/test")
    parser.add_argument("--json", type=Path, help="also writes the outcomes there")
    parser.add_argument("--keep", type=Path, help="workspaces and logs stay in this new folder")
    options = parser.parse_args()
    listed = QUICK if options.quick else MATRIX
    chosen = [trial for trial in listed if re.search(options.only, " in ".join(trial))]
    if not chosen:
        parser.error(f"no trial matches {options.only!r}")
    started, outcomes = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="earmark-faults-") as folder, Ground() as ground:
        stage = Stage(ground, options.keep or Path(folder), seed=options.seed)
        print(HEAD)
        for name, verb in chosen:
            outcomes.append(stage.play(name, verb))
            print(line(outcomes[-1]), flush=True)
            if options.json:
                facts = {"seed": options.seed, "outcomes": [asdict(o) for o in outcomes]}
                options.json.write_text(json.dumps(facts, indent=1) + "\n")
    failed = sum(not outcome.passed for outcome in outcomes)
    seconds = time.monotonic() - started
    print(f"\n{len(outcomes)} trials, {failed} failed, seed {options.seed}, {seconds:.0f} s")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
