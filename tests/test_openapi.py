"""The OpenAPI description says what the API does: every URL, every body, and a client generated from it works."""

import copy
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from tests import make
from tests.conftest import wait_until
from tests.estate import Appliance, enrolled, instant, last_full_hour, machine, points
from tests.tenants.test_stranger import api_routes

CLIENT = "migrate_hub_client"
# Signed links, opened by whoever holds them; described where they are handed out.
NOT_DESCRIBED = {"report-downloads/<str:signed>/"}


@pytest.fixture(scope="module")
def described(database: None) -> dict[str, Any]:
    """The description as the server gives it to anybody."""
    response = Client().get("/api/schema/")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("application/vnd.oai.openapi+json")
    schema: dict[str, Any] = json.loads(response.content)
    return schema


def operations(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_the_description_is_openapi_3_1(described: dict[str, Any]) -> None:
    assert described["openapi"] == "3.1.0"


def test_every_url_below_the_api_is_described(described: dict[str, Any]) -> None:
    routes = {route for route, _ in api_routes()} - NOT_DESCRIBED
    paths = {"/api/v1/" + route.replace("<str:", "{").replace(">", "}") for route in routes}
    assert set(described["paths"]) == paths


def test_every_operation_has_a_summary_a_tag_and_a_problem_as_its_default_answer(described: dict[str, Any]) -> None:
    for name, operation in operations(described):
        assert operation["summary"], name
        assert operation["tags"], name
        assert "application/problem+json" in operation["responses"]["default"]["content"], name


def test_every_operation_but_registration_names_its_token(described: dict[str, Any]) -> None:
    without = [name for name, operation in operations(described) if not operation.get("security")]
    assert without == ["POST /api/v1/appliances/register/"]
    assert {scheme["scheme"] for scheme in described["components"]["securitySchemes"].values()} == {"bearer"}


# --- bodies that are decoded without serializers ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def appliance(database: None) -> Appliance:
    return enrolled(make.cast().alice, [machine("sql-01")])[1]


def body_validator(described: dict[str, Any], path: str) -> Draft202012Validator:
    schema = described["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": described["components"]})


def inventory_body(sequence: int) -> dict[str, Any]:
    collected_at = instant(last_full_hour())
    machines = [machine("sql-01")]
    return {"sequence": sequence, "snapshot": False, "collected_at": collected_at, "machines": machines, "removed": []}


def performance_body(sequence: int) -> dict[str, Any]:
    start = last_full_hour() - timedelta(days=1)
    sent_at = instant(last_full_hour())
    machines = [points("sql-01", start, 6)]
    return {"sequence": sequence, "sent_at": sent_at, "interval_seconds": 600, "machines": machines}


BODIES = {"inventory": inventory_body, "performance": performance_body}
WRONG = [
    ("inventory", "sequence", "one"),
    ("inventory", "sequence", -1),
    ("inventory", "snapshot", "yes"),
    ("inventory", "machines", {}),
    ("inventory", "removed", [7]),
    ("performance", "interval_seconds", 60),
    ("performance", "interval_seconds", "600"),
    ("performance", "machines", "none"),
    ("performance", "sequence", None),
]
WRONG_RECORDS = [
    ("inventory", "cores", -1),
    ("inventory", "name", None),
    ("inventory", "source_id", ""),
    ("inventory", "boot_type", "floppy"),
    ("inventory", "disks", [{"name": "without source_id"}]),
    ("performance", "cpu_percent", ["busy"]),
    ("performance", "cpu_percent", [1.0] * 289),
    ("performance", "nics", {"4000": {"received_mbps": 1.0}}),
    ("performance", "start_at", 7),
]


@pytest.mark.parametrize("kind", BODIES)
def test_a_right_body_fits_the_description_and_is_accepted(
    described: dict[str, Any], appliance: Appliance, kind: str
) -> None:
    body = BODIES[kind](appliance.sequence + 1)
    body_validator(described, f"/api/v1/ingest/{kind}/").validate(body)
    answer = appliance.api.ok(appliance.upload(kind, {k: v for k, v in body.items() if k != "sequence"}))
    assert answer == {"accepted": 1, "rejected": []}


@pytest.mark.parametrize(("kind", "field", "value"), WRONG)
def test_a_wrong_body_neither_fits_the_description_nor_is_accepted(
    described: dict[str, Any], appliance: Appliance, kind: str, field: str, value: Any
) -> None:
    body = BODIES[kind](appliance.sequence + 1) | {field: value}
    assert not body_validator(described, f"/api/v1/ingest/{kind}/").is_valid(body)
    headers = {"Idempotency-Key": str(uuid4())}
    assert appliance.api.post(f"ingest/{kind}/", body, **headers).status_code == 400


@pytest.mark.parametrize(("kind", "field", "value"), WRONG_RECORDS)
def test_a_wrong_record_neither_fits_the_description_nor_is_accepted(
    described: dict[str, Any], appliance: Appliance, kind: str, field: str, value: Any
) -> None:
    body = copy.deepcopy(BODIES[kind](appliance.sequence + 1))
    body["machines"][0][field] = value
    assert not body_validator(described, f"/api/v1/ingest/{kind}/").is_valid(body)
    answer = appliance.api.ok(appliance.upload(kind, {k: v for k, v in body.items() if k != "sequence"}))
    assert (answer["accepted"], len(answer["rejected"])) == (0, 1)


