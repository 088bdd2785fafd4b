"""A price sheet is read whole, or refused with every bad row and its reason. Pure."""

from datetime import date
from decimal import Decimal

import pytest

from assessments.catalog.price_sheet import MAX_BYTES, MAX_ROWS, Known, Sheet, SheetRow, read_price_sheet
from migrate_hub.errors import DomainError

HEADER = "size,disk_tier,region,scenario,os,unit_price,unit,currency,valid_from"
GOOD = "Standard_D2s_v5,,westeurope,pay_as_you_go,linux,0.1,hour,USD,2026-01-01"
LISTED = {"Standard_D2s_v5": Decimal("0.115"), "P10": Decimal("21.68")}


def region(name: str) -> str:
    if name.lower().replace(" ", "") != "westeurope":
        raise DomainError(code="unknown_region", detail="no such region")
    return "westeurope"


def listed_price(row: SheetRow, currency: str) -> Decimal | None:
    """US dollars; a reservation at the pay-as-you-go price of its hours."""
    price = LISTED.get(row.sku)
    hours = {"reservation_1y": 8760, "reservation_3y": 26280}.get(row.scenario, 1)
    return None if price is None else price * hours


KNOWN = Known(
    sizes={name.lower(): name for name in ("Standard_D2s_v5", "Standard_D4s_v5", "Basic_A0")},
    tiers={"p10": "P10", "e10": "E10"},
    currencies=frozenset({"USD", "EUR"}),
    region=region,
    price=listed_price,
)


def read(*rows: str, header: str = HEADER) -> Sheet:
    return read_price_sheet("\n".join([header, *rows]).encode(), KNOWN)


def refusal(*rows: str, header: str = HEADER) -> list[tuple[str, str, str]]:
    """Field, code and message of everything that is wrong."""
    with pytest.raises(DomainError) as refused:
        read(*rows, header=header)
    assert (refused.value.code, refused.value.status) == ("invalid_price_sheet", 400)
    return [(problem.field, problem.code, problem.message) for problem in refused.value.errors]


def test_a_row_is_read_with_its_names_resolved() -> None:
    sheet = read("d2s_V5,,West Europe,Pay_as_you_go,Windows,0.19,Hour,eur,2026-02-28")
    assert sheet.currency == "EUR"
    assert sheet.rows == [
        SheetRow(
            row=2,
            kind="size",
            sku="Standard_D2s_v5",
            region="westeurope",
            scenario="pay_as_you_go",
            operating_system="windows",
            unit="hour",
            unit_price=Decimal("0.19"),
            valid_from=date(2026, 2, 28),
        )
    ]


def test_the_columns_that_matter_are_enough() -> None:
    header = "Size or disk tier,Region,Scenario,Unit price,Currency,Valid from"
    sheet = read(
        "Standard_D2s_v5,westeurope,pay_as_you_go,0.1,USD,2026-01-01",
        "P10 LRS,westeurope,pay_as_you_go,20,USD,2026-01-01",
        "Standard_D2s_v5,westeurope,reservation_3y,1148,USD,2026-01-01",
        header=header,
    )
    assert [(row.kind, row.sku, row.operating_system, row.unit) for row in sheet.rows] == [
        ("size", "Standard_D2s_v5", "linux", "hour"),
        ("disk_tier", "P10", "", "month"),
        ("size", "Standard_D2s_v5", "linux", "term"),
    ]


@pytest.mark.parametrize(
    ("scenario", "price", "unit", "amount"),
    [
        ("reservation_1y", "594", "term", "594"),
        ("reservation_1y", "49.5", "month", "594"),
        ("reservation_1y", "0.0678", "hour", "593.928"),
        ("reservation_3y", "0.0437", "hour", "1148.436"),
        ("reservation_3y", "31.9", "month", "1148.4"),
        ("savings_plan_3y", "0.05", "hour", "0.05"),
        ("dev_test", "0.1", "hour", "0.1"),
    ],
)
def test_units_become_those_of_the_catalog(scenario: str, price: str, unit: str, amount: str) -> None:
    (row,) = read(f"Standard_D2s_v5,,westeurope,{scenario},,{price},{unit},USD,2026-01-01").rows
    assert row.amount == Decimal(amount)


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        ({"region": "atlantis"}, "region", "unknown_region"),
        ({"region": ""}, "region", "unknown_region"),
        ({"size": "Standard_X9"}, "size", "unknown_size"),
        ({"size": ""}, "size", "required"),
        ({"disk_tier": "P10"}, "size", "required"),
        ({"size": "", "disk_tier": "P99", "os": "", "unit": ""}, "disk_tier", "unknown_disk_tier"),
        ({"scenario": "spot"}, "scenario", "unknown_scenario"),
        ({"scenario": ""}, "scenario", "unknown_scenario"),
        ({"size": "", "disk_tier": "P10", "scenario": "reservation_1y"}, "scenario", "not_for_disks"),
        ({"os": "beos"}, "os", "unknown_os"),
        ({"os": "windows", "scenario": "reservation_1y", "unit": "term"}, "os", "compute_alone"),
        ({"unit": "month"}, "unit", "wrong_unit"),
        ({"unit": "week"}, "unit", "wrong_unit"),
        ({"size": "", "disk_tier": "P10", "unit": "hour"}, "unit", "wrong_unit"),
        ({"currency": "XXX"}, "currency", "unknown_currency"),
        ({"currency": ""}, "currency", "unknown_currency"),
        ({"unit_price": "0"}, "unit_price", "not_above_zero"),
        ({"unit_price": "-0.1"}, "unit_price", "not_above_zero"),
        ({"unit_price": ""}, "unit_price", "invalid_price"),
        ({"unit_price": "cheap"}, "unit_price", "invalid_price"),
        ({"unit_price": "NaN"}, "unit_price", "invalid_price"),
        ({"unit_price": "Infinity"}, "unit_price", "invalid_price"),
        ({"unit_price": "0.12345678901"}, "unit_price", "invalid_price"),
        ({"unit_price": "1000000"}, "unit_price", "invalid_price"),
        ({"unit_price": "1e99"}, "unit_price", "invalid_price"),
        ({"valid_from": "01.02.2026"}, "valid_from", "invalid_date"),
        ({"valid_from": "2026-02-30"}, "valid_from", "invalid_date"),
        ({"valid_from": ""}, "valid_from", "invalid_date"),
    ],
)
def test_a_wrong_cell_is_refused_with_row_and_reason(cells: dict[str, str], column: str, code: str) -> None:
    row = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | cells
    ((field, told, message),) = refusal(GOOD.replace("D2s", "D4s"), ",".join(row.values()))
    assert (field, told) == (f"rows.3.{column}", code)
    assert message.startswith("Row 3: ")


