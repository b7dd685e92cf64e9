"""What a manifest of infra/kuberay/ must hold beside its fields: KubeRay's checks, sizes, safety.

KubeRay's are those of ray-operator/controllers/ray/utils/validation.go: rules of deletion exclude
shutdownAfterJobFinishes, appear once for a policy and status, let no cluster live longer than its
job, and DeleteWorkers does not go with autoscaling.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import jsonschema
from deployment import KNOWN_VARIABLES, RAY_VERSION, REGISTRY, quantity
from kuberay_schema import SCHEMAS

HEALTH = {"path": "/api/healthz", "port": 52365}
"""Of Ray's agent on each node; it answers without a token (dashboard/http_server_agent.py)."""
ACTOR_BYTES = 3 * 2**29
"""An actor beside its decoding process: torch, a network, a batch."""
SPARE = 0.95
"""Ray's memory monitor ends workers above this."""


def faults(document: dict[str, Any], *, image: str, secrets: dict[str, set[str]]) -> list[str]:
    """All that is wrong with a RayJob or a RayCluster; nothing where it is sound."""
    schema = SCHEMAS.get(document.get("kind", ""))
    if schema is None:
        return [f"{document.get('kind')} is no kind of ours"]
    errors = jsonschema.Draft202012Validator(schema).iter_errors(document)
    found = [f"{error.json_path}: {error.message[:200]}" for error in errors]
    if found:
        return found
    spec = document["spec"]
    cluster = spec.get("rayClusterSpec", spec)
    found += _cluster_faults(cluster, secrets=secrets)
    if document["kind"] == "RayJob":
        found += _job_faults(spec)
    for where, pod in pods(document):
        found += [f"{where}: {fault}" for fault in _pod_faults(pod, image=image, secrets=secrets)]
    return found


