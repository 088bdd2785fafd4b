"""The bodies that msgspec decodes are described by the very structs that decode them."""

from typing import Any

import msgspec
import pytest

from ingest import uploads
from migrate_hub.schema import schema_text, tell_object_defaults
from tests.ingest import estates

BODIES = {
    "/api/v1/appliances/register/": uploads.Registration,
    "/api/v1/ingest/heartbeat/": uploads.Heartbeat,
    "/api/v1/ingest/inventory/": uploads.InventoryUpload,
    "/api/v1/ingest/performance/": uploads.PerformanceUpload,
}


@pytest.fixture(scope="module")
def schema() -> Any:
    return msgspec.json.decode(schema_text())


def test_every_body_refers_to_its_struct(schema: Any) -> None:
    for path, struct in BODIES.items():
        body = schema["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert body == {"$ref": f"#/components/schemas/{struct.__name__}"}


def test_the_components_are_what_the_structs_say(schema: Any) -> None:
    answers = [uploads.UploadAnswer, uploads.Registered, uploads.Rotated, uploads.HeartbeatAnswer]
    _, components = msgspec.json.schema_components(
        [*BODIES.values(), *answers], ref_template="#/components/schemas/{name}"
    )
    told = tell_object_defaults({"components": {"schemas": components}}, None, None, True)["components"]["schemas"]
    assert {name: schema["components"]["schemas"][name] for name in components} == told


def test_answers_are_as_described() -> None:
    site = estates.appliance()
    inventory = site.upload(estates.INVENTORY, {"machines": [estates.machine(), {"source_id": "bad"}]})
    answer = msgspec.json.decode(inventory.content, type=uploads.UploadAnswer)
    assert (answer.accepted, answer.rejected[0].source_id) == (1, "bad")
    rotated = site.post("appliances/token/")
    assert msgspec.json.decode(rotated.content, type=uploads.Rotated).token.startswith("mhap_")


def test_the_arrays_of_a_block_are_named_as_the_fields_of_an_upload() -> None:
    from ingest.series import DISK_FIELDS, MACHINE_FIELDS, NIC_FIELDS
    from ingest.store import LEADING_FIELDS

    assert uploads.MachinePoints.__struct_fields__[LEADING_FIELDS:] == MACHINE_FIELDS
    assert uploads.DiskPoints.__struct_fields__ == DISK_FIELDS
    assert uploads.NicPoints.__struct_fields__ == NIC_FIELDS
