"""Price sheets over the API: the owner sends and deletes them, members read them, strangers see nothing."""

import functools
import gzip
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tests import make
from tests.estate import price_sheet

HEADER = "size,region,scenario,os,unit_price,unit,currency,valid_from"
LINE = "Standard_D4s_v5,West Europe,pay_as_you_go,linux,0.2000,hour,USD,2026-01-01"
CSV = f"{HEADER}\n{LINE}\n"


@functools.cache
def cast() -> make.Cast:
    return make.cast()


@pytest.fixture
def alice(catalog: None) -> make.Api:
    """An owner."""
    return cast().alice


def upload(api: make.Api, content: bytes, *, file_name: str = "ours.csv", encode: bool = False, **parts: str) -> Any:
    """Sends a form with the file and these parts."""
    form = encode_multipart(BOUNDARY, {**parts, "file": SimpleUploadedFile(file_name, content, "text/csv")})
    headers = {"Content-Type": MULTIPART_CONTENT, **({"Content-Encoding": "gzip"} if encode else {})}
    return api.post("price-sheets/", gzip.compress(form) if encode else form, **headers)


def stored(api: make.Api) -> list[str]:
    return [row["name"] for row in api.ok(api.get("price-sheets/?page_size=1000"))["results"]]


def test_a_sheet_is_sent_as_json_and_read_back(alice: make.Api) -> None:
    name = f"json {uuid4()}"
    made = alice.ok(alice.post("price-sheets/", {"name": name, "csv": CSV}), 201)
    assert (made["name"], made["currency"], made["row_count"]) == (name, "USD", 1)
    read = alice.ok(alice.get(f"price-sheets/{made['id']}/"))
    assert read == made
    rows = alice.ok(alice.get(f"price-sheets/{made['id']}/rows/"))["results"]
    assert rows == [
        {
            "row": 2,
            "kind": "size",
            "sku": "Standard_D4s_v5",
            "region": "westeurope",
            "scenario": "pay_as_you_go",
            "operating_system": "linux",
            "unit": "hour",
            "unit_price": "0.2",
            "valid_from": "2026-01-01",
        }
    ]


@pytest.mark.parametrize("encode", [False, True])
def test_a_sheet_is_sent_as_a_file_and_called_as_the_file_or_otherwise(alice: make.Api, encode: bool) -> None:
    file_name, name = f"{uuid4()}.csv", f"named {uuid4()}"
    first = alice.ok(upload(alice, CSV.encode(), file_name=file_name, encode=encode), 201)
    second = alice.ok(upload(alice, CSV.encode(), name=name, encode=encode), 201)
    assert (first["name"], second["name"]) == (file_name, name)
    assert first["sha256"] == second["sha256"]


def test_a_name_is_used_once_until_its_sheet_is_deleted(alice: make.Api) -> None:
    name = f"once {uuid4()}"
    first = price_sheet(alice, name=name)
    assert alice.ok(alice.post("price-sheets/", {"name": name, "csv": CSV}), 409)["code"] == "name_taken"
    alice.ok(alice.delete(f"price-sheets/{first}/"), 204)
    assert alice.get(f"price-sheets/{first}/").status_code == 404
    assert alice.get(f"price-sheets/{first}/rows/").status_code == 404
    assert name not in stored(alice)
    price_sheet(alice, name=name)


def test_a_bad_row_stores_nothing_and_is_named(alice: make.Api) -> None:
    name = f"bad {uuid4()}"
    wrong = f"{CSV}{LINE.replace('West Europe', 'Atlantis')}\n{LINE.replace('0.2000', '-1')}\n"
    problem = alice.ok(alice.post("price-sheets/", {"name": name, "csv": wrong}), 400)
    assert problem["code"] == "invalid_price_sheet"
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [
        ("rows.3.region", "unknown_region"),
        ("rows.4.unit_price", "not_above_zero"),
    ]
    assert name not in stored(alice)


