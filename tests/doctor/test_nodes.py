from __future__ import annotations

from dataclasses import replace

from doctor.machines import WELL, machine
from workspace import CONF

from pipeline.config import load
from pipeline.config_doctor import DoctorJob
from pipeline.doctor.finding import State
from pipeline.doctor.nodes import check_machines

ENOUGH = load(DoctorJob, CONF / "doctor.yaml").enough


def checked(*machines):
    return check_machines(machines, driver=WELL, enough=ENOUGH)


def test_machines_that_are_well_are_said_once_a_check():
    found = checked(machine("n1"), machine("n2"))
    assert {finding.state for finding in found} == {State.OK}
    assert len(found) == len({finding.check for finding in found}) == 9
    assert {finding.where for finding in found} == {"n1, n2"}


def test_one_node_with_another_version_is_named():
    old = machine("n3", path="versions.torch", value="2.9.0")
    failed = [f for f in checked(machine("n1"), machine("n2"), old) if f.state is State.FAILED]
    assert [(f.check, f.where) for f in failed] == [("versions", "n3")]
    assert "torch 2.9.0 (driver 2.11.0)" in failed[0].seen


def test_many_nodes_with_one_fault_are_one_finding():
    many = [machine(f"n{i}", path="open_files.soft", value=64) for i in range(8)]
    (found,) = [f for f in checked(*many) if f.state is State.WARNING]
    assert found.where == "8 nodes: n0, n1, n2, n3, n4, ..."


def test_a_node_that_does_not_answer_has_failed_and_hides_no_other():
    silent = replace(WELL, name="n9", facts=None, error="GetTimeoutError: ...")
    found = checked(machine("n1"), silent)
    assert (found[0].check, found[0].state, found[0].where) == ("node", State.FAILED, "n9")
    assert len(found) == 10
