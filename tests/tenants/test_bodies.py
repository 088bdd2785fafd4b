"""Bodies of the people's side: what is no JSON number and what is no name is refused."""

from typing import Any

import pytest

from tests import make
from tests.estate import enrolled, machine


@pytest.fixture(scope="module")
def cast(catalog: None) -> make.Cast:
    return make.cast()


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" * 400 + ".0"])
def test_a_number_beyond_a_double_is_no_json(cast: make.Cast, number: str) -> None:
    answer = cast.alice.post("tokens/", f'{{"name": "x", "expires_in_days": {number}}}')
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


@pytest.mark.parametrize("name", [1, 1.5, True, ["x"], {}, "tab\tinside", "\u202a\ue000"])
def test_a_name_is_a_text(cast: make.Cast, name: Any) -> None:
    project, _ = enrolled(cast.alice, [machine("sql-01")])
    bodies: dict[str, dict[str, Any]] = {
        "projects/": {"target_region": "westeurope"},
        "tokens/": {},
        f"projects/{project}/appliances/": {"kind": "vmware"},
        f"projects/{project}/groups/": {"machines": []},
        "price-sheets/": {"csv": "size"},
    }
    for path, body in bodies.items():
        answer = cast.alice.post(path, {"name": name, **body})
        assert answer.status_code == 400, f"{path}: {answer.content!r}"
        assert [problem["field"] for problem in answer.json()["errors"]] == ["name"], path
