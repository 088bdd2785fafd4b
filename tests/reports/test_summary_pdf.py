"""The executive summary: two to four pages, whatever the names are; what it says is read by another program."""

import io
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from reports.summary_pdf import write_difference_pdf, write_pdf
from reports.summary_pdf.text import (
    CHINESE,
    EMBEDDED,
    EMBEDDED_FILE,
    JAPANESE,
    REPLACED,
    RightToLeft,
    displayed,
    fitted,
    marked,
    paragraph,
    plain,
    spans,
    style,
    text_width,
)
from reports.workbook import Difference, DifferenceRow, IssueTotal, Look, Report, Side
from tests.reports.test_workbook_text import CLEANED, HARMLESS
from tests.reports.workbooks import FULL_REPORT, FULL_ROWS, REPORT, SAVING, with_rows

HAN_FONT, KANA_FONT = (EMBEDDED, EMBEDDED) if EMBEDDED_FILE.is_file() else (CHINESE, JAPANESE)
ISSUES = tuple(
    IssueTotal(message=f"Finding {number} " * 20, remedy="Do this. " * 60, machines=number)
    for number in range(30, 0, -1)
)


def made(report: Report) -> bytes:
    target = io.BytesIO()
    write_pdf(report, target)
    return target.getvalue()


def pages(data: bytes) -> int:
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    return len(re.findall(rb"/Type /Page\b", data))


def named(name: str) -> Report:
    report = replace(FULL_REPORT, assessment_name=name, project_name=name, group_name=name)
    rows = [replace(SAVING, machine_name=name)] * 12
    return with_rows(report, FULL_ROWS, savings=rows)


@pytest.mark.parametrize("report", [FULL_REPORT, replace(FULL_REPORT, issue_totals=ISSUES), REPORT])
def test_it_has_two_to_four_pages(report: Report) -> None:
    assert 2 <= pages(made(report)) <= 4


@pytest.mark.parametrize("names", [HARMLESS[:40], HARMLESS[40:], list(CLEANED), ["&<b>", "</para>", "x" * 20_000]])
def test_no_name_breaks_the_page(names: Sequence[str]) -> None:
    for name in names:
        assert 2 <= pages(made(named(name))) <= 4, name


def test_nothing_in_a_name_is_markup() -> None:
    assert marked('<a href="x">') == '&lt;a href="x"&gt;'


def test_each_script_has_a_font_and_what_has_none_is_shown_as_replaced() -> None:
    assert marked("Köln 東京 서울") == (
        f'Köln <font name="{HAN_FONT}">東京</font> <font name="HYGothic-Medium">서울</font>'
    )
    assert marked("a\U0001f468b") == f"a{REPLACED}b"
    assert plain("a東\U0001f468", 10) == f"a{REPLACED}{REPLACED}"


def test_what_is_read_from_the_right_is_turned_for_the_eye_and_joined() -> None:
    assert displayed("שרת-01") == "01-תרש"
    assert displayed("web سلام") == "web \ufee1\ufefc\ufeb3"  # joined forms, the last letter first
    assert displayed("server 01") == "server 01"


def test_lines_are_cut_in_reading_order_and_none_is_wider_than_the_page() -> None:
    line = RightToLeft("שלום " * 60, style(9))
    width, height = line.wrap(200, 1000)
    assert (len(line.lines) > 5, height) == (True, len(line.lines) * style(9).leading)
    assert all(text_width(one, size=9) <= width for one in line.lines)
    assert "".join(line.lines).replace(" ", "") == "שלום" * 60


@pytest.mark.parametrize("text", ["Not applicable", "3-year reservation, own licenses", "Not ready for Azure"])
def test_words_stay_whole_where_a_column_is_narrow(text: str) -> None:
    shown = paragraph(text, style(8))
    shown.wrap(55, 1000)
    lines = [" ".join(words) for _, words in shown.blPara.lines]
    assert len(lines) > 1
    assert " ".join(lines) == text


@pytest.mark.parametrize("name", ["x" * 255, "\u6f22" * 255, "\uc11c" * 255, "\u0646\u0635" * 100, "\u00fc " * 100])
def test_a_long_name_is_broken_into_lines_that_fit(name: str) -> None:
    shown = paragraph(name, style(8))
    shown.wrap(60, 1000)
    if isinstance(shown, RightToLeft):
        assert all(text_width(line, size=8) <= 60 for line in shown.lines)
    else:
        assert shown.blPara.lines
        assert max(shown.getActualLineWidths0()) <= 60


