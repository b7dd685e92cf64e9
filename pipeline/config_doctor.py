"""The sections of doctor: the cluster that is asked, and what counts as enough."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from pipeline.config import Section, TrackingConfig, WorkspaceConfig


class AskedConfig(Section):
    """The Ray cluster that is looked at; the names are those of other jobs' `runtime`."""

    ray_address: str | None = Field(
        description="HOST:PORT of the head's core, or auto: its nodes are looked at; "
        "http(s)://HOST:8265: its Jobs API alone; null: RAY_ADDRESS, else no cluster"
    )
    ca_file: str | None = Field(description="certificates for https; null: the system's")
    object_store_mb: PositiveInt | None = Field(
        description="of a Ray of one's own, MiB; null: Ray's default"
    )


class PatienceConfig(Section):
    """How long a check may take before it counts as failed."""

    check_s: PositiveFloat = Field(description="of each check, seconds")
    nodes_s: PositiveFloat = Field(description="for all nodes together, seconds")


class EnoughConfig(Section):
    """Less, or more, than this is a warning."""

    free_disk_gb: NonNegativeFloat = Field(description="free where Ray spills, and the workspace")
    open_files: PositiveInt = Field(description="limit of a process (ulimit -n)")
    clock_s: PositiveFloat = Field(description="largest difference of two clocks, seconds")


class DoctorJob(Section):
    """conf/doctor.yaml."""

    workspace: WorkspaceConfig
    runtime: AskedConfig
    tracking: TrackingConfig
    patience: PatienceConfig
    enough: EnoughConfig
