"""The cluster launcher's files: Ray's own checks of them, tokens, and no door to the internet."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
from deployment import INFRA, KNOWN_VARIABLES, documents, mutated, put
from ray.autoscaler._private.util import prepare_config, validate_config

FILES = {name: documents(INFRA / "ray" / f"{name}.yaml")[0] for name in ("aws", "local")}
PLACEHOLDER = re.compile(r"REPLACE_ME[A-Z0-9_]*")
PUBLIC = ("0.0.0.0", "::", "AssociatePublicIpAddress")


def faults(config: dict[str, Any]) -> list[str]:
    """All that is wrong with a launcher's file."""
    try:
        validate_config(prepare_config(config))
    except (jsonschema.ValidationError, RuntimeError, ValueError, KeyError) as error:
        return [str(error)[:300]]
    text = repr(config)
    found = [f"{word} in it" for word in PUBLIC if word in text]
    starts = [
        config["head_start_ray_commands"][-1],
        config["worker_start_ray_commands"][-1],
    ]
    found += [f"no token: {line}" for line in starts if "RAY_AUTH_MODE=token" not in line]
    if "--dashboard-host=127.0.0.1" not in starts[0]:
        found.append("the dashboard listens to others")
    named = set(re.findall(r"\b([A-Z][A-Z0-9_]+)=", " ".join(starts)))
    found += [f"nothing reads {name}" for name in named - set(KNOWN_VARIABLES)]
    if not any(path.endswith("/.ray/auth_token") for path in config["file_mounts"]):
        found.append("the token does not come along")
    if config["provider"]["type"] == "aws":
        found += _aws_faults(config)
    elif "--num-cpus=0" not in starts[0]:
        found.append("the head takes work")
    elif config["max_workers"] != len(config["provider"]["worker_ips"]):
        found.append("max_workers is not the number of machines")
    return found


def _aws_faults(config: dict[str, Any]) -> list[str]:
    found = []
    if not config["provider"].get("use_internal_ips"):
        found.append("nodes are reached by public addresses")
    kinds = config["available_node_types"]
    if kinds[config["head_node_type"]]["resources"] != {"CPU": 0}:
        found.append("the head takes work")
    for name, kind in kinds.items():
        node = kind["node_config"]
        for needed in ("SecurityGroupIds", "SubnetIds", "IamInstanceProfile", "KeyName"):
            if needed not in node:
                found.append(f"{name}: Ray would make its own {needed}")
        if node.get("MetadataOptions", {}).get("HttpTokens") != "required":
            found.append(f"{name}: IMDSv1")
        if not all(disk["Ebs"]["Encrypted"] for disk in node["BlockDeviceMappings"]):
            found.append(f"{name}: a disk in the clear")
        is_spot = node.get("InstanceMarketOptions") == {"MarketType": "spot"}
        if is_spot == (name == config["head_node_type"]):
            found.append(f"{name}: the head is on demand, the workers are spot")
    workers = [kind for name, kind in kinds.items() if name != config["head_node_type"]]
    if config["max_workers"] != sum(kind["max_workers"] for kind in workers):
        found.append("max_workers is not the sum of the pools")
    return found


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_sound(name):
    assert faults(FILES[name]) == []


@pytest.mark.parametrize("name", FILES)
def test_a_file_takes_the_program_with_its_pins_and_nothing_private(name):
    config = FILES[name]
    assert any(source == "." for source in config["file_mounts"].values())
    assert {".git", ".venv", "earmark-data"} <= set(config["rsync_exclude"])
    assert any("infra/setup" in line for line in config["setup_commands"])


@pytest.mark.parametrize("name", FILES)
def test_what_is_to_be_replaced_is_told(name):
    text = (INFRA / "DEPLOY.md").read_text()
    for placeholder in set(PLACEHOLDER.findall(repr(FILES[name]))):
        assert re.sub(r"_\d_", "_", placeholder) in text, placeholder


@pytest.mark.parametrize(
    ("name", "path", "value", "fault"),
    [
        ("aws", "max_worker", 3, "max_worker"),
        ("aws", "max_workers", 3, "sum of the pools"),
        ("aws", "provider/type", ..., "type"),
        ("aws", "provider/use_internal_ips", False, "public addresses"),
        ("aws", "head_node_type", "master", "must be one of"),
        ("aws", "available_node_types/head/resources/CPU", 4, "takes work"),
        ("aws", "available_node_types/cpu/resources", ..., "resources"),
        ("aws", "available_node_types/cpu/node_config/SecurityGroupIds", ..., "Ray would make"),
        ("aws", "available_node_types/gpu/node_config/InstanceMarketOptions", ..., "spot"),
        ("aws", "available_node_types/gpu/node_config/MetadataOptions", ..., "IMDSv1"),
        ("aws", "head_start_ray_commands/1", "ray start --head", "no token"),
        (
            "aws",
            "head_start_ray_commands/1",
            "RAY_AUTH_MODE=token ray start --head --dashboard-host=0.0.0.0",
            "dashboard",
        ),
        ("aws", "file_mounts", {"/home/ubuntu/earmark": "."}, "does not come along"),
        ("local", "worker_start_ray_commands/1", "ray start", "no token"),
        ("local", "provider/worker_ips", ["a"], "number of machines"),
        ("local", "auth/ssh_user", 7, "7"),
    ],
)
def test_a_spoiled_file_is_refused(name, path, value, fault):
    reasons = faults(mutated(FILES[name], put(path, value)))
    assert any(fault in reason for reason in reasons), reasons