def test_every_bad_row_is_named_and_counted() -> None:
    bad = [GOOD.replace("westeurope", f"place{number}") for number in range(150)]
    with pytest.raises(
        DomainError, match=r"Nothing was stored. Row 2: region 'place0' .* 149 more rows are wrong"
    ) as refused:
        read(*bad)
    assert len(refused.value.errors) == 100


def test_the_same_price_twice_is_refused_naming_the_first() -> None:
    again = (
        GOOD.replace("0.1,hour", "0.2,hour").replace("Standard_D2s_v5", "d2S_v5").replace("westeurope", "West Europe")
    )
    ((field, code, message),) = refusal(GOOD, again)
    assert (field, code) == ("rows.3.size", "duplicate")
    assert "the price of row 2 once more" in message


def test_another_day_or_system_is_another_price() -> None:
    assert len(read(GOOD, GOOD.replace("2026-01", "2026-02"), GOOD.replace("linux", "windows")).rows) == 3


def test_a_sheet_has_one_currency() -> None:
    ((field, code, _),) = refusal(GOOD, GOOD.replace("USD,2026-01", "EUR,2026-02"))
    assert (field, code) == ("rows.3.currency", "other_currency")


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ("Standard_D2s_v5,,westeurope,reservation_1y,,0.0678,,USD,2026-01-01", "implausible"),  # an hour's price
        ("Standard_D2s_v5,,westeurope,reservation_1y,,49.5,,USD,2026-01-01", "implausible"),  # a month's
        ("Standard_D2s_v5,,westeurope,pay_as_you_go,linux,73,,USD,2026-01-01", "implausible"),  # a month's
        ("Standard_D4s_v5,,westeurope,reservation_1y,,594,,USD,2026-01-01", "unit_needed"),
    ],
)
def test_a_price_whose_unit_is_not_said_must_be_near_the_published_one(cells: str, code: str) -> None:
    assert [told for _, told, _ in refusal(cells)] == [code]


def test_a_price_whose_unit_is_said_is_taken_at_its_word() -> None:
    (row,) = read("Standard_D2s_v5,,westeurope,pay_as_you_go,linux,0.0001,hour,USD,2026-01-01").rows
    assert row.unit_price == Decimal("0.0001")


# --- the file ---------------------------------------------------------------------------------------------------------


def test_semicolons_a_byte_order_mark_blank_lines_and_quotes_are_understood() -> None:
    text = "\ufeff" + "\r\n".join([HEADER, GOOD, ",,,,,,,,", GOOD.replace("linux", '"windows"'), ""]).replace(",", ";")
    assert [row.row for row in read_price_sheet(text.encode(), KNOWN).rows] == [2, 4]


@pytest.mark.parametrize(
    ("content", "field", "code"),
    [
        (f"{HEADER}\n{GOOD}\n{GOOD}é".encode("latin-1"), "rows.3", "not_utf8"),
        (f"{HEADER}\n{GOOD}".encode("utf-16"), "rows.1", "not_utf8"),
        (f"{HEADER}\n{GOOD}\0".encode(), "rows.2", "invalid_text"),
        (b"", "csv", "empty"),
        (HEADER.encode(), "csv", "empty"),
        (f"{HEADER}\n\n,,,,,,,,\n".encode(), "csv", "empty"),
        (f'{HEADER}\n"{GOOD}'.encode(), "csv", "invalid_csv"),
        (f"{HEADER}\n{GOOD},more".encode(), "rows.2", "cell_count"),
        (f"{HEADER},margin\n{GOOD},1".encode(), "rows.1", "unknown_column"),
        (f"{HEADER},size\n{GOOD},x".encode(), "rows.1", "doubled_column"),
        (b"size,region\nx,y", "rows.1", "missing_column"),
        (b"region,scenario,unit_price,currency,valid_from\n", "rows.1", "missing_column"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00", "rows.1", "invalid_text"),
    ],
)
def test_a_file_of_another_form_is_refused(content: bytes, field: str, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        read_price_sheet(content, KNOWN)
    assert [(problem.field, problem.code) for problem in refused.value.errors] == [(field, code)]


def test_too_many_rows_and_too_large_files_are_refused() -> None:
    assert refusal(*[",,,,,,,,"] * (MAX_ROWS + 1))[0][1] == "too_many_rows"
    with pytest.raises(DomainError) as refused:
        read_price_sheet(b"x" * (MAX_BYTES + 1), KNOWN)
    assert (refused.value.code, refused.value.status) == ("body_too_large", 413)