def pods(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each pod template, by what it is for."""
    spec = document["spec"]
    cluster = spec.get("rayClusterSpec", spec)
    yield "head", cluster["headGroupSpec"]["template"]
    for group in cluster["workerGroupSpecs"]:
        yield group["groupName"], group["template"]
    if "submitterPodTemplate" in spec:
        yield "submitter", spec["submitterPodTemplate"]


def overrides(entrypoint: str) -> tuple[str, str, dict[str, str]]:
    """Verb, configuration and `--set` values of an entrypoint."""
    words = shlex.split(entrypoint)
    assert words[:3] == ["python", "-m", "jobs"], entrypoint
    named = dict(zip(words[4::2], words[5::2], strict=True))
    sets = [b for a, b in zip(words[4::2], words[5::2], strict=True) if a == "--set"]
    return words[3], named["--conf"], dict(text.split("=", 1) for text in sets)


def _cluster_faults(cluster: dict[str, Any], *, secrets: dict[str, set[str]]) -> Iterator[str]:
    if cluster["rayVersion"] != RAY_VERSION:
        yield f"rayVersion is {cluster['rayVersion']}, and {RAY_VERSION} is pinned"
    if "auth_token" not in secrets.get(cluster["authOptions"]["secretName"], set()):
        yield "the token's secret is not in secrets.example.yaml"
    head = cluster["headGroupSpec"]
    if head["rayStartParams"].get("num-cpus") != "0":
        yield "the head takes work"
    if head.get("serviceType", "ClusterIP") != "ClusterIP" or head.get("enableIngress"):
        yield "the head is reached from outside"
    names = [group["groupName"] for group in cluster["workerGroupSpecs"]]
    if len(names) != len(set(names)):
        yield "two groups have one name"
    for group in cluster["workerGroupSpecs"]:
        if not group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]:
            yield f"{group['groupName']}: replicas are out of bounds"
        limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
        for parameter, resource in (("num-cpus", "cpu"), ("num-gpus", "nvidia.com/gpu")):
            if group["rayStartParams"].get(parameter, "0") != limits.get(resource, "0"):
                yield f"{group['groupName']}: {parameter} is not the limit of {resource}"
        if "nvidia.com/gpu" in limits and not group["template"]["spec"].get("tolerations"):
            yield f"{group['groupName']}: nodes with GPUs are tainted"
    for group in (head, *cluster["workerGroupSpecs"]):
        yield from _memory_faults(group)


def _memory_faults(group: dict[str, Any]) -> Iterator[str]:
    pod = group["template"]["spec"]
    limits = pod["containers"][0]["resources"]["limits"]
    volumes = {volume["name"]: volume.get("emptyDir", {}) for volume in pod["volumes"]}
    shm = quantity(volumes["shm"]["sizeLimit"]) if volumes.get("shm", {}).get("medium") else 0
    if not int(group["rayStartParams"].get("object-store-memory", 0)) < shm:
        yield "the object store does not fit into /dev/shm"
    if not shm <= quantity(limits["memory"]) / 2:
        yield "/dev/shm counts as memory, and takes more than half of it"
    disk = sum(
        quantity(empty["sizeLimit"])
        for empty in volumes.values()
        if "sizeLimit" in empty and "medium" not in empty
    )
    if not disk <= quantity(limits["ephemeral-storage"]):
        yield "the volumes are larger than the pod's disk"


def _job_faults(spec: dict[str, Any]) -> Iterator[str]:
    seen: dict[tuple[str, str], int] = {}
    for rule in spec["deletionStrategy"]["deletionRules"]:
        condition = dict(rule["condition"])
        ttl_s = condition.pop("ttlSeconds", 0)
        key = (json.dumps(condition), rule["policy"])
        if key in seen:
            yield f"two rules for {key}"
        if rule["policy"] == "DeleteWorkers":
            yield "DeleteWorkers does not go with autoscaling"
        seen[key] = ttl_s
    for (status, policy), ttl_s in seen.items():
        if policy == "DeleteCluster" and ttl_s > seen.get((status, "DeleteSelf"), ttl_s):
            yield "the job would be gone before its cluster"
    if not any("SUCCEEDED" in status for status, _ in seen):
        yield "a cluster stays after success"
    if not any("Failed" in status for status, _ in seen):
        yield "a cluster stays after a failure"
    _, _, settings = overrides(spec["entrypoint"])
    yield from _room_faults(settings, groups=spec["rayClusterSpec"]["workerGroupSpecs"])


def _room_faults(settings: dict[str, str], *, groups: list[dict[str, Any]]) -> Iterator[str]:
    """Whether the pools hold the actors, and a pod the memory of those that it can hold."""
    workers = settings.get("runtime.num_actors") or settings.get("runtime.num_workers")
    if workers is None:
        yield "a cluster that starts empty cannot be asked for the number of actors"
        return
    unit = "actor" if "runtime.num_actors" in settings else "worker"
    cpus = float(settings.get(f"runtime.num_cpus_per_{unit}", 1))
    gpus = float(settings.get(f"runtime.num_gpus_per_{unit}", 0))
    room = 0
    for group in groups:
        has = group["rayStartParams"]
        fitting = int(float(has["num-cpus"]) / cpus)
        if gpus:
            fitting = min(fitting, int(float(has.get("num-gpus", 0)) / gpus))
        room += fitting * group["maxReplicas"]
        limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
        decoding = 2 * 2**30 if unit == "actor" else 0  # runtime.decode_memory_mb of conf/
        need = fitting * (decoding + ACTOR_BYTES) + int(has["object-store-memory"])
        if need > SPARE * quantity(limits["memory"]):
            yield f"{group['groupName']}: {fitting} actors do not fit into its memory"
    if int(workers) > room:
        yield f"{workers} {unit}s do not fit into the pools, which hold {room}"


def _pod_faults(
    template: dict[str, Any], *, image: str, secrets: dict[str, set[str]]
) -> Iterator[str]:
    pod, container = template["spec"], template["spec"]["containers"][0]
    if container["image"] not in (f"{REGISTRY}{image}-cpu", f"{REGISTRY}{image}-gpu"):
        yield f"image {container['image']}"
    is_gpu = "nvidia.com/gpu" in container["resources"]["limits"]
    if is_gpu != container["image"].endswith("-gpu"):
        yield f"image {container['image']} on the wrong pool"
    if container["resources"]["requests"] != container["resources"]["limits"]:
        yield "requests are not the limits: Ray plans with what it may not have"
    declared = {volume["name"] for volume in pod["volumes"]}
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    if not set(mounted) <= declared:
        yield f"no volume {set(mounted) - declared}"
    if "/tmp" not in mounted.values() or "/home/earmark" not in mounted.values():
        yield "the root is read-only, and /tmp or the home is no volume"
    if template["metadata"]["labels"].get("app.kubernetes.io/name") == "earmark-ray":
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if container.get(probe, {}).get("httpGet") != HEALTH:
                yield f"{probe} asks the wrong door"
    for variable in container["env"]:
        if variable["name"] not in KNOWN_VARIABLES:
            yield f"nothing reads {variable['name']}"
        if "value" in variable and any(w in variable["name"] for w in ("KEY", "PASSWORD", "TOKEN")):
            yield f"{variable['name']} is written down"
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        if reference and reference["key"] not in secrets.get(reference["name"], set()):
            yield f"secret {reference['name']}/{reference['key']} is not in secrets.example.yaml"
