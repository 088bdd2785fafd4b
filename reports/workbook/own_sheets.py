"""The columns of our own sheets, as data. A column's key is its name in the JSON lines."""

from collections.abc import Callable

from reports.workbook import what_if
from reports.workbook.columns import Column, Kind
from reports.workbook.values import IssueRow, PriceLineRow, SavingsRow, ScenarioRow, TraceRow
from reports.workbook.wording import MOVES_WITH, NOT_APPLICABLE, PRICE_PARTS, READINESS

REFUSED_SHOWN = 3  # of the cheaper sizes, or disks, that were refused: those nearest in price to the chosen one
MAX_REFUSED_SHOWN = 20

STATISTICS = (
    ("p50", "50th percentile"),
    ("p90", "90th percentile"),
    ("p95", "95th percentile"),
    ("p99", "99th percentile"),
    ("maximum", "maximum"),
)

S = Column[ScenarioRow]
SCENARIOS: tuple[S, ...] = (
    S(heading="Machine", key="machine_name", width=28),
    S(heading="Scenario", key="scenario", width=36),
    S(heading="Recommended size", key="recommended_sku", width=22, missing=NOT_APPLICABLE),
    S(heading="Compute monthly cost {currency}", key="compute_monthly_cost", kind=Kind.MONEY),
    S(heading="Storage monthly cost {currency}", key="storage_monthly_cost", kind=Kind.MONEY),
    S(heading="Total monthly cost {currency}", key="monthly_cost", kind=Kind.MONEY),
    S(heading="Why there is no price", key="unpriced_reason", width=48),
    S(heading="Of compute, billed by the hour {currency}", key="hourly_monthly_cost", kind=Kind.MONEY, width=16),
)

V = Column[SavingsRow]


def _money(heading: str, key: str, formula: Callable[[SavingsRow], str | None], width: float = 18) -> V:
    """An amount that moves with discount and uptime."""
    return V(heading=f"{heading} {{currency}}", key=key, kind=Kind.MONEY, width=width, formula=formula)


SAVINGS: tuple[V, ...] = (
    V(heading="Machine", key="machine_name", width=28),
    V(heading="Chosen scenario", key="headline_scenario", width=34),
    V(heading="Recommended size", key="recommended_sku", width=22, missing=NOT_APPLICABLE),
    _money("Compute monthly cost", "headline_monthly_cost", what_if.headline_formula, 14),
    _money("Pay-as-you-go monthly cost", "pay_as_you_go_monthly_cost", what_if.pay_as_you_go_formula),
    _money("Saved by the chosen scenario", "saved", what_if.saved_formula),
    V(heading="Cheapest scenario", key="best_scenario", width=34, missing=NOT_APPLICABLE),
    V(heading="Its size", key="best_sku", width=22, missing=NOT_APPLICABLE),
    _money("Its monthly cost", "best_monthly_cost", what_if.best_formula, 14),
    _money("Further savings with it", "further", what_if.further_formula),
    _money("All possible savings", "possible", what_if.possible_formula),
)

F = Column[IssueRow]
ISSUES: tuple[F, ...] = (
    F(heading="Machine", key="machine_name", width=28),
    F(heading="Disk", key="disk_name", width=24),
    F(heading="Azure readiness", key="readiness", width=28, value=lambda row: READINESS[row.readiness]),
    F(heading="Issue", key="message", width=48),
    F(heading="Remedy", key="remedy", width=60),
    F(heading="Code", key="code", width=36),
)

