"""Submitted jobs without a cluster; tests/jobs/test_submit_cluster.py has a real one."""

from __future__ import annotations

import io
import os
import shlex
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from submissions import FakeClient, fake_jobs

from pipeline import config
from pipeline.config_submit import VERBS, SubmitConfig, WhileAlive, refuse_secrets, travelling
from pipeline.errors import ConfigError, UserError
from pipeline.revision import this_code
from pipeline.stages import submission, submission_log
from pipeline.stages.submission_address import Door, find_door, refuse_open
from pipeline.stages.submission_follow import follow_to_end
from pipeline.stages.submission_id import SubmissionId, next_attempt, parse_id, plan_digest
from pipeline.stages.submission_job import SubmittedJob
from pipeline.stages.submission_log import LogPaper
from pipeline.stages.submission_package import CONFIGURATION, make_package, program_files
from pipeline.stages.submission_request import make_request, passed_on

ROOT = Path(__file__).resolve().parents[2]
CONF = ROOT / "conf"
SECRET = "s3cret-value-of-the-test"


def tag(*overrides: str) -> config.TagJob:
    return config.load(config.TagJob, CONF / "tag.yaml", overrides=overrides)


def settings(*overrides: str) -> SubmitConfig:
    return config.load(SubmitConfig, CONF / "smoke" / "submit.yaml", overrides=overrides)


def request(*overrides: str, job: config.Section | None = None, arguments: tuple[str, ...] = ()):
    said: list[str] = []
    made = make_request(
        "tag",
        arguments=arguments,
        job=job or tag(),
        settings=settings(*overrides),
        door=Door("http://127.0.0.1:8265"),
        say=said.append,
    )
    return made, said


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(submission, "POLL_S", 0.0)
    monkeypatch.setattr(submission_log, "POLL_S", 0.0)


# -- names


@given(
    st.sampled_from(sorted(VERBS)),
    st.text("0123456789abcdef", min_size=12, max_size=12),
    st.integers(1, 10_000),
)
def test_an_id_is_read_back_from_its_text(verb, plan, attempt):
    name = SubmissionId(verb, plan, attempt)
    assert parse_id(str(name)) == name


@pytest.mark.parametrize("text", ["raysubmit_abc", "tag-3f9a12bc4d5e", "tag-3f9a12bc4d5e-0", ""])
def test_ids_of_others_have_no_parts(text):
    assert parse_id(text) is None


def test_the_next_attempt_is_one_more_than_all_of_the_same_job():
    taken = ["tag-aaaaaaaaaaaa-1", "tag-aaaaaaaaaaaa-3", "tag-bbbbbbbbbbbb-9", "raysubmit_x"]
    assert next_attempt("tag", plan="aaaaaaaaaaaa", taken=taken).attempt == 4
    assert next_attempt("tag", plan="cccccccccccc", taken=taken).attempt == 1
    assert next_attempt("features", plan="aaaaaaaaaaaa", taken=taken).attempt == 1


def test_the_same_configuration_is_the_same_job_whatever_its_speed():
    def digest(*overrides, verb="tag", arguments=()):
        return plan_digest(verb, arguments=arguments, config=tag(*overrides))

    assert digest() == digest("runtime.num_actors=7", "tracking.experiment=other")
    assert digest() != digest("scoring.precision=bfloat16")
    assert digest() != digest("workspace.root_url=s3://other")
    assert digest() != digest(verb="features")
    assert digest() != digest(arguments=("--from", "features"))


# -- what travels


def test_every_verb_that_can_be_submitted_is_one_and_reads_that_configuration():
    for verb, (kind, default) in VERBS.items():
        text = (ROOT / "jobs" / f"{verb}.py").read_text()
        assert f'"{default}"' in text, verb
        assert kind.__name__ in text, verb
        config.load(kind, CONF / default)


