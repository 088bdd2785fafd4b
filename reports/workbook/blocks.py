"""The blocks of the first sheet that stand beside and below Azure's lines: what-if, scenarios, savings, confidence.

Nothing of them stands in the columns of the labels and values, which other people's tools read from top to bottom.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from xlsxwriter.format import Format

from reports.workbook.cleaning import cut
from reports.workbook.columns import Cell, Kind
from reports.workbook.figures import STARS, Figures, Saver, Savings
from reports.workbook.formats import INK, LINE, Book
from reports.workbook.summary import (
    DISCOUNT,
    UPTIME_DAYS,
    UPTIME_HOURS,
    Tables,
    scenario_formula,
    stars_formula,
    sum_formula,
)
from reports.workbook.tables import Table
from reports.workbook.values import Report, ScenarioTotal
from reports.workbook.wording import NOT_APPLICABLE, scenario_words, stars

FIRST_COLUMN = 3
NAME_CHARACTERS = 34  # that the axis of a chart has room for
INPUT_FILL = "#FFF8DC"
SCENARIO_HEADINGS = ("Scenario", "Compute a month {currency}", "Machines priced", "of machines")
WHAT_IF_HEADINGS = ("What if", "Change here", "This run", "Moves")
SAVINGS_HEADINGS = (
    "Top savings: machine",
    "Saved as chosen {currency}",
    "Further {currency}",
    "Cheapest scenario",
)
CONFIDENCE_HEADINGS = ("Confidence", "Machines")
INPUTS = (DISCOUNT, UPTIME_DAYS, UPTIME_HOURS)


@dataclass(frozen=True, slots=True)
class Placed:
    """A cell to write. The sheet streams as well, so all its cells are gathered and written row by row."""

    row: int
    column: int
    value: Cell
    format: Format
    formula: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of cells under a header row; `rows` counts both."""

    cells: tuple[Placed, ...]
    header_row: int
    rows: int

    @property
    def last_row(self) -> int:
        return self.header_row + self.rows - 1


Content = tuple[Cell, Kind, str | None]  # value, how it is shown, formula


def what_if(book: Book, report: Report, *, header_row: int) -> Block:
    """Discount and uptime to change, and the total that moves; cells of the named inputs first."""
    settings = report.settings
    moves = "pay as you go only" if settings.is_strict_commitment else "compute"
    first = header_row + 2  # of the inputs, as formulas count
    discount = f"IF($F${first}=100,1,(1-{DISCOUNT}/100)/(1-$F${first}/100))"
    hours = f"{UPTIME_DAYS}*{UPTIME_HOURS}/($F${first + 1}*$F${first + 2})"
    strict = settings.commitment_rule == "strict"
    total = report.summary.monthly_cost
    lines: list[list[Content]] = [
        _input("Discount (%)", settings.discount_percent, Kind.PLAIN, moves),
        _input("VM uptime - Day(s) per month", settings.uptime_days_per_month, Kind.COUNT, moves),
        _input("VM uptime - Hour(s) per day", settings.uptime_hours_per_day, Kind.COUNT, moves),
        [
            ("Total monthly cost", Kind.TEXT, None),
            (total, Kind.MONEY, "=monthly_cost"),
            (total, Kind.MONEY, None),
            (Decimal(0), Kind.MONEY, f"=E{header_row + 5}-F{header_row + 5}"),
        ],
        _factor("Factor of what is billed by the hour", f"={discount}*{hours}", "discount and uptime"),
        _factor("Factor of commitments", None if strict else f"={discount}", "no: strict" if strict else "discount"),
    ]
    found = block(book, WHAT_IF_HEADINGS, lines, header_row=header_row)
    return Block(tuple(_as_input(book, cell, header_row) for cell in found.cells), header_row, found.rows)


def _factor(label: str, formula: str | None, moves: str) -> list[Content]:
    return [(label, Kind.TEXT, None), (1, Kind.PLAIN, formula), (1, Kind.PLAIN, None), (moves, Kind.TEXT, None)]


def _input(label: str, value: Decimal | int, kind: Kind, moves: str) -> list[Content]:
    return [(label, Kind.TEXT, None), (value, kind, None), (value, kind, None), (moves, Kind.TEXT, None)]


