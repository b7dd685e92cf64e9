"""The manifests for KubeRay 1.7: their fields, what KubeRay refuses, sizes, safety, the network."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
import yaml
from deployment import (
    IMAGE,
    INFRA,
    KNOWN_VARIABLES,
    ROOT,
    documents,
    is_read_by_a_package,
    mutated,
    optional_tool,
    put,
)
from kuberay_rules import faults, overrides, pods

from pipeline.config import load
from pipeline.config_submit import VERBS

FOLDER = INFRA / "kuberay"
JOBS = ("features", "tag", "train")
SECRETS = {
    document["metadata"]["name"]: set(document["stringData"])
    for document in documents(FOLDER / "secrets.example.yaml")
}
RAY = {name: documents(FOLDER / f"{name}.yaml")[0] for name in ("cluster", *JOBS)}
KUBERNETES = "1.33"
HEAD = "spec/rayClusterSpec/headGroupSpec/template/spec"
CONTAINER = f"{HEAD}/containers/0"
WORKER = "spec/rayClusterSpec/workerGroupSpecs/0"


def found(document: dict[str, Any]) -> list[str]:
    return faults(document, image=IMAGE, secrets=SECRETS)


def others() -> list[dict[str, Any]]:
    return [
        document
        for name in ("namespace", "network", "secrets.example")
        for document in documents(FOLDER / f"{name}.yaml")
    ]


def test_every_file_is_known():
    names = {path.stem for path in FOLDER.glob("*.yaml")}
    assert names == {*RAY, "namespace", "network", "secrets.example", "kustomization"}
    assert len(list(FOLDER.iterdir())) == len(names)


@pytest.mark.parametrize("name", RAY)
def test_a_manifest_is_sound(name):
    assert found(RAY[name]) == []


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("spec/rayClusterSpec/authOption", {"mode": "token"}, "authOption"),
        ("spec/rayClusterSpec/authOptions/mode", "disabled", "mode"),
        ("spec/rayClusterSpec/authOptions", ..., "authOptions"),
        ("spec/rayClusterSpec/authOptions/secretName", "other", "token's secret"),
        ("spec/rayClusterSpec/rayVersion", "2.59.0", "pinned"),
        ("spec/rayClusterSpec/autoscalerOptions/version", "v1", "version"),
        ("spec/rayClusterSpec/headGroupSpec/rayStartParams/num-cpus", "4", "takes work"),
        ("spec/rayClusterSpec/headGroupSpec/rayStartParams/num-cpus", 0, "num-cpus"),
        ("spec/rayClusterSpec/headGroupSpec/serviceType", "LoadBalancer", "outside"),
        ("spec/shutdownAfterJobFinishes", True, "shutdownAfterJobFinishes"),
        ("spec/backoffLimit", "2", "backoffLimit"),
        ("spec/submissionMode", "HTTPmode", "submissionMode"),
        ("spec/deletionStrategy/deletionRules/0/policy", "DeleteWorkers", "autoscaling"),
        ("spec/deletionStrategy/deletionRules/0/policy", "DeleteAll", "policy"),
        ("spec/deletionStrategy/deletionRules/0/condition/jobStatus", "STOPPED", "condition"),
        ("spec/deletionStrategy/deletionRules/0/condition/ttlSeconds", 99999, "before its cluster"),
        ("spec/deletionStrategy/deletionRules/1/policy", "DeleteCluster", "two rules"),
        ("spec/entrypoint", "python -m jobs tag --conf conf/tag.yaml", "cannot be asked"),
        (f"{WORKER}/maxReplicas", 1, "do not fit into the pools"),
        (f"{WORKER}/minReplicas", 3, "bounds"),
        (f"{WORKER}/rayStartParams/num-cpus", "9", "num-cpus"),
        (f"{WORKER}/rayStartParams/object-store-memory", str(8 * 2**30), "/dev/shm"),
        (f"{WORKER}/template/spec/volumes/2/emptyDir/sizeLimit", "30Gi", "half"),
        (f"{WORKER}/template/spec/volumes/2/emptyDir/medium", ..., "/dev/shm"),
        (f"{WORKER}/template/spec/volumes/0/emptyDir/sizeLimit", "90Gi", "disk"),
        (f"{CONTAINER}/image", "registry.example.com/earmark:latest", "image"),
        (f"{CONTAINER}/image", "registry.example.com/earmark:0.1.0-gpu", "wrong pool"),
        (f"{CONTAINER}/securityContext/readOnlyRootFilesystem", False, "readOnlyRoot"),
        (f"{CONTAINER}/securityContext/privileged", True, "privileged"),
        (f"{CONTAINER}/securityContext/capabilities/drop", ["NET_RAW"], "drop"),
        (f"{CONTAINER}/resources/limits", ..., "limits"),
        (f"{CONTAINER}/resources/requests/cpu", "1", "requests are not"),
        (f"{CONTAINER}/livenessProbe/httpGet/port", 8265, "wrong door"),
        (f"{CONTAINER}/readinessProbe", ..., "readinessProbe"),
        (f"{CONTAINER}/volumeMounts/0/name", "temp", "no volume"),
        (f"{CONTAINER}/volumeMounts/0", ..., "read-only"),
        (f"{CONTAINER}/env/0", {"name": "RAY_TOKEN_KEY", "value": "x"}, "nothing reads"),
        (f"{CONTAINER}/env/0", {"name": "AWS_SECRET_ACCESS_KEY", "value": "x"}, "written down"),
        (f"{CONTAINER}/env/3/valueFrom/secretKeyRef/key", "id", "secrets.example"),
        (f"{HEAD}/securityContext/runAsNonRoot", False, "runAsNonRoot"),
        (f"{HEAD}/securityContext/seccompProfile", ..., "seccompProfile"),
        (f"{HEAD}/automountServiceAccountToken", True, "automount"),
        (f"{HEAD}/hostNetwork", True, "hostNetwork"),
    ],
)
def test_a_spoiled_manifest_is_refused(path, value, fault):
    reasons = found(mutated(RAY["features"], put(path, value)))
    assert any(fault in reason for reason in reasons), reasons


def test_gpu_nodes_are_tolerated():
    path = "spec/rayClusterSpec/workerGroupSpecs/0/template/spec/tolerations"
    assert "gpu: nodes with GPUs are tainted" in found(mutated(RAY["train"], put(path, ...)))


@pytest.mark.parametrize("name", JOBS)
def test_what_a_job_runs_is_a_configuration_that_loads(name):
    verb, conf, settings = overrides(RAY[name]["spec"]["entrypoint"])
    assert verb == name
    config = load(
        VERBS[verb][0], ROOT / conf, overrides=tuple(f"{k}={v}" for k, v in settings.items())
    )
    assert config.model_dump()["tracking"]["uri"].startswith("http://")


def test_the_manifests_share_what_they_share():
    specs = {name: doc["spec"].get("rayClusterSpec", doc["spec"]) for name, doc in RAY.items()}

    def without_name(tree: Any, name: str) -> str:
        instance = RAY[name]["metadata"]["name"]
        return yaml.safe_dump(tree).replace(f"instance: {instance}\n", "")

    heads = {without_name(spec["headGroupSpec"], name) for name, spec in specs.items()}
    submitters = {yaml.safe_dump(RAY[name]["spec"]["submitterPodTemplate"]) for name in JOBS}
    groups: dict[str, set[str]] = {}
    for name, spec in specs.items():
        for group in spec["workerGroupSpecs"]:
            bare = {key: group[key] for key in ("groupName", "rayStartParams", "template")}
            groups.setdefault(group["groupName"], set()).add(without_name(bare, name))
    assert len(heads) == len(submitters) == 1
    assert set(groups) == {"cpu", "gpu"}
    assert all(len(texts) == 1 for texts in groups.values())


def test_kubernetes_token_reaches_the_autoscaler_alone():
    for document in RAY.values():
        cluster = document["spec"].get("rayClusterSpec", document["spec"])
        volumes = cluster["headGroupSpec"]["template"]["spec"]["volumes"]
        declared = {volume["name"] for volume in volumes}
        mounts = {mount["name"] for mount in cluster["autoscalerOptions"]["volumeMounts"]}
        assert "kubernetes" in mounts <= declared
        for _, pod in pods(document):
            used = {mount["name"] for mount in pod["spec"]["containers"][0]["volumeMounts"]}
            assert not used & mounts


def test_pods_are_of_what_stands_beside_them():
    made = {(item["kind"], item["metadata"]["name"]): item for item in others()}
    assert made["ServiceAccount", "earmark"]["automountServiceAccountToken"] is False
    labels = made["Namespace", "earmark"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    for document in RAY.values():
        assert document["metadata"]["namespace"] == "earmark"
        for _, pod in pods(document):
            assert ("ServiceAccount", pod["spec"]["serviceAccountName"]) in made
            if name := pod["spec"].get("priorityClassName"):
                assert ("PriorityClass", name) in made
    budget = made["PodDisruptionBudget", "earmark-head"]["spec"]["selector"]["matchLabels"]
    assert budget == {"ray.io/cluster": "earmark", "ray.io/node-type": "head"}


def test_the_network_is_closed_but_for_what_is_named():
    policies = {
        item["metadata"]["name"]: item["spec"] for item in documents(FOLDER / "network.yaml")
    }
    assert policies["earmark-nothing"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    labels = {
        pod["metadata"]["labels"]["app.kubernetes.io/name"]
        for document in RAY.values()
        for _, pod in pods(document)
    }
    selected = {
        spec["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name")
        for spec in policies.values()
    }
    assert labels == selected - {None} == {"earmark-ray", "earmark-submitter"}
    assert all(
        peer for s in policies.values() for rule in s.get("ingress", []) for peer in rule["from"]
    )
    for spec in policies.values():
        for rule in spec.get("egress", []):
            for peer in rule["to"]:
                if "ipBlock" in peer:
                    assert peer["ipBlock"]["except"] == ["169.254.169.254/32"]
                    assert {port["port"] for port in rule["ports"]} == {443, 6443}


def test_no_secret_has_a_value():
    assert set(SECRETS) == {"earmark-ray-token", "earmark-s3", "earmark-mlflow"}
    for document in documents(FOLDER / "secrets.example.yaml"):
        assert all(value.startswith("REPLACE_") for value in document["stringData"].values())


@pytest.mark.parametrize("variable", KNOWN_VARIABLES)
def test_a_variable_is_read_by_an_installed_package(variable):
    assert is_read_by_a_package(variable)


def test_kubernetes_own_schemas_accept_every_object_and_pod():
    tool = optional_tool("kubernetes_validate", distribution="kubernetes-validate")
    whole = others() + [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": pod["spec"]}
        for document in RAY.values()
        for _, pod in pods(document)
    ]
    for item in {repr(item): item for item in whole}.values():
        tool.validate(item, KUBERNETES, strict=True)
    spoiled = mutated(whole[-1], put("spec/containers/0/securityContext/runAsNonroot", True))
    with pytest.raises(tool.ValidationError):
        tool.validate(spoiled, KUBERNETES, strict=True)


def test_kustomize_builds_what_stays():
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl here")
    built = subprocess.run([kubectl, "kustomize", FOLDER], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    made = {(item["kind"], item["metadata"]["name"]) for item in yaml.safe_load_all(built.stdout)}
    assert ("RayCluster", "earmark") in made
    assert len(made) == 10
    assert not any(kind in ("Secret", "RayJob") for kind, _ in made)
    cluster = next(
        item for item in yaml.safe_load_all(built.stdout) if item["kind"] == "RayCluster"
    )
    assert cluster == RAY["cluster"]