def test_local_places_become_absolute_and_the_address_goes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    job = travelling(
        tag(
            "workspace.root_url=here",
            "runtime.ray_address='auto'",
            "tracking.uri='sqlite:///runs.db'",
            "scoring.models=[mine, 'musicnn:MTT_musicnn']",
        )
    )
    assert job.workspace.root_url == str(tmp_path / "here")
    assert job.tracking.uri == f"sqlite:///{tmp_path}/runs.db"
    assert job.scoring.models == (str(tmp_path / "mine"), "musicnn:MTT_musicnn")
    assert job.runtime.ray_address is None
    kept = tag("workspace.root_url=s3://bucket/ws", "tracking.uri='http://runs:5000'")
    assert travelling(kept) == kept
    scan = config.load(config.CatalogJob, CONF / "catalog.yaml", overrides=("source=music",))
    assert travelling(scan).source == str(tmp_path / "music")


def test_a_password_in_a_url_is_refused_and_not_shown():
    uri = f"https://me:{SECRET}@runs.example"
    job = tag().model_copy(update={"tracking": tag().tracking.model_copy(update={"uri": uri})})
    with pytest.raises(ConfigError, match=r"tracking\.uri holds a password") as error:
        refuse_secrets(job, arguments=())
    assert SECRET not in str(error.value)
    with pytest.raises(ConfigError, match="argument 2"):
        refuse_secrets(tag(), arguments=("--x", f"http://:{SECRET}@h"))
    refuse_secrets(tag("tracking.uri='https://runs.example:8080/a@b'"), arguments=())


def test_the_package_holds_the_program_its_configuration_and_nothing_else():
    package = make_package("a: 1\n", max_mb=8)
    with zipfile.ZipFile(io.BytesIO(package.content)) as archive:
        names = set(archive.namelist())
        assert archive.read(CONFIGURATION) == b"a: 1\n"
    assert {"jobs/tag.py", "jobs/__main__.py", "pipeline/config.py", "pyproject.toml"} <= names
    assert "pipeline/browse/templates/base.html" in names
    assert {name.split("/")[0] for name in names} == {"jobs", "pipeline", "conf", "pyproject.toml"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    assert len(package.content) < 2 * 2**20
    assert package.line(max_mb=8).startswith(f"package: {len(names)} files, 0.")


def test_the_same_content_is_the_same_package():
    assert make_package("a: 1\n", max_mb=8) == make_package("a: 1\n", max_mb=8)


def test_a_large_package_is_refused_with_its_largest_files(tmp_path):
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "jobs").mkdir()
    (tmp_path / "pipeline" / "weights.bin").write_bytes(os.urandom(2**21))
    with pytest.raises(ConfigError, match=r"weights\.bin \(2\.0 MB\)"):
        make_package("a: 1\n", max_mb=1, root=tmp_path)


