"""The compose file: services, what waits for what, loopback ports, secrets, who runs as root."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from deployment import (
    IMAGE,
    INFRA,
    KNOWN_VARIABLES,
    documents,
    mutated,
    optional_tool,
    put,
    quantity,
)

COMPOSE = documents(INFRA / "compose.yaml")[0]
ROOT_SERVICE = "store-folder"
CONDITIONS = {"service_healthy", "service_completed_successfully"}
OTHERS_VARIABLES = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD_FILE"}
"""Of the image postgres."""


def faults(compose: dict[str, Any]) -> list[str]:
    """All that is wrong with the file."""
    found = []
    services = compose["services"]
    for name, service in services.items():
        found += [f"{name}: {fault}" for fault in _service_faults(name, service, services=services)]
        used = {
            volume.split(":")[0] for volume in service.get("volumes", []) if volume[0] not in "./$"
        }
        found += [f"{name}: no volume {volume}" for volume in used - set(compose["volumes"])]
        found += [
            f"{name}: no secret {secret}"
            for secret in set(service.get("secrets", [])) - set(compose["secrets"])
        ]
        known = {"default", *compose["networks"]}
        found += [
            f"{name}: no network {network}" for network in set(service.get("networks", [])) - known
        ]
    if not compose["networks"]["database"].get("internal"):
        found.append("the database has a way out")
    return found


def _service_faults(name: str, service: dict[str, Any], *, services: dict[str, Any]) -> list[str]:
    found = []
    image, _, tag = service["image"].rpartition(":")
    if not image or not re.search(r"\d+\.\d+", tag):
        found.append(f"{service['image']} is not pinned")
    if image == "earmark" and not service["image"].startswith(f"{IMAGE}-"):
        found.append(f"{service['image']} is not of this version")
    is_root = service.get("user", "0").startswith(("0", "root"))
    if is_root != (name == ROOT_SERVICE):
        found.append("root")
    if is_root and (service.get("network_mode") != "none" or service["cap_add"] != ["CHOWN"]):
        found.append("root with more than chown")
    if not service.get("read_only") or service.get("cap_drop") != ["ALL"]:
        found.append("its root is writable, or it keeps capabilities")
    if service.get("security_opt") != ["no-new-privileges:true"] or service.get("privileged"):
        found.append("it may gain privileges")
    found += [
        f"port {port} is open to others"
        for port in service.get("ports", [])
        if not str(port).startswith("127.0.0.1:")
    ]
    if name != ROOT_SERVICE and "healthcheck" not in service:
        found.append("no health check")
    if "mem_limit" not in service:
        found.append("no limit of memory")
    for other, condition in service.get("depends_on", {}).items():
        if other not in services:
            found.append(f"waits for {other}, which is not there")
        elif condition["condition"] not in CONDITIONS:
            found.append(f"does not wait for {other}")
        elif condition["condition"] == "service_healthy" and "healthcheck" not in services[other]:
            found.append(f"waits for {other}, which has no health check")
    found += _secret_faults(service)
    return found


def _secret_faults(service: dict[str, Any]) -> list[str]:
    script = " ".join(service.get("command", []))
    variables = dict(service.get("environment", {}))
    exported = set(re.findall(r"\b([A-Z][A-Z0-9_]+)=", script))
    found = [
        f"nothing reads {name}"
        for name in ({*variables, *exported}) - set(KNOWN_VARIABLES) - OTHERS_VARIABLES
    ]
    found += [
        f"{name} is written down"
        for name, value in variables.items()
        if re.search("KEY|PASSWORD|TOKEN", name) and not str(value).startswith("/run/secrets/")
    ]
    mentioned = set(re.findall(r"/run/secrets/([a-z0-9_]+)", script + repr(variables)))
    if mentioned != set(service.get("secrets", [])):
        found.append(f"it reads {sorted(mentioned)} and is given {service.get('secrets')}")
    if "ray start" in script:
        store = int(re.search(r"--object-store-memory=(\d+)", script)[1])
        if store >= quantity(service["shm_size"].replace("gb", "Gi")):
            found.append("the object store does not fit into /dev/shm")
        if variables.get("RAY_AUTH_MODE") != "token":
            found.append("no token")
    return found


def waits(compose: dict[str, Any]) -> list[str]:
    """The services in an order in which they can start; fails where none is."""
    order: list[str] = []
    while len(order) < len(compose["services"]):
        ready = [
            name
            for name, service in compose["services"].items()
            if name not in order and set(service.get("depends_on", {})) <= set(order)
        ]
        assert ready, "services wait for each other"
        order += ready
    return order


def test_the_file_is_sound():
    assert faults(COMPOSE) == []


def test_it_has_head_workers_mlflow_on_postgres_and_a_store():
    assert set(COMPOSE["services"]) == {
        "head",
        "worker",
        "mlflow",
        "database",
        "store",
        ROOT_SERVICE,
    }
    assert "--num-cpus=0" in " ".join(COMPOSE["services"]["head"]["command"])
    assert "postgresql+psycopg2://" in " ".join(COMPOSE["services"]["mlflow"]["command"])


def test_services_start_in_an_order():
    order = waits(COMPOSE)
    assert order.index("database") < order.index("mlflow") < order.index("head")
    assert order[-1] == "worker"
    circle = mutated(
        COMPOSE, put("services/store/depends_on/head", {"condition": "service_healthy"})
    )
    with pytest.raises(AssertionError, match="each other"):
        waits(circle)


def test_images_that_are_built_are_targets_of_the_dockerfile():
    targets = set(re.findall(r"^FROM .* AS (\S+)", (INFRA / "Dockerfile").read_text(), re.M))
    for service in COMPOSE["services"].values():
        if build := service.get("build"):
            assert build["target"] in targets
            assert service["image"].endswith(f"-{build['target']}")


def test_the_compose_specification_accepts_it():
    optional_tool("check_jsonschema", distribution="check-jsonschema")
    folder = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    validator = jsonschema.validators.validator_for({})(json.loads(folder.read_text()))
    assert list(validator.iter_errors(COMPOSE)) == []
    spoiled = mutated(COMPOSE, put("services/head/port", ["127.0.0.1:8265:8265"]))
    assert list(validator.iter_errors(spoiled))


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("services/head/ports/0", "8265:8265", "open to others"),
        ("services/head/ports/0", "0.0.0.0:8265:8265", "open to others"),
        ("services/head/user", "root", "root"),
        ("services/head/read_only", False, "writable"),
        ("services/head/cap_drop", ..., "capabilities"),
        ("services/head/healthcheck", ..., "no health check"),
        ("services/head/environment/RAY_AUTH_MODE", "disabled", "no token"),
        ("services/head/environment/RAY_AUTH_TOKEN", "abc", "nothing reads"),
        ("services/head/environment/AWS_SECRET_ACCESS_KEY", "abc", "written down"),
        ("services/head/image", "earmark:latest", "not pinned"),
        ("services/head/image", "earmark:0.0.9-cpu", "this version"),
        ("services/head/shm_size", "1gb", "/dev/shm"),
        ("services/head/depends_on/stores", {"condition": "service_healthy"}, "not there"),
        ("services/head/depends_on/store/condition", "service_started", "does not wait"),
        ("services/worker/secrets", ["ray_token"], "is given"),
        ("services/worker/secrets/0", "token", "no secret"),
        ("services/database/image", "postgres:latest", "not pinned"),
        ("services/database/volumes/0", "data:/var/lib/postgresql/data", "no volume"),
        ("services/store-folder/network_mode", "bridge", "more than chown"),
        ("services/mlflow/mem_limit", ..., "memory"),
        ("networks/database/internal", False, "way out"),
    ],
)
def test_a_spoiled_file_is_refused(path, value, fault):
    reasons = faults(mutated(COMPOSE, put(path, value)))
    assert any(fault in reason for reason in reasons), reasons
