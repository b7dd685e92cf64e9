"""What MLflow says of runs, for those that the workspace has no record of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.config import TrackingConfig
from pipeline.credentials import masked
from pipeline.storage import is_local, local_path
from pipeline.tracking import open_client


def find_runs(
    run_ids: Sequence[str], *, root_url: str, tracking: TrackingConfig
) -> dict[str, dict[str, Any]]:
    """What MLflow says of runs that the workspace has no record of; nothing is made for it.

    Returns:
        By run_id: verb, status, started_at, experiment, experiment_id, tracking_uri, parameters.
    """
    if not tracking.uri and not (
        is_local(root_url) and (Path(local_path(root_url)) / "mlflow.db").is_file()
    ):
        return {}
    client = open_client(root_url, tracking=tracking)
    found = {}
    for experiment in client.search_experiments():
        listed = ", ".join(f"'{run_id}'" for run_id in run_ids)
        where = f"attributes.run_id IN ({listed})"
        for run in client.search_runs([experiment.experiment_id], filter_string=where):
            found[run.info.run_id] = {
                "verb": run.data.tags.get("earmark.verb", run.info.run_name),
                "status": run.info.status,
                "started_at": datetime.fromtimestamp(run.info.start_time / 1000, UTC).isoformat(),
                "experiment": experiment.name,
                "experiment_id": experiment.experiment_id,
                "tracking_uri": masked(str(client.tracking_uri)),
                "parameters": dict(run.data.params),
            }
    return found
