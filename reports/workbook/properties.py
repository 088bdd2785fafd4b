"""`Assessment_Properties`, the settings the run pinned in the words of the exports, and `Read_me`, where it is from."""

from collections.abc import Sequence

from xlsxwriter.worksheet import Worksheet

from reports.workbook.cleaning import clean_text
from reports.workbook.columns import Cell, Kind
from reports.workbook.formats import Book, put
from reports.workbook.layouts import Layout
from reports.workbook.sheets import SCHEMA_VERSION, Sheet, left_out
from reports.workbook.summary import Line
from reports.workbook.values import Origin, Report, Settings
from reports.workbook.wording import (
    COMMITMENTS,
    DISK_TYPES,
    HYBRID_BENEFITS,
    NOT_APPLICABLE,
    OFFERS,
    SIZING_CRITERIA,
    WINDOWS,
    factor,
    joined,
    worded,
)

PROPERTIES_NAME = "Assessment_Properties"
READ_ME_NAME = "Read_me"
MAX_URL_CHARACTERS = 2_079  # Excel's limit
FIXED_SHEETS = (
    (
        "Assessment_Summary",
        "Totals as formulas over the other sheets. Change discount and uptime there: the totals, the scenarios' totals "
        "and Savings move. Sizes, the cheapest scenario and the costs in the other sheets stay those of the run",
    ),
    ("Assessment_Properties", "The settings of the run"),
)


def write_properties(book: Book, report: Report) -> None:
    sheet = book.workbook.add_worksheet(PROPERTIES_NAME)
    write_pairs(book, sheet, headings=("Property", "Selected value"), lines=property_lines(report.settings))


def property_lines(settings: Settings) -> list[Line]:
    """All settings in Azure's order; what we know beyond it comes after the note."""
    return [*_target(settings), *_sizing(settings), *_note(settings)]


def settings_words(settings: Settings) -> str:
    """What was chosen, in one line: how it was sized, where to, and on what terms."""
    by_history = (
        ()
        if settings.percentile is None
        else (worded(WINDOWS, settings.performance_window) or "", f"percentile {settings.percentile:g}")
    )
    rule = "" if settings.commitment == "none" else f" ({settings.commitment_rule})"
    words = (
        settings.target_region,
        worded(SIZING_CRITERIA, settings.sizing_criterion),
        *by_history,
        f"comfort factor {factor(settings.comfort_factor)}",
        worded(OFFERS, settings.offer),
        f"reserved: {worded(COMMITMENTS, settings.commitment)}{rule}",
        f"own licenses: {worded(HYBRID_BENEFITS, settings.hybrid_benefit)}",
        f"discount {settings.discount_percent.normalize():f} %",
        f"{settings.uptime_days_per_month} days of {settings.uptime_hours_per_day} hours",
        f"disks: {joined(tuple(worded(DISK_TYPES, code) or '' for code in settings.disk_types))}",
        f"sizes: {joined(settings.sku_families) or 'all'}",
    )
    return ", ".join(word for word in words if word)


def _target(settings: Settings) -> list[Line]:
    hybrid = settings.hybrid_benefit
    return [
        Line(label="Target location", value=settings.target_region),
        Line(label="Comfort factor", value=factor(settings.comfort_factor)),
        Line(label="VM families", value=joined(settings.sku_families) or "All"),
        Line(label="Offer", value=worded(OFFERS, settings.offer)),
        Line(label="Currency", value=settings.currency),
        Line(label="Reserved Instances", value=worded(COMMITMENTS, settings.commitment)),
        Line(label="Discount (%)", value=settings.discount_percent, kind=Kind.NUMBER, name="run_discount_percent"),
        Line(label="Hybrid use benefit", value="No" if hybrid == "none" else "Yes"),
    ]


def _sizing(settings: Settings) -> list[Line]:
    percentile = settings.percentile
    types = tuple(worded(DISK_TYPES, code) or "" for code in settings.disk_types)
    return [
        Line(label="Sizing criterion", value=worded(SIZING_CRITERIA, settings.sizing_criterion)),
        Line(label="Storage type", value=joined(types)),
        _count("VM uptime - Day(s) per month", "run_uptime_days_per_month", settings.uptime_days_per_month),
        _count("VM uptime - Hour(s) per day", "run_uptime_hours_per_day", settings.uptime_hours_per_day),
        Line(label="Performance history time range", value=worded(WINDOWS, settings.performance_window)),
        Line(label="Performance history start time", value=settings.performance_start_at, kind=Kind.INSTANT),
        Line(label="Performance history end time", value=settings.performance_end_at, kind=Kind.INSTANT),
        Line(label="Percentile utilization", value=None if percentile is None else f"Percentile{percentile:g}"),
    ]


def _note(settings: Settings) -> list[Line]:
    linux = "Yes" if settings.hybrid_benefit == "windows_and_linux" else "No"
    return [
        Line(label="Note:", value=f"Prices are those of the catalog of {settings.prices_at:%Y-%m-%d}."),
        Line(label="Hybrid use benefit for Linux", value=linux),
    ]


def _count(label: str, name: str, value: int) -> Line:
    return Line(label=label, name=name, value=value, kind=Kind.COUNT)


def write_read_me(book: Book, report: Report, origin: Origin, *, layout: Layout, sheets: Sequence[Sheet]) -> None:
    sheet = book.workbook.add_worksheet(READ_ME_NAME)
    lines = [
        Line(label="Schema version", value=SCHEMA_VERSION),
        Line(label="Layout", value=layout.name),
        Line(label="Tenant", value=origin.tenant_name),
        Line(label="Project", value=report.project_name),
        Line(label="Assessment", value=report.assessment_name),
        Line(label="Run", value=origin.run_id),
        Line(label="Created on (UTC)", value=report.created_at, kind=Kind.INSTANT),
        Line(label="Catalog", value=origin.catalog_name),
        Line(label="Catalog date", value=origin.catalog_date, kind=Kind.DAY),
        Line(label="Rule set", value=origin.rule_set),
        *(Line(label=label, value=words) for label, words in left_out(report, layout)),
        *(Line(label=f"Sheet {name}", value=meaning) for name, meaning in FIXED_SHEETS if report.choice.has(name)),
        *(Line(label=f"Sheet {sheet.name}", value=sheet.meaning) for sheet in sheets),
    ]
    write_pairs(book, sheet, headings=("About this workbook", ""), lines=lines)
    if origin.url:
        _write_link(book, sheet, row=len(lines) + 1, url=clean_text(origin.url))


def _write_link(book: Book, sheet: Worksheet, *, row: int, url: str) -> None:
    put(sheet, row, 0, "Link", book.cells[Kind.TEXT])
    if url.startswith(("https://", "http://")) and len(url) <= MAX_URL_CHARACTERS:
        sheet.write_url(row, 1, url)
    else:
        put(sheet, row, 1, url, book.cells[Kind.TEXT])


def write_pairs(book: Book, sheet: Worksheet, *, headings: tuple[str, str], lines: Sequence[Line]) -> None:
    """Labels and values under two headings."""
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 0, 36)
    sheet.set_column(1, 1, 80)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, heading, book.header)
    formats = {kind: book.format(kind, align="left", valign="top", text_wrap=True) for kind in Kind}
    for row, line in enumerate(lines, start=1):
        put(sheet, row, 0, line.label, formats[Kind.TEXT])
        put(sheet, row, 1, _shown(line), formats[line.kind])
        if line.name:
            book.workbook.define_name(line.name, f"={sheet.name}!$B${row + 1}")


def _shown(line: Line) -> Cell:
    return NOT_APPLICABLE if line.value is None else line.value
