from __future__ import annotations

import shutil
import subprocess

import pytest

from pipeline.revision import ROOT, _installed, code_at, this_code

GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]


def program(root):
    (root / "pipeline").mkdir(parents=True)
    (root / "jobs").mkdir()
    (root / "pipeline" / "a.py").write_text("A = 1\n")
    (root / "jobs" / "b.py").write_text("B = 1\n")
    return root


@pytest.fixture
def checkout(tmp_path):
    root = program(tmp_path / "here")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*GIT, "-C", str(root), *words], check=True)
    return root


def test_a_checkout_says_its_commit_and_whether_it_was_changed(checkout):
    clean = code_at(checkout, environment="")
    assert len(clean.revision) == 40
    (checkout / "pipeline" / "a.py").write_text("A = 2\n")
    changed = code_at(checkout, environment="")
    assert changed.revision == f"{clean.revision}+modified"
    assert changed.sources_sha256 != clean.sources_sha256


def test_a_copy_without_history_has_the_same_sources_and_the_images_revision(checkout, tmp_path):
    there = tmp_path / "there"
    shutil.copytree(checkout, there, ignore=shutil.ignore_patterns(".git"))
    copied = code_at(there, environment="abc123")
    assert copied.sources_sha256 == code_at(checkout, environment="abc123").sources_sha256
    assert copied.revision == "abc123"
    assert code_at(checkout, environment="abc123").revision != "abc123"


def test_a_folder_inside_another_checkout_does_not_take_its_commit(checkout):
    inner = program(checkout / "vendored")
    assert code_at(inner, environment="").revision == ""


def test_a_file_under_another_name_is_another_program(tmp_path):
    root = program(tmp_path)
    before = code_at(root, environment="").sources_sha256
    (root / "pipeline" / "a.py").rename(root / "pipeline" / "c.py")
    assert code_at(root, environment="").sources_sha256 != before


def test_what_pip_installed_from_is_known():
    assert _installed('{"vcs_info": {"commit_id": "f00"}}') == "f00"
    assert _installed(None) == _installed('{"dir_info": {}}') == ""


def test_facts_name_only_what_is_known(tmp_path):
    facts = code_at(program(tmp_path), environment="").facts()
    assert "code_revision" not in facts
    assert len(facts["sources_sha256"]) == 64
    assert this_code().sources_sha256 == code_at(ROOT, environment="").sources_sha256
