"""What failed, by reason and model, with examples."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from pipeline.browse.site import page, site_of

router = APIRouter()

NUM_EXAMPLES = 3
MOST_LISTED = 200
FAILURES = """
WITH failed AS (
    SELECT reason, detail, model_version AS made, track_id, uri, tagged_at AS noted_at
    FROM rejects
    UNION ALL
    SELECT reason, detail, 'header', track_id, uri, scanned_at
    FROM tracks WHERE reason IS NOT NULL
    UNION ALL
    SELECT d.reason, d.detail, 'descriptors', d.track_id, t.uri, d.made_at
    FROM source.descriptors d LEFT JOIN tracks t USING (track_id)
    WHERE d.status = 'failed' AND coalesce(t.audio_version = d.audio_version, true)
)
"""
GROUPS = f"""{FAILURES}
SELECT reason, made, count(*) AS tracks, max(noted_at) AS newest,
    arg_min({{track_id: track_id, uri: uri, detail: detail}}, track_id, {NUM_EXAMPLES}) AS examples
FROM failed GROUP BY ALL ORDER BY tracks DESC, reason, made
"""
LISTED = f"""{FAILURES}
SELECT track_id, uri, made, detail, noted_at FROM failed WHERE reason = $1
ORDER BY track_id, made LIMIT {MOST_LISTED}
"""
PARTLY = """
SELECT reason, model_version AS made, count(*) AS tracks
FROM results WHERE status = 'ok' AND reason IS NOT NULL GROUP BY ALL
ORDER BY tracks DESC, reason, made
"""
TOTALS = "SELECT count(*) AS rows, count(*) FILTER (status = 'failed') AS failed FROM results"


@router.get("/failures")
def failures(request: Request) -> Response:
    """Failures by reason; with `reason=` the tracks that have it."""
    reason = request.query_params.get("reason")
    site = site_of(request)
    with site.library.views() as views:

        def rows(sql: str, *values: str) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = (
                views.sql(sql, params=list(values)).to_arrow_table().to_pylist()
            )
            return found

        shown = {
            "groups": rows(GROUPS),
            "partly": rows(PARTLY),
            "totals": rows(TOTALS)[0],
            "reason": reason,
            "listed": rows(LISTED, reason) if reason else [],
            "most": MOST_LISTED,
        }
    return page(request, "failures.html", shown)
