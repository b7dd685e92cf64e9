"""A check has a time limit, so that an address that answers nothing never hangs the command."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.pool import ThreadPool

from pipeline.doctor.finding import Finding, State
from pipeline.errors import UserError
from pipeline.storage import FAULTS

SHOWN_CHARACTERS = 400


def carry_out(
    name: str, check: Callable[[], list[Finding]], *, timeout_s: float, remedy: str
) -> list[Finding]:
    """What a check finds; one that is late or fails is a finding as well.

    A late one is left to itself: its thread ends with the process.

    Args:
        name: of the check.
        check: looks, and says what it saw.
        timeout_s: seconds that it may take.
        remedy: what to do when it is late, or fails in a way of its own.
    """
    try:
        with ThreadPool(1) as pool:  # of daemons: an executor's threads are waited for at the end
            return pool.apply_async(check).get(timeout_s)
    except multiprocessing.TimeoutError:
        return [Finding(name, State.FAILED, f"no answer within {timeout_s:g} s", remedy)]
    except UserError as error:  # says itself what to do
        return [Finding(name, State.FAILED, brief(error), remedy)]
    except FAULTS as error:
        return [Finding(name, State.FAILED, f"{type(error).__name__}: {brief(error)}", remedy)]


def brief(error: BaseException | str) -> str:
    """A message in one line, shortened."""
    text = " ".join(str(error).split())
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."