def test_text_that_is_not_utf8_is_refused_with_its_row(alice: make.Api) -> None:
    problem = alice.ok(upload(alice, f"{HEADER}\nGröße".encode("latin-1"), name=f"latin {uuid4()}"), 400)
    assert problem["errors"] == [{"field": "rows.2", "code": "not_utf8", "message": "Row 2: the text is not UTF-8."}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"csv": CSV}, "name"),
        ({"name": "x"}, "csv"),
        ({"name": "x", "csv": CSV, "project": "y"}, "project"),
        ({"name": "", "csv": CSV}, "name"),
        ({"name": "x" * 201, "csv": CSV}, "name"),
        ({"name": "x", "csv": [CSV]}, "csv"),
    ],
)
def test_a_body_of_another_shape_is_refused(alice: make.Api, body: dict[str, Any], field: str) -> None:
    problem = alice.ok(alice.post("price-sheets/", body), 400)
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        (b"", 400, "invalid"),
        (b"not a form", 400, "invalid"),
        (b"--x\r\n" * 3, 400, "invalid"),
    ],
)
def test_a_form_without_a_file_is_refused(alice: make.Api, form: bytes, status: int, code: str) -> None:
    answer = alice.post("price-sheets/", form, **{"Content-Type": MULTIPART_CONTENT})
    assert alice.ok(answer, status)["code"] == code


def test_forms_with_unknown_parts_too_many_files_or_fields_are_refused(alice: make.Api) -> None:
    def file() -> SimpleUploadedFile:
        return SimpleUploadedFile("a.csv", CSV.encode(), "text/csv")

    content_type = {"Content-Type": MULTIPART_CONTENT}
    for form in (
        {"file": file(), "project": "x"},
        {"file": file(), "other": file()},
        {f"field{number}": "x" for number in range(1200)},
    ):
        answer = alice.post("price-sheets/", encode_multipart(BOUNDARY, form), **content_type)
        assert answer.status_code == 400, answer.content[:300]
        assert answer.json()["code"] in ("invalid", "invalid_form")


def test_a_sheet_that_is_too_large_is_413(alice: make.Api) -> None:
    large = CSV.encode() + b"," * (5 * 1024 * 1024)
    assert upload(alice, large, name="large").status_code == 413
    assert upload(alice, large, name="large", encode=True).status_code == 413


def test_only_an_owner_writes_and_every_member_reads(alice: make.Api) -> None:
    sheet = price_sheet(alice)
    for api in (cast().bob, cast().rita):
        assert api.ok(api.post("price-sheets/", {"name": "x", "csv": CSV}), 403)["code"] == "permission_denied"
        assert api.delete(f"price-sheets/{sheet}/").status_code == 403
        assert api.ok(api.get(f"price-sheets/{sheet}/"))["id"] == sheet
        assert api.ok(api.get(f"price-sheets/{sheet}/rows/"))["results"]


def test_a_stranger_sees_no_sheet(alice: make.Api) -> None:
    sheet = price_sheet(alice)
    charlie = make.stranger()
    assert stored(charlie) == []
    for answer in (
        charlie.get(f"price-sheets/{sheet}/"),
        charlie.get(f"price-sheets/{sheet}/rows/"),
        charlie.delete(f"price-sheets/{sheet}/"),
    ):
        assert answer.status_code == 404
    assert alice.get(f"price-sheets/{sheet}/").status_code == 200


def test_making_and_deleting_is_in_the_audit_trail(alice: make.Api) -> None:
    sheet = price_sheet(alice)
    alice.ok(alice.delete(f"price-sheets/{sheet}/"), 204)
    trail = alice.ok(alice.get("audit/?page_size=100"))["results"]
    of_sheet = [entry["action"] for entry in trail if entry["object_id"] == sheet]
    assert sorted(of_sheet) == ["price_sheet.create", "price_sheet.delete"]


def test_a_large_sheet_is_stored_whole(alice: make.Api) -> None:
    lines = [
        LINE.replace("2026-01-01", f"{year}-{month:02}-{day:02}")
        for year in range(1990, 2026)
        for month in range(1, 13)
        for day in range(1, 29)
    ]
    made = alice.ok(alice.post("price-sheets/", {"name": f"large {uuid4()}", "csv": "\n".join([HEADER, *lines])}), 201)
    assert made["row_count"] == len(lines) == 12_096
    first = alice.ok(alice.get(f"price-sheets/{made['id']}/rows/?page_size=1000"))
    assert [row["row"] for row in first["results"]] == list(range(2, 1002))
