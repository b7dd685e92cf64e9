"""A program: the same catalog through features and tag, on this disk and in a bucket.

In: workspace folder, bucket URL, endpoint of the faulty proxy, number of Ray nodes. Prints `local`
when the undisturbed run is done, waits for a line, works in the bucket, and prints `done`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import ray
from fakes import tone_bundle
from ray.cluster_utils import Cluster
from workspace import CONF, features_job, tag_job

from pipeline import config
from pipeline.catalog.scan import scan_into_catalog
from pipeline.stages.extract_catalog import extract_catalog
from pipeline.stages.tag_catalog import tag_catalog
from pipeline.storage import Storage

MEBIBYTE = 2**20
RAY = {"object_store_memory": 200 * MEBIBYTE, "include_dashboard": False}


def run_jobs(root: str, source: str, *overrides: str, storage: Storage) -> None:
    scan = config.load(config.CatalogJob, CONF / "catalog.yaml", overrides=()).scan
    scan_into_catalog(
        source, root_url=root, storage=storage, scan=scan, on_progress=lambda done, total: None
    )
    extract_catalog(features_job(root, *overrides), run_id="run-features")
    tag_catalog(tag_job(root, *overrides), run_id="run-tag")


@contextmanager
def started_ray(num_nodes: int) -> Iterator[None]:
    """Ends the driver before its nodes: a driver whose node is gone ends itself, with code 1."""
    if num_nodes == 1:
        ray.init(address="local", num_cpus=2, logging_level="WARNING", **RAY)
        yield
        ray.shutdown()
        return
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **RAY})
    for _ in range(num_nodes):
        cluster.add_node(num_cpus=1, object_store_memory=100 * MEBIBYTE)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, logging_level="WARNING")
    yield
    ray.shutdown()
    cluster.shutdown()


def main(folder: str, bucket_url: str, endpoint_url: str, num_nodes: int) -> None:
    with started_ray(num_nodes):
        run_all(folder, bucket_url, endpoint_url, num_nodes)


def run_all(folder: str, bucket_url: str, endpoint_url: str, num_nodes: int) -> None:
    root, remote = Path(folder), Storage(endpoint_url=endpoint_url)
    tone_bundle(str(root))
    size = f"runtime.num_actors={max(2, num_nodes)}"
    run_jobs(str(root), str(root / "music"), size, storage=Storage())
    for path in (root / "music").iterdir():
        remote.put(str(path), f"{bucket_url}/music/{path.name}")
    for path in root.glob("models/**/*"):
        if path.is_file():
            remote.put(str(path), f"{bucket_url}/ws/{path.relative_to(root)}")
    print("local", flush=True)
    sys.stdin.readline()
    endpoint = f"workspace.endpoint_url={endpoint_url}"
    run_jobs(f"{bucket_url}/ws", f"{bucket_url}/music", size, endpoint, storage=remote)
    print("done", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    main(*sys.argv[1:4], int(sys.argv[4]))
