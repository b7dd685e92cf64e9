"""All checks of the doctor, in the order in which a set-up is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipeline.config import MEBIBYTE
from pipeline.config_doctor import DoctorJob
from pipeline.doctor.cluster import joined, machines
from pipeline.doctor.deadline import carry_out
from pipeline.doctor.finding import Finding, State, without_secrets
from pipeline.doctor.machine import default_spill_folder, examine
from pipeline.doctor.mlflow_server import START as START_MLFLOW
from pipeline.doctor.mlflow_server import TRACKING, check_mlflow
from pipeline.doctor.nodes import check_machines
from pipeline.doctor.ray_address import (
    ADDRESS,
    START,
    TOKEN,
    Places,
    check_api,
    check_core,
    find_places,
)
from pipeline.doctor.store import CLEANED, COMMIT, CREATION, REACH, WORKSPACE, Trial
from pipeline.doctor.verdicts import Machine
from pipeline.stages.every_node import ask_every_node
from pipeline.storage import absolute, is_local, local_path

MACHINE = "pipeline.doctor.machine:examine"


def diagnose(
    config: DoctorJob, *, environment: Mapping[str, str], say: Callable[[str], None]
) -> list[Finding]:
    """Looks at everything; what it writes is deleted again, whatever happens.

    Args:
        config: what is looked at.
        environment: variables of this process.
        say: takes a line for people while it goes on.
    """
    trial = Trial(config.workspace.root_url, storage=config.workspace.storage)
    check_s = config.patience.check_s
    try:
        say("workspace")
        stored = _check_store(trial, timeout_s=check_s)
        say("Ray and machines")
        found = _check_ray(config, trial=trial, environment=environment)
        say("MLflow")
        tracked = carry_out(
            TRACKING,
            lambda: check_mlflow(
                config.tracking, root_url=config.workspace.root_url, timeout_s=check_s
            ),
            timeout_s=check_s,
            remedy=START_MLFLOW,
        )
    finally:
        remedy = f"delete {trial.folder_url} yourself; nothing reads it"
        cleaned = carry_out(CLEANED, trial.remove, timeout_s=check_s, remedy=remedy)
    return without_secrets([*found, *stored, *tracked, *cleaned], environment=environment)


def _check_store(trial: Trial, *, timeout_s: float) -> list[Finding]:
    found = carry_out(WORKSPACE, trial.check_files, timeout_s=timeout_s, remedy=REACH)
    if not trial.content:
        why = "the workspace cannot be used"
        return [*found, *(Finding(name, State.SKIPPED, why) for name in (CREATION, COMMIT))]
    for name, check in ((CREATION, trial.check_creation), (COMMIT, trial.check_commit)):
        found += carry_out(name, check, timeout_s=timeout_s, remedy=REACH)
    return found


def _check_ray(config: DoctorJob, *, trial: Trial, environment: Mapping[str, str]) -> list[Finding]:
    places = find_places(config.runtime.ray_address, environment=environment)
    found = _from_outside(config, places=places, environment=environment)
    root_url = config.workspace.root_url
    workspace = local_path(root_url) if is_local(root_url) else ""
    own = examine(spill_folder=default_spill_folder(), workspace=workspace, trial=None, ray_gpus=0)
    store_mb = config.runtime.object_store_mb
    driver = Machine(
        "driver" if places.core or places.api else "",
        own,
        store_bytes=store_mb * MEBIBYTE if store_mb else None,
    )
    seen = [driver]
    reachable = not any(f.check == ADDRESS and f.state is State.FAILED for f in found)
    if places.core and reachable:
        answer = ask_every_node(
            places.core,
            function=MACHINE,
            arguments={
                "spill_folder": "",
                "workspace": workspace,
                "trial": _trial_of_nodes(trial) if trial.content else None,
            },
            timeout_s=config.patience.nodes_s,
            environment=environment,
        )
        found += joined(answer, core=places.core, environment=environment)
        seen = machines(answer) or seen
    return found + check_machines(seen, driver=driver, enough=config.enough)


def _from_outside(
    config: DoctorJob, *, places: Places, environment: Mapping[str, str]
) -> list[Finding]:
    if not places.core and not places.api:
        return [
            Finding(ADDRESS, State.SKIPPED, "none is named: a job starts a Ray of its own here"),
            Finding(TOKEN, State.SKIPPED, "a Ray of one's own makes its own"),
        ]
    check_s = config.patience.check_s
    found: list[Finding] = []
    if places.api:
        found += carry_out(
            ADDRESS,
            lambda: check_api(
                places.api,
                environment=environment,
                ca_file=config.runtime.ca_file,
                timeout_s=check_s / 2,
            ),
            timeout_s=check_s,
            remedy=START,
        )
    if places.core:
        found += carry_out(
            ADDRESS,
            lambda: check_core(places.core, timeout_s=check_s / 2),
            timeout_s=check_s,
            remedy=START,
        )
    else:
        why = (
            "a Jobs API does not tell of its nodes: `earmark submit doctor` looks from inside, or "
            "--address HOST:6379"
        )
        found.append(Finding("nodes", State.SKIPPED, why))
    return found


def _trial_of_nodes(trial: Trial) -> dict[str, str | None]:
    return {
        "folder_url": absolute(trial.folder_url),
        "expected": trial.content,
        "endpoint_url": trial.storage.endpoint_url,
        "region": trial.storage.region,
    }