T = Column[TraceRow]
TRACES: tuple[T, ...] = (
    T(heading="Machine", key="machine_name", width=28),
    T(heading="Disk", key="disk_name", width=20),
    T(heading="Percentile", key="percentile", kind=Kind.PLAIN, width=12),
    T(heading="Points expected", key="expected_points", kind=Kind.COUNT, width=10),
    T(heading="CPU usage(%)", key="cpu_percent", kind=Kind.NUMBER, width=11),
    T(heading="CPU points", key="cpu_points", kind=Kind.COUNT, width=10),
    T(heading="Memory usage(%)", key="memory_percent", kind=Kind.NUMBER, width=11),
    T(heading="Memory points", key="memory_points", kind=Kind.COUNT, width=10),
    T(heading="Disk read(ops/sec)", key="read_iops", kind=Kind.NUMBER, width=15),
    T(heading="Disk write(ops/sec)", key="write_iops", kind=Kind.NUMBER, width=15),
    T(heading="Disk read(MBPS)", key="read_mbps", kind=Kind.NUMBER, width=13),
    T(heading="Disk write(MBPS)", key="write_mbps", kind=Kind.NUMBER, width=13),
    T(heading="Disk points", key="disk_points", kind=Kind.COUNT, width=10),
    T(heading="Network out(MBPS)", key="network_out_mbps", kind=Kind.NUMBER, width=13),
    T(heading="Cores required", key="required_cores", kind=Kind.NUMBER, width=10),
    T(heading="Cores, how", key="cores_arithmetic", width=24),
    T(heading="Memory required(MB)", key="required_memory_mb", kind=Kind.NUMBER, width=14),
    T(heading="Memory, how", key="memory_arithmetic", width=26),
    T(heading="Data disks required", key="required_data_disks", kind=Kind.COUNT, width=10),
    T(heading="IOPS required", key="required_iops", kind=Kind.NUMBER, width=11),
    T(heading="Disk MBPS required", key="required_mbps", kind=Kind.NUMBER, width=11),
    T(heading="Network adapters required", key="required_nics", kind=Kind.COUNT, width=12),
    T(heading="Network required(Mbit/s)", key="required_network_mbps", kind=Kind.NUMBER, width=18),
    T(heading="Chosen", key="chosen", width=22, missing=NOT_APPLICABLE),
    T(heading="Monthly cost {currency}", key="monthly_cost", kind=Kind.MONEY),
    T(heading="Runner-up", key="runner_up", width=22),
    T(heading="Runner-up costs more by {currency}", key="price_gap", kind=Kind.MONEY),
    T(heading="Cheaper ones refused, in all", key="refused_count", kind=Kind.COUNT, width=14),
    T(heading="Refused", key="refused", width=22),
    T(heading="Its monthly cost {currency}", key="refused_monthly_cost", kind=Kind.MONEY),
    T(heading="First constraint", key="constraint", width=24),
    T(heading="Required", key="required", kind=Kind.PLAIN, width=11),
    T(heading="Offered", key="offered", kind=Kind.PLAIN, width=11),
    T(heading="Short by", key="short_by", kind=Kind.PLAIN, width=11),
    T(heading="All constraints", key="constraints", width=60),
    *(
        T(heading=f"{series} usage(%), {words}", key=f"{series.lower()}_{name}", kind=Kind.NUMBER, width=15)
        for series in ("CPU", "Memory")
        for name, words in STATISTICS
    ),
)

P = Column[PriceLineRow]
PRICE_LINES: tuple[P, ...] = (
    P(heading="Machine", key="machine_name", width=28),
    P(heading="Disk", key="disk_name", width=20),
    P(heading="Part", key="part", width=10, value=lambda row: PRICE_PARTS[row.part]),
    P(heading="Price", key="kind", width=24),
    P(heading="Size or tier", key="sku", width=22),
    P(heading="Unit", key="unit", width=10),
    P(heading="Unit price {currency}", key="unit_price", kind=Kind.UNIT_PRICE, width=14),
    P(heading="Quantity", key="quantity", kind=Kind.COUNT, width=10),
    P(heading="Hours", key="hours", kind=Kind.COUNT, width=8),
    P(heading="Months of the term", key="months", kind=Kind.COUNT, width=9),
    P(heading="Discount(%)", key="discount_percent", kind=Kind.PLAIN, width=13),
    P(heading="Monthly amount {currency}", key="amount", kind=Kind.MONEY),
    P(heading="Moves with", key="moves_with", width=22, value=lambda row: MOVES_WITH[row.moves_with]),
    P(heading="Catalog", key="catalog", width=22),
    P(heading="Source of the price", key="source", width=40),
    P(heading="Date of the source", key="dated", width=14),
    P(heading="Price holds since", key="meter_date", kind=Kind.DAY, width=12),
    P(heading="Arithmetic", key="arithmetic", width=48),
)