def test_an_accepted_answer_fits_the_description(described: dict[str, Any], appliance: Appliance) -> None:
    answer = appliance.api.ok(appliance.upload("performance", {"interval_seconds": 600, "machines": [{}]}))
    schema = described["paths"]["/api/v1/ingest/performance/"]["post"]["responses"]["200"]["content"]
    Draft202012Validator({**schema["application/json"]["schema"], "components": described["components"]}).validate(
        answer
    )


# --- a client made by a public generator ------------------------------------------------------------------------------


class Generated:
    """The package that openapi-python-client wrote: `api("groups.projects_groups_list")`, `model("GroupOut")`."""

    def __init__(self) -> None:
        self.opened: list[Any] = []

    def api(self, name: str) -> Any:
        return importlib.import_module(f"{CLIENT}.api.{name}")

    def model(self, name: str) -> Any:
        return getattr(importlib.import_module(f"{CLIENT}.models"), name)

    def client(self, web: str, token: str | None = None) -> Any:
        """Closed at the end of the module."""
        package = importlib.import_module(CLIENT)
        options = {"base_url": web, "raise_on_unexpected_status": True}
        client = package.AuthenticatedClient(token=token, **options) if token else package.Client(**options)
        self.opened.append(client)
        return client


@pytest.fixture(scope="module")
def generated(described: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(described))
    (folder / "config.yaml").write_text("post_hooks: []\n")
    command = [
        sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning",
        "--path", str(folder / "openapi.json"), "--config", str(folder / "config.yaml"),
        "--output-path", str(folder / CLIENT),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    package = Generated()
    yield package
    for client in package.opened:
        client.get_httpx_client().close()
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == CLIENT]:
        del sys.modules[name]


def register(generated: Generated, web: str, key: str) -> Any:
    body = generated.model("Registration")(registration_key=key, hostname="collector-1")
    registered = generated.api("appliance_side.appliances_register_create").sync(
        client=generated.client(web), body=body
    )
    return generated.client(web, registered.token)


def upload(generated: Generated, client: Any, kind: str, body: Any) -> None:
    call = generated.api(f"appliance_side.ingest_{kind}_create")
    answer = call.sync(client=client, body=body, idempotency_key=str(uuid4()))
    assert (answer.accepted, answer.rejected) == (1, [])


def upload_estate(generated: Generated, appliance: Any, now: datetime) -> None:
    """One machine and a day of its points, as typed objects of the client."""
    inventory = generated.model("InventoryUpload").from_dict(inventory_body(1) | {"snapshot": True})
    upload(generated, appliance, "inventory", inventory)
    start = now - timedelta(days=1)
    performance = generated.model("PerformanceUpload").from_dict(
        performance_body(2) | {"machines": [points("sql-01", start)]}
    )
    upload(generated, appliance, "performance", performance)


def test_a_generated_client_plays_the_whole_story(
    web: str, generated: Generated, catalog: None, background: None
) -> None:
    token = make.cast().alice.token
    client, api, model = generated.client(web, token), generated.api, generated.model
    project: UUID = (
        api("projects.projects_create")
        .sync(client=client, body=model("ProjectInRequest")(name="p", target_region="westeurope", currency="USD"))
        .id
    )
    created = api("appliances.projects_appliances_create").sync(
        str(project), client=client, body=model("ApplianceInRequest")(name="a", kind=model("ApplianceKindEnum").VMWARE)
    )
    upload_estate(generated, register(generated, web, created.registration_key), last_full_hour())

    machines = api("machines.projects_machines_list").sync(str(project), client=client).results
    group = api("groups.projects_groups_create").sync(
        str(project), client=client, body=model("GroupInRequest")(name="g", machines=[row.id for row in machines])
    )
    assessment = api("assessments.projects_groups_assessments_create").sync(
        str(project), str(group.id), client=client, body=model("AssessmentInRequest")(name="first")
    )

    def finished() -> Any:
        found = api("assessments.projects_assessments_retrieve").sync(str(project), str(assessment.id), client=client)
        return found if found.status == "completed" else None

    summary = wait_until(finished, seconds=60, what="the assessment").summary
    rows = api("assessments.projects_assessments_machines_list").sync(str(project), str(assessment.id), client=client)
    assert summary
    assert [(row.name, row.readiness.value) for row in rows.results] == [("sql-01", "ready")]


def test_a_generated_client_reads_a_refusal_as_a_problem(web: str, generated: Generated) -> None:
    client = generated.client(web, make.cast().alice.token)
    problem = generated.api("projects.projects_retrieve").sync(str(uuid4()), client=client)
    assert (problem.status, problem.code) == (404, "not_found")


# --- the pages --------------------------------------------------------------------------------------------------------


def test_the_pages_run_no_inline_script_and_load_nothing_foreign(database: None) -> None:
    page = Client().get("/api/docs/").content.decode()
    assert "<script>" not in page
    assert "<style" not in page
    assert "//" not in page.replace("<!doctype html>", "")