@pytest.mark.parametrize("name", ["W" * 255, "\u6f22" * 255, "\u0646\u0635" * 100, "i" * 255, "web-01", ""])
def test_what_must_stand_on_one_line_is_cut_where_its_room_ends(name: str) -> None:
    cut = fitted(name, 160, size=7.5)
    assert text_width(cut, size=7.5) <= 160
    assert cut == name or (cut.endswith("\u2026") and text_width(cut, size=7.5) > 140)


def test_labels_of_charts_have_every_script_that_the_text_has() -> None:
    assert spans("a東서") == [("DejaVuSans", "a"), (HAN_FONT, "東"), ("HYGothic-Medium", "서")]


def test_han_and_kana_are_embedded_where_their_font_is_installed_and_else_left_to_the_reader() -> None:
    data = made(replace(FULL_REPORT, assessment_name="東京 サーバ"))
    found = set(re.findall(rb"/BaseFont /(?:[A-Z0-9]+\+)?([\w-]+)", data))
    if EMBEDDED_FILE.is_file():
        assert b"DroidSansFallback" in found
        assert found.isdisjoint({CHINESE.encode(), JAPANESE.encode()})
    else:
        assert {HAN_FONT.encode(), KANA_FONT.encode()} <= found
    assert data.count(b"/FontFile2") == made(FULL_REPORT).count(b"/FontFile2") + EMBEDDED_FILE.is_file()


def test_the_same_report_gives_the_same_bytes() -> None:
    assert made(FULL_REPORT) == made(FULL_REPORT)


def text_of(report: Report, folder: Path) -> str:
    path = folder / "summary.pdf"
    write_pdf(report, path)
    return text_in(path)


def text_in(path: Path) -> str:
    program = shutil.which("pdftotext")
    assert program, "pdftotext is missing. Install it: apt-get install poppler-utils"
    return subprocess.run([program, "-layout", str(path), "-"], check=True, capture_output=True, text=True).stdout


@pytest.mark.e2e
def test_another_program_reads_the_figures(tmp_path: Path) -> None:
    text = text_of(replace(FULL_REPORT, issue_totals=ISSUES[:1]), tmp_path)
    for words in ("Production", "Datacenter exit", "$121.63", "$101.14", "4-Stars", "1-year reservation", "web-01"):
        assert words in text
    assert "$160.50" in text  # pay-as-you-go 250.50 beside 90 with the cheapest scenario
    assert "am-2025" in text


@pytest.mark.e2e
def test_figures_and_words_of_any_length_stay_on_their_line(tmp_path: Path) -> None:
    summary = replace(FULL_REPORT.summary, confidence_stars=None, compute_monthly_cost=Decimal("8765432109.87"))
    look = Look(display_name="W" * 60)
    text = text_of(replace(FULL_REPORT, summary=summary, look=look), tmp_path)
    for words in ("$8,765,432,", "Not applicable", "Executive summary"):
        assert words in text
    assert re.search(r"W{20,}\u2026 +Executive summary", text)


@pytest.mark.e2e
def test_a_run_that_costs_nothing_says_so(tmp_path: Path) -> None:
    free = Decimal(0)
    settings = replace(REPORT.settings, currency="JPY")
    nothing = replace(
        REPORT.summary,
        compute_monthly_cost=free,
        storage_monthly_cost=free,
        standard_hdd_monthly_cost=free,
        standard_ssd_monthly_cost=free,
        premium_monthly_cost=free,
    )
    text = text_of(replace(REPORT, summary=nothing, settings=settings), tmp_path)
    assert re.search(r"Compute +\u00a50\n", text)
    assert re.search(r"Storage +\u00a50\n", text)


@pytest.mark.e2e
def test_amounts_of_ten_digits_stay_on_one_line_of_a_difference(tmp_path: Path) -> None:
    amount, none = Decimal("1234567890.12"), Decimal(0)
    causes = {"membership": amount, "inventory": none, "performance": none, "settings": none, "price": none}
    costs = {"before_monthly_cost": none, "after_monthly_cost": amount, "difference": amount}
    row = DifferenceRow(
        machine_name="web-01",
        before_readiness="not_ready",
        after_readiness="ready",
        before_sku=None,
        after_sku="Standard_E104id_v5",
        **costs,
        **causes,
    )
    side = Side(assessment_name="Now", run_number=1, machines=1, monthly_cost=none, created_at=REPORT.created_at)
    found = Difference(
        project_name="P", currency="EUR", before=side, after=side, causes=causes, notes=(), rows=lambda: [[row]]
    )
    path = tmp_path / "difference.pdf"
    write_difference_pdf(found, path)
    text = text_in(path)
    assert re.search(
        r"web-01 .*Standard_E104id_v5 .*\u20ac0\.00 +\u20ac1,234,567,890\.12 +\+\u20ac1,234,567,890\.12", text
    )
