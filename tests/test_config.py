from __future__ import annotations

from pathlib import Path

import pytest
from presets import PRESETS, preset

from pipeline import (
    config,
    config_browse,
    config_compare,
    config_doctor,
    config_evaluation,
    config_export,
    config_file_tags,
    config_lineage,
    config_plan,
    config_playlist,
    config_recap,
    config_search,
    config_similar,
    config_study,
    config_submit,
    config_teach,
    config_training,
)
from pipeline.audio.frontend import FRONTENDS
from pipeline.errors import ConfigError
from pipeline.models.architectures import check_input, complete

CONF = Path(__file__).resolve().parents[1] / "conf"
KINDS = {
    "catalog.yaml": config.CatalogJob,
    "features.yaml": config.FeaturesJob,
    "describe.yaml": config.DescribeJob,
    "tag.yaml": config.TagJob,
    "tables.yaml": config.TablesJob,
    "train.yaml": config_training.TrainJob,
    "compare.yaml": config_compare.CompareJob,
    "doctor.yaml": config_doctor.DoctorJob,
    "lineage.yaml": config_lineage.LineageJob,
    "evaluate.yaml": config_evaluation.EvaluateJob,
    "explain.yaml": config_evaluation.ExplainJob,
    "promote.yaml": config_evaluation.PromoteJob,
    "plan.yaml": config_plan.PlanJob,
    "teach.yaml": config_teach.TeachJob,
    "search.yaml": config_search.SearchJob,
    "similar.yaml": config_similar.SimilarJob,
    "playlist.yaml": config_playlist.PlaylistJob,
    "recap.yaml": config_recap.RecapJob,
    "browse.yaml": config_browse.BrowseJob,
    "study.yaml": config_study.StudyJob,
    "export.yaml": config_export.ExportJob,
    "write-tags.yaml": config_file_tags.FileTagsJob,
    "submit.yaml": config_submit.SubmitConfig,
}
TRAININGS = {
    f"train-{task}.yaml" for task in ("composer", "genre", "instruments", "key", "mood", "powerset")
}
"""Further examples of train.yaml, one a task."""


def test_every_configuration_has_a_model_and_a_small_twin():
    assert {path.name for path in CONF.glob("*.yaml")} == set(KINDS) | TRAININGS
    assert {path.name for path in (CONF / "smoke").glob("*.yaml")} == set(KINDS)


@pytest.mark.parametrize("path", sorted(CONF.rglob("*.yaml")), ids=lambda p: "/".join(p.parts[-2:]))
def test_every_configuration_loads_and_survives_a_round_trip(path, tmp_path):
    is_training = path.name in TRAININGS or "published" in path.parts
    kind = config_training.TrainJob if is_training else KINDS[path.name]
    loaded = config.load(kind, path)
    again = tmp_path / "again.yaml"
    again.write_text(config.dump(loaded))
    assert config.load(kind, again) == loaded


def test_the_published_protocols_are_those_of_the_presets():
    there = {
        path.relative_to(CONF / "published"): path for path in CONF.rglob("published/*/*.yaml")
    }
    assert len(there) == 33
    assert set(there) == {Path(name, f"{network}.yaml") for name, network in PRESETS}
    for name, network in PRESETS:
        text = there[Path(name, f"{network}.yaml")].read_text()
        assert text == preset(name, network), "python tests/presets.py writes them"


@pytest.mark.parametrize(
    "path",
    [
        *(CONF / name for name in sorted(TRAININGS | {"train.yaml"})),
        *sorted(CONF.rglob("published/*/*.yaml")),
    ],
    ids=lambda p: "/".join(p.parts[-2:]),
)
def test_the_network_of_every_training_takes_its_chunks(path):
    job = config.load(config_training.TrainJob, path)
    spec, network = FRONTENDS[job.data.frontend], job.network
    parameters = complete(network.architecture, parameters=network.parameters, n_mels=spec.n_mels)
    check_input(
        network.architecture,
        parameters={"num_tags": 3, **parameters},
        n_mels=spec.n_mels,
        num_frames=job.data.chunk_frames,
    )


def test_the_networks_that_are_compared_take_their_chunks():
    job = config.load(config_compare.CompareJob, CONF / "compare.yaml")
    assert len(job.comparison.networks) == 9
    for network in job.comparison.networks.values():
        spec = FRONTENDS[network.frontend]
        check_input(
            network.architecture,
            parameters={"num_tags": 3, **network.parameters},
            n_mels=spec.n_mels,
            num_frames=network.chunk_frames,
        )


def test_an_override_is_laid_over_and_read_as_yaml():
    loaded = config.load(
        config.TagJob, CONF / "tag.yaml", overrides=("limits.max_s=6e2", "scoring.models=[a, b]")
    )
    assert loaded.limits.max_s == 600.0
    assert loaded.scoring.models == ("a", "b")


def test_all_faults_are_found_at_once_with_path_and_value():
    faults = ("limits.min_s=-1", "runtime.num_actor=2", "scoring.input=video")
    with pytest.raises(ConfigError) as error:
        config.load(config.TagJob, CONF / "tag.yaml", overrides=faults)
    text = str(error.value)
    assert "3 fault(s)" in text
    assert "runtime.num_actor: unknown key" in text
    assert "limits.min_s" in text
    assert "'video'" in text


def test_a_missing_key_is_a_fault(tmp_path):
    cut = tmp_path / "cut.yaml"
    cut.write_text("workspace: {root_url: x, endpoint_url: null, region: null}\n")
    with pytest.raises(ConfigError, match="query: missing"):
        config.load(config.TablesJob, cut)


@pytest.mark.parametrize("override", ["no-equals-sign", ".=1", "workspace.root_url.deep=1"])
def test_an_override_of_another_form_is_refused(override):
    with pytest.raises(ConfigError, match="--set"):
        config.load(config.TablesJob, CONF / "tables.yaml", overrides=(override,))


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [1\n"])
def test_a_file_without_sections_is_refused(tmp_path, text):
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"odd\.yaml"):
        config.load(config.TablesJob, path)


def test_a_missing_file_says_what_to_do():
    with pytest.raises(ConfigError, match="--conf"):
        config.load(config.TablesJob, "nowhere.yaml")