def test_beside_an_installed_package_no_alien_folder_travels(tmp_path):
    for name in ("pipeline/a.py", "jobs/b.py", "conf/alien.yaml", "pipeline/.hidden/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert set(program_files(tmp_path)) == {"pipeline/a.py", "jobs/b.py"}


def test_only_named_variables_travel_and_none_is_shown(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)
    monkeypatch.setenv("NOT_NAMED", "x")
    made, said = request("environment.names=[MLFLOW_TRACKING_PASSWORD]")
    env = made.options("d")["runtime_env"]["env_vars"]
    own = {"RAY_JOB_STOP_WAIT_TIME_S": "60", "EARMARK_REVISION": this_code().revision}
    assert env == {"MLFLOW_TRACKING_PASSWORD": SECRET, **own}
    assert any("MLFLOW_TRACKING_PASSWORD" in line for line in said)
    assert SECRET not in repr(made) + str(said) + made.entrypoint
    with zipfile.ZipFile(io.BytesIO(made.package.content)) as archive:
        assert not [n for n in archive.namelist() if SECRET.encode() in archive.read(n)]


@pytest.mark.parametrize("name", ["RAY_AUTH_TOKEN", "LD_PRELOAD", "PYTHONPATH", "NEVER_SET_HERE"])
def test_variables_of_the_cluster_and_missing_ones_are_refused(name):
    with pytest.raises(ConfigError, match=name):
        passed_on([name])


def test_every_word_of_the_command_line_is_quoted_for_rays_shell():
    made, _ = request(arguments=("add", "a b; rm -rf /", "$(id)"))
    assert shlex.split(made.entrypoint) == [
        *("python", "-m", "jobs", "tag", "add", "a b; rm -rf /", "$(id)"),
        *("--conf", CONFIGURATION),
    ]


def test_the_drivers_resources_are_passed_on_where_there_are_any():
    made, _ = request("driver.num_cpus=2", "driver.labels={zone: a}")
    options = made.options("d")
    assert options["entrypoint_num_cpus"] == 2
    assert options["entrypoint_memory"] == 200 * 2**20
    assert options["entrypoint_label_selector"] == {"zone": "a"}
    assert options["entrypoint_num_gpus"] is None


# -- addresses and tokens


def test_loopback_needs_no_token_and_other_addresses_do(tmp_path):
    bare = {"HOME": str(tmp_path)}
    assert find_door(None, environment=bare) == Door("http://127.0.0.1:8265")
    assert find_door("localhost:9000", environment=bare).url == "http://localhost:9000"
    assert find_door("http://[::1]:8265/", environment=bare).is_loopback
    for address in ("http://10.0.0.7:8265", "head:8265", "http://0.0.0.0:8265"):
        with pytest.raises(ConfigError, match="RAY_AUTH_MODE=token"):
            find_door(address, environment=bare)
    door = find_door("head:8265", environment=bare | {"RAY_AUTH_TOKEN": SECRET})
    assert door.headers == {"Authorization": f"Bearer {SECRET}"}
    assert SECRET not in repr(door)


def test_the_token_of_this_machines_own_ray_goes_elsewhere_only_if_that_is_said(tmp_path):
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text(f"{SECRET}\n")
    home = {"HOME": str(tmp_path)}
    assert find_door(None, environment=home).token == SECRET
    with pytest.raises(ConfigError, match="no token"):
        find_door("http://head:8265", environment=home)
    meant = find_door("http://head:8265", environment=home | {"RAY_AUTH_MODE": "token"})
    assert meant.token == SECRET
    assert find_door(None, environment=home | {"RAY_AUTH_MODE": "disabled"}).token == ""


def test_a_named_token_file_that_is_missing_is_said(tmp_path):
    with pytest.raises(ConfigError, match="RAY_AUTH_TOKEN_PATH"):
        find_door(None, environment={"RAY_AUTH_TOKEN_PATH": str(tmp_path / "none")})


def test_the_environment_names_the_cluster_where_the_call_does_not(tmp_path):
    given = {"HOME": str(tmp_path), "RAY_ADDRESS": "http://127.0.0.1:1"}
    assert find_door(None, environment=given).url == "http://127.0.0.1:1"
    assert find_door("http://127.0.0.1:2", environment=given).url == "http://127.0.0.1:2"
    first = given | {"RAY_API_SERVER_ADDRESS": "http://127.0.0.1:3"}
    assert find_door(None, environment=first).url == "http://127.0.0.1:3"
    core = {"HOME": str(tmp_path), "RAY_ADDRESS": "10.0.0.1:6379"}
    assert find_door("auto", environment=core).is_loopback


@pytest.mark.parametrize(
    "address", ["ray://h:10001", "http://", "http://h:port", "http://h:1?x=1", "anyscale://x"]
)
def test_an_address_of_another_kind_is_refused(address):
    with pytest.raises(ConfigError, match="no address of a Jobs API"):
        find_door(address, environment={})


def test_a_password_in_the_address_is_refused_and_not_shown():
    with pytest.raises(ConfigError) as error:
        find_door(f"http://me:{SECRET}@127.0.0.1:8265", environment={})
    assert SECRET not in str(error.value)


def test_a_cluster_elsewhere_that_answers_without_a_token_is_refused(monkeypatch):
    class Answer:
        status = 200

        @staticmethod
        def read():
            return b""

    asked = []

    class Connection:
        def __init__(self, host, port, timeout):
            asked.append(host)

        def request(self, method, path, headers):
            assert headers == {}, "the token is not shown to who may be anybody"
            asked.append(path)

        def getresponse(self):
            return Answer

        def close(self):
            pass

    monkeypatch.setattr("http.client.HTTPConnection", Connection)
    with pytest.raises(ConfigError, match="answers without a token"):
        refuse_open(Door("http://head:8265", SECRET), ca_file=None)
    assert asked == ["head", "/api/version"]
    Answer.status = 401
    refuse_open(Door("http://head:8265", SECRET), ca_file=None)
    refuse_open(Door("http://127.0.0.1:8265"), ca_file=None)


# -- attempts


def send(client: FakeClient, *, while_alive: WhileAlive = WhileAlive.ATTACH):
    made, _ = request()
    return fake_jobs(client).submit(made, while_alive=while_alive, say=lambda _: None)


def test_a_job_is_started_once_attached_to_while_alive_and_goes_on_when_it_ended():
    client = FakeClient()
    first = send(client)
    assert first.is_new
    assert first.job.id.endswith("-1")
    again = send(client)
    assert not again.is_new
    assert again.job.id == first.job.id
    assert "attached" in again.line(address="here")
    with pytest.raises(UserError, match="is pending: the same job is not started beside it"):
        send(client, while_alive=WhileAlive.REFUSE)
    client.add(first.job.id, "STOPPED")
    resumed = send(client)
    assert resumed.is_new
    assert resumed.job.id == first.job.id[:-1] + "2"
    assert "goes on" in resumed.line(address="here")
    assert len(client.sent) == 2


def test_two_who_submit_at_once_get_one_job(monkeypatch):
    client = FakeClient()
    made, _ = request()
    real = client.submit_job

    def late(*, submission_id, **options):
        monkeypatch.setattr(client, "submit_job", real)
        client.add(submission_id, "RUNNING")  # the other one
        return real(submission_id=submission_id, **options)

    monkeypatch.setattr(client, "submit_job", late)
    got = fake_jobs(client).submit(made, while_alive=WhileAlive.ATTACH, say=lambda _: None)
    assert not got.is_new
    assert not client.sent


def test_a_head_that_is_starting_is_waited_for():
    client = FakeClient(refusals=["500: No available agent to submit job, try again later"])
    assert send(client).is_new


def test_what_a_cluster_answers_is_told_without_secrets(monkeypatch):
    monkeypatch.setenv("THE_KEY", SECRET)
    client = FakeClient(refusals=[f"400: runtime_env {{'THE_KEY': '{SECRET}'}} is bad"])
    made, _ = request("environment.names=[THE_KEY]")
    with pytest.raises(UserError, match="is bad") as error:
        fake_jobs(client).submit(made, while_alive=WhileAlive.ATTACH, say=lambda _: None)
    assert SECRET not in str(error.value)


def test_a_job_is_found_by_the_beginning_of_its_id():
    client = FakeClient()
    for name in ("tag-aaaaaaaaaaaa-1", "tag-aaaaaaaaaaaa-2", "tag-abbbbbbbbbbb-1"):
        client.add(name)
    jobs = fake_jobs(client)
    assert jobs.find("tag-aa").id == "tag-aaaaaaaaaaaa-2"
    assert jobs.find("tag-aaaaaaaaaaaa-1").id == "tag-aaaaaaaaaaaa-1"
    with pytest.raises(UserError, match="begins several"):
        jobs.find("tag-a")
    with pytest.raises(UserError, match="no job train"):
        jobs.find("train")


def test_jobs_are_listed_newest_first_and_by_workspace():
    client = FakeClient()
    client.add("one", metadata={"earmark.workspace": "s3://a", "earmark.verb": "tag"})
    client.add("two", metadata=None)
    jobs = fake_jobs(client)
    assert [job.id for job in jobs.list()] == ["two", "one"]
    assert [job.verb for job in jobs.list(workspace="s3://a")] == ["tag"]


def test_a_stopped_job_is_waited_for():
    client = FakeClient()
    client.add("tag-aaaaaaaaaaaa-1")
    jobs = fake_jobs(client)
    assert jobs.stop(jobs.find("tag"), wait_s=5).status == "STOPPED"


# -- how it ended


def job(status: str, **facts: object) -> SubmittedJob:
    defaults = {
        "id": "tag-aaaaaaaaaaaa-1",
        "verb": "tag",
        "workspace": "s3://a",
        "started_s": 1000.0,
        "ended_s": 1200.0,
        "message": "first\nlast line\n",
        "code": None,
    }
    return SubmittedJob(**{**defaults, "status": status, **facts})


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        ("SUCCEEDED", 0, 0),
        ("STOPPED", None, 130),
        ("FAILED", 1, 1),
        ("FAILED", 3, 3),
        ("FAILED", -9, 137),
        ("FAILED", None, 1),
        ("FAILED", 0, 1),
    ],
)
def test_the_exit_code_is_the_jobs(status, code, expected):
    assert job(status, code=code).exit_code == expected


