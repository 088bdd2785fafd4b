"""How cells look: number formats, colors, and the one way a value gets into a cell."""

from datetime import UTC, date, datetime, time

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from reports.workbook.cleaning import clean_text
from reports.workbook.columns import Cell, Kind
from reports.workbook.currencies import minor_units
from reports.workbook.look import ACCENT, PALE, PALER, SAVED_COLOR, Look

__all__ = [
    "ACCENT",
    "INK",
    "LINE",
    "PALE",
    "PALER",
    "READINESS_COLORS",
    "READINESS_FILLS",
    "SAVED_COLOR",
    "Book",
    "excel_date",
    "money_format",
    "money_sign",
    "put",
    "unit_price_format",
]

INK = "#1F2937"
LINE = "#D5DCE4"
READINESS_COLORS = {
    "ready": SAVED_COLOR,
    "ready_with_conditions": "#E5A823",
    "not_ready": "#CF4A3F",
    "unknown": "#8A94A0",
}
READINESS_FILLS = {
    "ready": "#DDF3E8",
    "ready_with_conditions": "#FCF1D4",
    "not_ready": "#FADEDB",
    "unknown": "#E9ECEF",
}

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥", "KRW": "₩"}
_PLAIN = {
    Kind.TEXT: "General",
    Kind.COUNT: "#,##0",
    Kind.PLAIN: "General",
    Kind.NUMBER: "#,##0.00",
    Kind.INSTANT: "yyyy-mm-dd hh:mm",
    Kind.DAY: "yyyy-mm-dd",
}


def money_sign(currency: str) -> str:
    """`$`, or the code and a blank where no sign means this currency alone."""
    return _SYMBOLS.get(currency, f"{currency} ")


def money_format(currency: str) -> str:
    """Excel's number format for a currency; only signs that mean one currency stand for it, else its code does.

    Without a currency, where rows have different ones, the amount alone.
    """
    if not currency:
        return "#,##0.00"
    places = minor_units(currency)
    return f"[${money_sign(currency)}]#,##0{'.' if places else ''}{'0' * places}"


def unit_price_format(currency: str) -> str:
    """As money, with the further digits that the price of an hour or of one IOPS has."""
    return f"[${money_sign(currency)}]#,##0.00#######"


class Book:
    """The workbook being written, and the formats its sheets share."""

    def __init__(self, workbook: Workbook, currency: str, look: Look | None = None) -> None:
        self.workbook = workbook
        self.look = look or Look()
        self.currency = currency
        self.number_formats = _PLAIN | {
            Kind.MONEY: money_format(currency),
            Kind.UNIT_PRICE: unit_price_format(currency),
        }
        self.cells = {kind: self.format(kind) for kind in Kind}
        # Rows are formatted apart from XlsxWriter, so each format takes its number in the styles now, in a fixed order.
        self.styles = {kind: int(cell._get_xf_index()) for kind, cell in self.cells.items()}
        self.readiness_fills = {code: workbook.add_format({"bg_color": fill}) for code, fill in READINESS_FILLS.items()}
        self.header = workbook.add_format(
            {
                "bold": True,
                "font_color": "white",
                "bg_color": self.look.primary,
                "text_wrap": True,
                "valign": "vcenter",
                "border": 1,
                "border_color": LINE,
            }
        )

    def format(self, kind: Kind, **properties: str | int | bool) -> Format:
        return self.workbook.add_format({"num_format": self.number_formats[kind], **properties})

    def heading(self, text: str) -> str:
        return text.replace("{currency}", self.currency).strip()


def put(sheet: Worksheet, row: int, column: int, value: Cell, cell_format: Format) -> None:
    """Write one value, by its type: text stays text whatever it begins with, and None stays an empty cell."""
    if isinstance(value, str):
        _put_text(sheet, row, column, clean_text(value), cell_format)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, excel_date(value), cell_format)
    elif value is not None:
        sheet.write_number(row, column, float(value), cell_format)


def excel_date(value: date) -> datetime:
    """Excel knows no time zones: instants are written in UTC."""
    if not isinstance(value, datetime):
        return datetime.combine(value, time.min)
    if value.tzinfo is None:
        raise ValueError(f"an instant without a time zone: {value.isoformat()}")
    return value.astimezone(UTC).replace(tzinfo=None)


def _put_text(sheet: Worksheet, row: int, column: int, text: str, cell_format: Format) -> None:
    if text.startswith("<r>") and text.endswith("</r>"):
        # XlsxWriter takes such a string for finished rich text and writes it as XML, unescaped. Given as fragments
        # of a rich text it is escaped, and reads the same.
        sheet.write_rich_string(row, column, text[:1], text[1:2], text[2:], cell_format)
    else:
        sheet.write_string(row, column, text, cell_format)
