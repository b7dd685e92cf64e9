"""All machines of a set-up: each check on each of them, and what is the same said once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.config_doctor import EnoughConfig
from pipeline.doctor import verdicts
from pipeline.doctor.finding import Finding, State
from pipeline.doctor.verdicts import Machine, Verdict

SHOWN_NODES = 5
SHOWN_VALUES = 3


def check_machines(
    machines: Sequence[Machine], *, driver: Machine, enough: EnoughConfig
) -> list[Finding]:
    """All checks of all machines that answered, and those that did not."""
    silent = [machine for machine in machines if machine.facts is None]
    awake = [machine for machine in machines if machine.facts is not None]
    checks: dict[str, Callable[[Machine], Verdict]] = {
        "versions": lambda machine: verdicts.versions(machine, driver=driver),
        "clock": lambda machine: verdicts.clock(machine, most_s=enough.clock_s),
        "open files": lambda machine: verdicts.open_files(machine, least=enough.open_files),
        "GPUs": verdicts.gpus,
        "shared memory": verdicts.shared_memory,
        "disk for spilling": lambda machine: verdicts.disk(
            machine, name="spill", least_bytes=enough.free_disk_gb * verdicts.GIGABYTE
        ),
        "disk of workspace": lambda machine: verdicts.disk(
            machine, name="workspace", least_bytes=enough.free_disk_gb * verdicts.GIGABYTE
        ),
        "decoders": verdicts.decoders,
        "workspace on nodes": verdicts.store,
    }
    findings = [
        Finding(
            "node",
            State.FAILED,
            machine.error,
            "see `ray status` and the node's logs (/tmp/ray/session_latest/logs); a node that "
            "cannot run a task of Earmark must leave the cluster",
            machine.name,
        )
        for machine in silent
    ]
    for name, check in checks.items():
        findings += gathered(name, [(machine, check(machine)) for machine in awake])
    return findings


def gathered(check: str, said: Sequence[tuple[Machine, Verdict]]) -> list[Finding]:
    """One finding for the machines of which the same is said, and one for all that are well."""
    groups: dict[Verdict, list[str]] = {}
    well = list(dict.fromkeys(v.seen for _, v in said if v.state is State.OK))
    summed = Verdict(
        State.OK, "; ".join(well[:SHOWN_VALUES]) + "; ..." * (len(well) > SHOWN_VALUES)
    )
    for machine, verdict in said:
        kept = summed if verdict.state is State.OK else verdict
        groups.setdefault(kept, []).append(machine.name)
    return [
        Finding(check, verdict.state, verdict.seen, verdict.remedy, _names(names))
        for verdict, names in groups.items()
    ]


def _names(names: Sequence[str]) -> str:
    if len(names) <= SHOWN_NODES:
        return ", ".join(names)
    return f"{len(names)} nodes: {', '.join(names[:SHOWN_NODES])}, ..."