def _as_input(book: Book, cell: Placed, header_row: int) -> Placed:
    if cell.column != FIRST_COLUMN + 1 or not header_row < cell.row <= header_row + len(INPUTS):
        return cell
    style: dict[str, str | int | bool] = {
        "bg_color": INPUT_FILL,
        "border": 1,
        "border_color": LINE,
        "bold": True,
        **_side(Kind.COUNT),
    }
    return Placed(cell.row, cell.column, cell.value, book.format(Kind.PLAIN, **style))


def scenarios(book: Book, totals: Sequence[ScenarioTotal], tables: Tables, *, header_row: int) -> Block:
    """What compute costs in each scenario; moves with discount and uptime where those can be changed."""
    lines: list[list[Content]] = [
        [
            (scenario_words(total.scenario), Kind.TEXT, None),
            (total.compute_monthly_cost, Kind.MONEY, scenario_formula(tables, total.scenario)),
            (total.priced_machines, Kind.COUNT, None),
            (total.machines, Kind.COUNT, None),
        ]
        for total in totals
    ]
    return block(book, SCENARIO_HEADINGS, lines, header_row=header_row)


def top_savings(book: Book, savings: Savings, table: Table, *, header_row: int) -> Block:
    """The machines with the largest savings, and the sums over all machines that can be compared."""
    lines: list[list[Content]] = [_saver(saver, table) for saver in savings.top]
    lines.append(
        [
            (f"All {savings.comparable:,} of {savings.rows:,} machines with all prices", Kind.TEXT, None),
            (savings.saved, Kind.MONEY, sum_formula(table, "saved")),
            (savings.further, Kind.MONEY, sum_formula(table, "further")),
            (None, Kind.TEXT, None),
        ]
    )
    return block(book, SAVINGS_HEADINGS, lines, header_row=header_row)


def _saver(saver: Saver, table: Table) -> list[Content]:
    row = saver.of
    best = scenario_words(row.best_scenario or "")
    name = short_name(row.machine_name)
    # A formula would bring the whole name back, and the chart would have no room for its bars.
    formula = table.formula_of("machine_name", saver.row) if name == row.machine_name else None
    return [
        (name, Kind.TEXT, formula),
        (row.saved, Kind.MONEY, table.formula_of("saved", saver.row)),
        (row.further, Kind.MONEY, table.formula_of("further", saver.row)),
        (best, Kind.TEXT, None),
    ]


def short_name(name: str) -> str:
    """As much of a name as a chart has room for."""
    return cut(name, NAME_CHARACTERS)


def confidence(book: Book, figures: Figures, machines: Table, *, header_row: int) -> Block:
    """How many machines have how many stars; best first, and last those to which confidence does not apply."""
    lines: list[list[Content]] = [
        [
            (NOT_APPLICABLE if count is None else stars(count), Kind.TEXT, None),
            (figures.stars[count], Kind.COUNT, stars_formula(machines, count)),
        ]
        for count in (*range(STARS, 0, -1), None)
    ]
    return block(book, CONFIDENCE_HEADINGS, lines, header_row=header_row)


def block(book: Book, headings: Sequence[str], lines: Sequence[Sequence[Content]], *, header_row: int) -> Block:
    """Some lines under their headings."""
    cells = [
        Placed(header_row, FIRST_COLUMN + number, book.heading(heading), _header(book, kind))
        for number, (heading, (_, kind, _)) in enumerate(zip(headings, lines[0], strict=True))
    ]
    for row, line in enumerate(lines, start=header_row + 1):
        for column, (value, kind, formula) in enumerate(line, start=FIRST_COLUMN):
            style = book.format(kind, bottom=1, bottom_color=LINE, font_color=INK, **_side(kind))
            cells.append(Placed(row, column, value, style, formula))
    return Block(tuple(cells), header_row, len(lines) + 1)


def _side(kind: Kind) -> dict[str, str | int | bool]:
    """Texts at the left, figures at the right, and room between the two."""
    return {"align": "left" if kind is Kind.TEXT else "right", "indent": 1}


def _header(book: Book, kind: Kind) -> Format:
    return book.format(
        Kind.TEXT, bold=True, font_color="white", bg_color=book.look.primary, valign="vcenter", **_side(kind)
    )
