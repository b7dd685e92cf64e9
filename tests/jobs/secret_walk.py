"""A program: verbs one after another, also such as fail; prints what each prints, as one log.

In: a JSON list of command lines. A line that must fail begins with `!`.
"""

from __future__ import annotations

import json
import sys
import time
import traceback

from click.testing import CliRunner

from jobs.__main__ import main


def run(line: list[str]) -> None:
    must_fail = line[0] == "!"
    started_s = time.monotonic()
    result = CliRunner().invoke(main, line[must_fail:])
    took_s = time.monotonic() - started_s
    print(f"== exit code {result.exit_code} after {took_s:.1f} s\n{result.output}", flush=True)
    if result.exception is not None:
        traceback.print_exception(result.exception, file=sys.stdout)
    if must_fail != (result.exit_code != 0):
        sys.exit(f"{line[:3]} ended with {result.exit_code}")


if __name__ == "__main__":
    for command_line in json.loads(sys.argv[1]):
        run(command_line)