def test_a_row_is_short_and_facts_are_whole():
    row = job("FAILED").row(now_s=5000.0)
    assert (row["took"], row["message"]) == ("3 min 20 s", "last line")
    assert job("FAILED").facts(now_s=5000.0)["message"] == "first\nlast line\n"
    alive = job("RUNNING", ended_s=None).facts(now_s=1030.0)
    assert (alive["seconds"], alive["exit_code"], alive["ended"]) == (30.0, None, None)


# -- logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


PROGRESS = ["tag: 1 of 20 tracks, 0 failed", "tag: 9 of 20 tracks, 0 failed"]


def written(paper_to: io.StringIO, text: str, *, cut: int) -> str:
    paper = LogPaper(paper_to)
    for start in range(0, len(text), cut):
        paper.write(text[start : start + cut])
    paper.close()
    return paper_to.getvalue()


@given(st.lists(st.sampled_from(["", "a", *PROGRESS, "x: y"])), st.integers(1, 50))
def test_without_a_terminal_a_log_is_written_as_it_is_however_it_is_cut(lines, cut):
    text = "".join(f"{line}\n" for line in lines)
    assert written(io.StringIO(), text, cut=cut) == text


def test_on_a_terminal_progress_stands_over_progress():
    text = "begins\n" + "\n".join(PROGRESS) + "\nends\n"
    shown = written(Terminal(), text, cut=7)
    assert shown == f"begins\n{PROGRESS[0]}\r\x1b[2K{PROGRESS[1]}\nends\n"


