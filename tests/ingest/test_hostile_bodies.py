"""Bodies that no appliance should send: a clear problem document and nothing half-written."""

import gzip
import json
import zlib
from typing import Any, NamedTuple

import pytest

from ingest.models import PerformanceBlock, UploadReceipt
from ingest.uploads import refuse_hostile_body
from migrate_hub.errors import DomainError
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.ingest import estates

GOOD = json.dumps({"sequence": 1, "interval_seconds": 600, "machines": [estates.points()]}).encode()
ZIPPED = gzip.compress(GOOD)
GZIP = {"Content-Encoding": "gzip"}


def _with(text: str) -> bytes:
    """A good upload with one machine's extra member replaced by raw JSON text."""
    return GOOD.replace(b'"cpu_percent"', f'"x": {text}, "cpu_percent"'.encode())


class Case(NamedTuple):
    """A body and headers, and what they are answered."""

    name: str
    body: bytes
    headers: dict[str, str]
    status: int
    code: str


CASES = [
    Case("empty", b"", {}, 400, "empty_body"),
    Case("no JSON", b"hello", {}, 400, "invalid_json"),
    Case("cut off", GOOD[:-3], {}, 400, "invalid_json"),
    Case("something after the end", GOOD + b" x", {}, 400, "invalid_json"),
    Case("a list", b"[]", {}, 400, "invalid"),
    Case("null", b"null", {}, 400, "invalid"),
    Case("no sequence", b'{"interval_seconds": 600, "machines": []}', {}, 400, "invalid"),
    Case("no machines", b'{"sequence": 1, "interval_seconds": 600}', {}, 400, "invalid"),
    Case("another interval", GOOD.replace(b"600", b"60"), {}, 400, "invalid"),
    Case("a sequence below zero", GOOD.replace(b'"sequence": 1', b'"sequence": -1'), {}, 400, "invalid"),
    Case("a sequence beyond 64 bits", GOOD.replace(b'"sequence": 1', b'"sequence": ' + b"9" * 30), {}, 400, "invalid"),
    Case("machines that are no list", b'{"sequence":1,"interval_seconds":600,"machines":{}}', {}, 400, "invalid"),
    Case("NaN", GOOD.replace(b"10.0", b"NaN"), {}, 400, "invalid_json"),
    Case("Infinity", GOOD.replace(b"10.0", b"-Infinity"), {}, 400, "invalid_json"),
    Case("NaN where nobody looks", _with("NaN"), {}, 400, "invalid_json"),
    Case("no UTF-8", GOOD.replace(b"vm-1", b"vm-\xff"), {}, 400, "invalid_encoding"),
    Case("no UTF-8 where nobody looks", GOOD.replace(b"{", b'{"\xff": 1,', 1), {}, 400, "invalid_encoding"),
    Case("UTF-16", GOOD.decode().encode("utf-16"), {}, 400, "invalid_encoding"),
    Case("a raw control character", GOOD.replace(b"vm-1", b"vm-\x00"), {}, 400, "invalid_json"),
    Case("a lone surrogate", GOOD.replace(b"vm-1", b"\\ud800"), {}, 400, "invalid_json"),
    Case("ten levels of nesting", _with("[" * 10 + "]" * 10), {}, 400, "nesting_too_deep"),
    Case("a million levels of nesting", _with("[" * 10**6), {}, 400, "nesting_too_deep"),
    Case("four million empty lists", b"[" + b"[]," * 2 * 10**6 + b"[]]", {}, 413, "body_too_complex"),
    Case("gzip cut off", ZIPPED[:-5], GZIP, 400, "invalid_gzip"),
    Case("gzip with a flipped bit", ZIPPED[:-6] + bytes([ZIPPED[-6] ^ 1]) + ZIPPED[-5:], GZIP, 400, "invalid_gzip"),
    Case("gzip that is none", GOOD, GZIP, 400, "invalid_gzip"),
    Case("zlib that claims to be gzip", zlib.compress(GOOD), GZIP, 400, "invalid_gzip"),
    Case("a gzip bomb", gzip.compress(b" " * 70 * 1024 * 1024), GZIP, 413, "body_too_large"),
    Case("a bomb of many members", gzip.compress(b"") * 65, GZIP, 400, "invalid_gzip"),
    Case("another encoding", GOOD, {"Content-Encoding": "br"}, 415, "unsupported_encoding"),
    Case("another content type", GOOD, {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    Case("a form", GOOD, {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
]


@pytest.fixture(scope="module")
def site() -> estates.ApplianceApi:
    made = estates.appliance()
    made.inventory(estates.machine("vm-1"))
    return made


def _stored(site: estates.ApplianceApi) -> int:
    with tenant_context(estates.shared().tenant.id):
        blocks = PerformanceBlock.objects.filter(appliance_id=site.id).count()
        return blocks + UploadReceipt.objects.filter(appliance_id=site.id, kind="performance").count()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_hostile_upload_is_refused_and_nothing_is_written(site: estates.ApplianceApi, case: Case) -> None:
    response = site.upload(estates.PERFORMANCE, case.body, **case.headers)
    problem = site.ok(response, case.status)
    assert response.headers["Content-Type"].startswith("application/problem+json")
    assert (problem["code"], problem["status"]) == (case.code, case.status)
    assert _stored(site) == 0


def test_too_many_machines_in_one_upload_are_refused(site: estates.ApplianceApi) -> None:
    machines = [{"source_id": str(i), "start_at": "2026-01-01T00:00:00Z"} for i in range(10_001)]
    body = {"interval_seconds": 600, "machines": machines}
    assert site.ok(site.upload(estates.PERFORMANCE, body), 413)["code"] == "too_many_machines"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"version": 7}', b'{"errors": [[]]}', b'{"health": NaN}'])
def test_a_hostile_heartbeat_is_refused(site: estates.ApplianceApi, body: bytes) -> None:
    assert site.post("ingest/heartbeat/", body).status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"registration_key": 1, "hostname": "a"}'])
def test_a_hostile_registration_is_refused(body: bytes) -> None:
    assert make.Api(None).post("appliances/register/", body).status_code == 400


def test_a_hostname_with_control_characters_is_refused() -> None:
    assert estates.register("srvk_x", "a\0b").json()["code"] == "invalid_text"


@pytest.mark.parametrize("field", ["sent_at", "collected_at"])
def test_an_instant_without_a_time_zone_is_refused(site: estates.ApplianceApi, field: str) -> None:
    path = estates.PERFORMANCE if field == "sent_at" else estates.INVENTORY
    body: dict[str, Any] = {"interval_seconds": 600, "machines": [], field: "2026-11-22T10:00:00"}
    problem = site.ok(site.upload(path, body), 400)
    assert problem["errors"][0]["field"] == field


def test_an_inventory_from_the_future_is_refused(site: estates.ApplianceApi) -> None:
    body = {"machines": [estates.machine("vm-9")], "collected_at": "2999-01-01T00:00:00Z"}
    assert site.ok(site.upload(estates.INVENTORY, body), 400)["code"] == "in_future"


def test_brackets_in_a_text_are_no_nesting(site: estates.ApplianceApi) -> None:
    name = "[" * 20 + '\\"{' * 20
    assert site.inventory(estates.machine("vm-8", name=name))["accepted"] == 1


def test_text_that_hides_nesting_by_closing_brackets_is_seen_through() -> None:
    refuse_hostile_body(b'{"a": "[[[[[[[[[["}')
    with pytest.raises(DomainError, match="nested"):
        refuse_hostile_body(b'{"a": "\\"", "b": ' + b"[" * 9 + b"]" * 9 + b"}")
