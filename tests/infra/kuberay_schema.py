"""The fields of ray.io/v1 that infra/kuberay/ uses, written down by hand from KubeRay 1.7.

Sources: the field reference for v1.7.1 in Ray's documentation (kuberay/references/api), which is
generated from ray-operator/apis/ray/v1/{raycluster,rayjob}_types.go; there the enumerations of
DeletionCondition too. Only what is used stands here, so an unknown or misspelt field is a fault,
also where KubeRay would drop it in silence. Pods: Kubernetes' PodSpec (core/v1), what is used.
"""

from __future__ import annotations

from typing import Any

INTEGER = {"type": "integer", "minimum": 0}
POSITIVE = {"type": "integer", "minimum": 1}
STRING = {"type": "string", "minLength": 1}
BOOLEAN = {"type": "boolean"}
STRINGS = {"type": "array", "items": STRING, "minItems": 1}
TEXTS = {"type": "object", "additionalProperties": STRING}
NAME = {"type": "string", "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$", "maxLength": 47}
QUANTITY = {"type": "string", "pattern": "^[0-9]+(m|[KMGT]i)?$"}


def one_of(*values: str) -> dict[str, Any]:
    return {"enum": list(values)}


def fields(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def many(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


METADATA = fields({"name": NAME, "namespace": NAME}, {"labels": TEXTS, "annotations": TEXTS})
AMOUNTS = {
    "type": "object",
    "properties": dict.fromkeys(("cpu", "memory", "ephemeral-storage", "nvidia.com/gpu"), QUANTITY),
    "required": ["cpu", "memory", "ephemeral-storage"],
    "additionalProperties": False,
}
RESOURCES = fields({"requests": AMOUNTS, "limits": AMOUNTS})
LOCKED = fields(
    {
        "allowPrivilegeEscalation": {"const": False},
        "capabilities": fields({"drop": {"const": ["ALL"]}}),
        "readOnlyRootFilesystem": {"const": True},
    }
)
VARIABLE = {
    "oneOf": [
        fields({"name": STRING, "value": {"type": "string"}}),
        fields(
            {
                "name": STRING,
                "valueFrom": fields(
                    {"secretKeyRef": fields({"name": NAME, "key": STRING}, {"optional": BOOLEAN})}
                ),
            }
        ),
    ]
}
MOUNT = fields({"name": NAME, "mountPath": STRING}, {"readOnly": BOOLEAN})
PROBE = fields(
    {
        "httpGet": fields({"path": STRING, "port": POSITIVE}),
        "periodSeconds": POSITIVE,
        "failureThreshold": POSITIVE,
    },
    {"timeoutSeconds": POSITIVE, "initialDelaySeconds": INTEGER},
)
CONTAINER = fields(
    {
        "name": NAME,
        "image": STRING,
        "imagePullPolicy": one_of("IfNotPresent", "Always"),
        "securityContext": LOCKED,
        "env": many(VARIABLE),
        "resources": RESOURCES,
        "volumeMounts": many(MOUNT),
    },
    {
        "ports": many(fields({"name": NAME, "containerPort": POSITIVE})),
        "startupProbe": PROBE,
        "readinessProbe": PROBE,
        "livenessProbe": PROBE,
    },
)
VOLUME = {
    "oneOf": [
        fields(
            {
                "name": NAME,
                "emptyDir": fields({"sizeLimit": QUANTITY}, {"medium": one_of("Memory")}),
            }
        ),
        fields(
            {
                "name": NAME,
                "projected": fields(
                    {"sources": many({"type": "object"})}, {"defaultMode": INTEGER}
                ),
            }
        ),
    ]
}
POD = fields(
    {
        "serviceAccountName": NAME,
        "automountServiceAccountToken": {"const": False},
        "enableServiceLinks": {"const": False},
        "restartPolicy": one_of("Never"),
        "terminationGracePeriodSeconds": POSITIVE,
        "securityContext": fields(
            {
                "runAsNonRoot": {"const": True},
                "runAsUser": POSITIVE,
                "runAsGroup": POSITIVE,
                "fsGroup": POSITIVE,
                "seccompProfile": fields({"type": one_of("RuntimeDefault")}),
            }
        ),
        "containers": {"type": "array", "items": CONTAINER, "minItems": 1, "maxItems": 1},
        "volumes": many(VOLUME),
    },
    {
        "priorityClassName": NAME,
        "tolerations": many(
            fields({"key": STRING, "operator": one_of("Exists"), "effect": one_of("NoSchedule")})
        ),
    },
)
TEMPLATE = fields(
    {"metadata": fields({"labels": TEXTS}, {"annotations": TEXTS}), "spec": POD},
)

CLUSTER = fields(
    {
        "rayVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "authOptions": fields({"mode": one_of("token"), "secretName": NAME}),
        "enableInTreeAutoscaling": {"const": True},
        "autoscalerOptions": fields(
            {
                "version": one_of("v2"),
                "idleTimeoutSeconds": POSITIVE,
                "securityContext": LOCKED,
                "resources": RESOURCES,
                "volumeMounts": many(MOUNT),
            },
            {"upscalingMode": one_of("Default", "Aggressive", "Conservative")},
        ),
        "headGroupSpec": fields(
            {"rayStartParams": TEXTS, "template": TEMPLATE},
            {
                "serviceType": one_of("ClusterIP", "NodePort", "LoadBalancer"),
                "enableIngress": BOOLEAN,
                "labels": TEXTS,
            },
        ),
        "workerGroupSpecs": many(
            fields(
                {
                    "groupName": NAME,
                    "replicas": INTEGER,
                    "minReplicas": INTEGER,
                    "maxReplicas": POSITIVE,
                    "rayStartParams": TEXTS,
                    "template": TEMPLATE,
                },
                {"labels": TEXTS, "idleTimeoutSeconds": INTEGER, "priority": INTEGER},
            )
        ),
    }
)
TTL_S = {"ttlSeconds": INTEGER}
RULE = fields(
    {
        "policy": one_of("DeleteCluster", "DeleteWorkers", "DeleteSelf", "DeleteNone"),
        "condition": {
            "oneOf": [
                fields({"jobStatus": one_of("SUCCEEDED", "FAILED")}, TTL_S),
                fields({"jobDeploymentStatus": one_of("Failed")}, TTL_S),
            ]
        },
    }
)
JOB = fields(
    {
        "entrypoint": STRING,
        "submissionMode": one_of("K8sJobMode", "HTTPMode", "SidecarMode", "InteractiveMode"),
        "backoffLimit": INTEGER,
        "deletionStrategy": fields({"deletionRules": many(RULE)}),
        "rayClusterSpec": CLUSTER,
    },
    {
        "activeDeadlineSeconds": POSITIVE,
        "preRunningDeadlineSeconds": POSITIVE,
        "submitterConfig": fields({"backoffLimit": INTEGER}),
        "submitterPodTemplate": TEMPLATE,
        "metadata": TEXTS,
        "runtimeEnvYAML": STRING,
    },
)


def manifest(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return fields(
        {
            "apiVersion": one_of("ray.io/v1"),
            "kind": one_of(kind),
            "metadata": METADATA,
            "spec": spec,
        }
    )


SCHEMAS = {"RayCluster": manifest("RayCluster", CLUSTER), "RayJob": manifest("RayJob", JOB)}