def test_a_log_is_followed_to_its_end_over_a_connection_that_breaks_off():
    client = FakeClient(text="one\ntwo\nthree\nfour\n")
    detail = client.add("tag-aaaaaaaaaaaa-1")
    client.pieces = [["one\ntw", None], ["one\n", "two\nthr"], ["one\ntwo\nthree\n"]]
    real = client.get_job_info
    calls = []

    def info(job_id):
        calls.append(job_id)
        if not client.pieces:
            detail.status, detail.driver_exit_code, detail.end_time = "FAILED", 7, 2_000_000
        return real(job_id)

    client.get_job_info = info
    output, said = io.StringIO(), []
    code = follow_to_end(fake_jobs(client), "tag-aaaaaaaaaaaa-1", output=output, say=said.append)
    assert code == 7
    assert output.getvalue() == "one\ntwo\nthree\nfour\n"
    assert "exit code 7" in said[-1]


def test_one_who_stops_to_look_leaves_the_job_alone(monkeypatch):
    client = FakeClient()
    client.add("tag-aaaaaaaaaaaa-1")
    jobs = fake_jobs(client)

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "read", interrupted)
    said = []
    assert follow_to_end(jobs, "tag-aaaaaaaaaaaa-1", output=io.StringIO(), say=said.append) == 130
    assert "earmark stop tag-aaaaaaaaaaaa-1" in said[0]
    assert client.details["tag-aaaaaaaaaaaa-1"].status == "RUNNING"


def test_a_job_that_never_began_says_why():
    client = FakeClient()
    client.add("tag-aaaaaaaaaaaa-1", "FAILED", message="runtime_env setup failed: no disk")
    client.pieces = [[]]
    said = []
    code = follow_to_end(
        fake_jobs(client), "tag-aaaaaaaaaaaa-1", output=io.StringIO(), say=said.append
    )
    assert code == 1
    assert said[0] == "runtime_env setup failed: no disk"


# -- stopping


def test_the_first_sigterm_interrupts_and_a_second_does_not_break_off_what_is_saved():
    program = (
        "import time\n"
        "from pipeline.stages.submission_stop import stop_as_interrupt\n"
        "stop_as_interrupt()\n"
        "try:\n    print('ready', flush=True)\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    print('saving', flush=True)\n    time.sleep(0.3)\n    print('saved')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "saving\n"
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20)[0] == "saved\n"
    assert process.returncode == 0
