"""A run and a machine that is seen twice: counted once, told what was left out, and stale when it is found later."""

from typing import Any

import pytest

from tests import make
from tests.estate import Appliance, assessed, enrolled, machine, machine_ids

UUID_A = "50116111-2222-3333-4444-555566667777"
pytestmark = pytest.mark.usefixtures("catalog", "background")


def seen(name: str, uuid: str | None = None) -> dict[str, Any]:
    return machine(name, instance_uuid=uuid, nics=[])


@pytest.fixture(scope="module")
def api() -> make.Api:
    return make.cast().bob


def group_of(api: make.Api, project: str, *names: str) -> str:
    ids = machine_ids(api, project)
    body = {"name": "-".join(names), "machines": [ids[name] for name in names]}
    return str(api.ok(api.post(f"projects/{project}/groups/", body), 201)["id"])


def test_a_run_leaves_out_what_is_seen_twice_and_says_so(api: make.Api) -> None:
    project, _ = enrolled(api, [seen("a", UUID_A), seen("x")])
    Appliance(api, project).inventory([seen("b", UUID_A)])
    ids = machine_ids(api, project)
    run = assessed(api, project, group_of(api, project, "a", "b", "x"), sizing_criterion="as_on_premises")
    told = {"machine": ids["b"], "name": "b", "duplicate_of": ids["a"], "duplicate_of_name": "a", "assessed": True}
    assert run["summary"]["machines"] == 2
    assert run["summary"]["left_out"] == {"duplicates": 1, "machines": [told]}
    assert run["freshness"] == "current"
    without = assessed(api, project, group_of(api, project, "b", "x"), sizing_criterion="as_on_premises")
    assert without["summary"]["left_out"]["machines"] == [told | {"assessed": False}]


def test_a_run_without_such_machines_says_nothing_of_them(api: make.Api) -> None:
    project, _ = enrolled(api, [seen("a", UUID_A)])
    run = assessed(api, project, group_of(api, project, "a"), sizing_criterion="as_on_premises")
    assert "left_out" not in run["summary"]


def test_a_machine_recognised_later_makes_the_run_out_of_sync_with_the_reason(api: make.Api) -> None:
    project, _ = enrolled(api, [seen("a", UUID_A), seen("x")])
    second = Appliance(api, project)
    second.inventory([seen("b")])
    run = assessed(api, project, group_of(api, project, "a", "b", "x"), sizing_criterion="as_on_premises")
    assert run["summary"]["machines"] == 3
    second.inventory([seen("b", UUID_A)])
    shown = api.ok(api.get(f"projects/{project}/assessments/{run['id']}/"))
    reasons = {reason["code"]: reason for reason in shown["freshness_reasons"]}
    assert shown["freshness"] == "out_of_sync"
    assert reasons["machine_recognised"]["message"] == "b is the same machine as a; it counts once."
    assert reasons["machine_recognised"]["duplicate_of"] == machine_ids(api, project)["a"]
