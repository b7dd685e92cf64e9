"""Rows of the results ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError, Reason


def ok_row(
    facts: dict[str, Any],
    *,
    duration_s: float,
    num_chunks: int,
    scores_K: NDArray[np.float32],
    embedding_E: NDArray[np.float32] | None,
    flaw: Reason | None,
    detail: str,
    tagged_at: datetime,
) -> dict[str, Any]:
    """A scored track; `flaw` says what was wrong with a file that was still good enough.

    A taught tagger's rows have no embedding: its base's have it.
    """
    return facts | {
        "status": "ok",
        "reason": flaw,
        "detail": detail or None,
        "duration_s": duration_s,
        "num_chunks": num_chunks,
        "scores": scores_K,
        "embedding": embedding_E,
        "tagged_at": tagged_at,
    }


def failed_row(facts: dict[str, Any], *, error: DataError, tagged_at: datetime) -> dict[str, Any]:
    """A track without a result, with its reason."""
    return facts | {
        "status": "failed",
        "reason": str(error.reason),
        "detail": error.detail or None,
        "tagged_at": tagged_at,
    }
