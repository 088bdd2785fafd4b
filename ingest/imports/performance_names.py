"""What monitoring systems call things: the columns of a long performance CSV, its metrics and their units.

docs/imports.md lists what is understood; a test reads both.
"""

import re
from dataclasses import dataclass

PERCENT, THROUGHPUT, OPERATIONS = "percent", "throughput", "operations"

# Headings by what they mean, letters and digits only. Of two that fit one meaning the one named first here counts.
COLUMNS: dict[str, tuple[str, ...]] = {
    "machine": (
        "machine", "machinename", "sourceid", "server", "servername", "host", "hostname", "vm", "vmname",
        "virtualmachine", "computer", "computername", "entity", "entityname", "node", "name",
    ),
    "timestamp": (
        "timestamp", "time", "datetime", "at", "date", "clock", "instant", "timestamputc", "timeutc", "timegenerated",
        "collectedat", "sampletime",
    ),
    "metric": (
        "metric", "metricname", "metricid", "counter", "countername", "series", "measurement", "item", "itemkey", "key",
        "performancecounter", "statistic",
    ),
    "value": ("value", "metricvalue", "countervalue", "samplevalue", "sample", "val", "maximum", "max", "peak"),
    "part": (
        "part", "device", "devicename", "disk", "nic", "instance", "instancename", "interface", "interfacename",
        "adapter", "drive", "volume", "object", "objectname",
    ),
    "unit": ("unit", "units", "uom"),
}  # fmt: skip
REQUIRED_COLUMNS = ("machine", "timestamp", "metric", "value")


@dataclass(frozen=True)
class Metric:
    """A series of a machine (part ""), a disk or a nic, and the factor to percent, 10^6 bytes/s or operations/s."""

    part: str
    series: str
    factor: float


# A quantity by its names in snake case, without unit. vCenter's own names carry their unit with them.
QUANTITIES: dict[str, tuple[str, ...]] = {
    "cpu": (
        "cpu", "cpu_usage", "cpu_utilization", "cpu_utilisation", "cpu_load", "cpu_used", "cpu_total", "processor",
        "processor_time", "processor_total", "processor_utility", "total_processor_time", "cpu_usage_average",
        "cpu_usage_maximum", "system_cpu_util", "cpu_util",
    ),
    "memory": (
        "memory", "mem", "ram", "memory_usage", "mem_usage", "memory_used", "mem_used", "memory_utilization",
        "memory_utilisation", "mem_util", "memory_util", "ram_usage", "ram_used", "mem_usage_average",
        "mem_usage_maximum", "committed_bytes_in_use", "vm_memory_utilization",
    ),
    "read": (
        "read", "reads", "disk_read", "disk_reads", "disk_read_throughput", "read_throughput", "io_read",
        "disk_io_read",
    ),
    "write": (
        "write", "writes", "disk_write", "disk_writes", "disk_write_throughput", "write_throughput", "io_write",
        "disk_io_write",
    ),
    "received": (
        "received", "receive", "rx", "in", "nic_received", "nic_in", "net_received", "net_receive", "net_in", "net_rx",
        "network_received", "network_receive", "network_in", "network_rx", "network_received_throughput", "if_in",
        "interface_in", "network_adapter_received",
    ),
    "transmitted": (
        "transmitted", "transmit", "tx", "sent", "out", "nic_transmitted", "nic_out", "net_transmitted", "net_transmit",
        "net_sent", "net_out", "net_tx", "network_transmitted", "network_transmit", "network_sent", "network_out",
        "network_tx", "network_transmitted_throughput", "if_out", "interface_out", "network_adapter_sent",
    ),
}  # fmt: skip
# Whole names with a unit of their own: vCenter reports kilobytes a second and operations a second.
WITH_UNIT: dict[str, tuple[str, str, float]] = {
    "disk_read_average": ("read", THROUGHPUT, 1e-3),
    "disk_write_average": ("write", THROUGHPUT, 1e-3),
    "virtualdisk_read_average": ("read", THROUGHPUT, 1e-3),
    "virtualdisk_write_average": ("write", THROUGHPUT, 1e-3),
    "virtualdisk_numberreadaveraged_average": ("read", OPERATIONS, 1.0),
    "virtualdisk_numberwriteaveraged_average": ("write", OPERATIONS, 1.0),
    "disk_numberreadaveraged_average": ("read", OPERATIONS, 1.0),
    "disk_numberwriteaveraged_average": ("write", OPERATIONS, 1.0),
    "net_received_average": ("received", THROUGHPUT, 1e-3),
    "net_transmitted_average": ("transmitted", THROUGHPUT, 1e-3),
}
SERIES: dict[tuple[str, str], tuple[str, str]] = {
    ("cpu", PERCENT): ("", "cpu_percent"),
    ("memory", PERCENT): ("", "memory_percent"),
    ("read", THROUGHPUT): ("disk", "read_mbps"),
    ("write", THROUGHPUT): ("disk", "write_mbps"),
    ("read", OPERATIONS): ("disk", "read_iops"),
    ("write", OPERATIONS): ("disk", "write_iops"),
    ("received", THROUGHPUT): ("nic", "received_mbps"),
    ("transmitted", THROUGHPUT): ("nic", "transmitted_mbps"),
}
_QUANTITY_OF = {name: quantity for quantity, names in QUANTITIES.items() for name in names}

# Names of units by what they measure. Letters of bytes and bits: see unit_of().
PERCENT_UNITS = {"%": 1.0, "percent": 1.0, "pct": 1.0, "percentage": 1.0, "ratio": 100.0, "fraction": 100.0}
OPERATION_UNITS = frozenset({
    "iops", "io/s", "ios/s", "io/sec", "ops", "ops/s", "ops/sec", "opsps", "operations/s", "operations/second", "1/s",
    "/s", "/sec", "persec", "persecond", "req/s", "requests/s", "r/s", "w/s", "number",
})  # fmt: skip
MULTIPLES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "ki": 1024.0, "mi": 1024.0**2, "gi": 1024.0**3}
LONG_MULTIPLES = {"kilo": "k", "mega": "m", "giga": "g", "kibi": "ki", "mebi": "mi", "gibi": "gi"}
RATE = re.compile(
    r"(?P<multiple>(?:[kmg]i?)?|kilo|mega|giga|kibi|mebi|gibi)(?P<what>bytes?|bits?|b)(?:ps|/s|/sec|/second|persec|persecond)",
    re.IGNORECASE,
)
# The ends of a metric's name in snake case that are its unit, the longest first.
SUFFIX = re.compile(
    r"_(?P<unit>percent|percentage|pct|ratio|fraction|iops|ops|ops_per_second|operations_per_second|ops_s"
    r"|(?:[kmg]i?)?bps|(?:[kmg]i?)?(?:b|bytes?|bits?)(?:_per_second|_per_sec|_second|_sec|_s)"
    r"|(?:kilo|mega|giga)?(?:bytes|bits)_per_second|per_second|per_sec|sec|s)$"
)
IN_BRACKETS = re.compile(r"(?P<name>.*\S)\s*[(\[](?P<unit>[^()\[\]]+)[)\]]")
MAX_NAME_CHARACTERS = 200


def unit_of(text: str) -> tuple[str, float] | None:
    """What a unit measures and its factor; None when it is not known.

    A small b is a bit where the case tells (Mb/s, Kbps, bps); written wholly small with a multiple (mb/s, kbps) it is
    taken as bytes, as in the names of this API, where mbps is megabytes a second.
    """
    compact = re.sub(r"[\s_]+", "", text)
    small = compact.lower()
    if small in PERCENT_UNITS:
        return PERCENT, PERCENT_UNITS[small]
    if small in OPERATION_UNITS:
        return OPERATIONS, 1.0
    found = RATE.fullmatch(compact)
    if not found:
        return None
    multiple = found["multiple"].lower()
    multiple = LONG_MULTIPLES.get(multiple, multiple)
    return THROUGHPUT, MULTIPLES[multiple] / 1e6 / (8 if _is_bits(found["what"], found["multiple"]) else 1)


def _is_bits(what: str, multiple: str) -> bool:
    if len(what) > 1:
        return what.lower().startswith("bit")
    return what == "b" and (not multiple or multiple != multiple.lower())


def known_metric(name: str, unit: str = "") -> Metric | None:
    """The series that a metric of a monitoring system is; None when it is none of ours or its unit is not known."""
    name, unit = name.strip()[:MAX_NAME_CHARACTERS], unit.strip()[:MAX_NAME_CHARACTERS]
    bracketed = IN_BRACKETS.fullmatch(name)
    if bracketed and unit_of(bracketed["unit"]):
        name, unit = bracketed["name"], unit or bracketed["unit"]
    snake = _snake(name)
    if not unit and snake in WITH_UNIT:
        return _metric(*WITH_UNIT[snake])
    if snake in WITH_UNIT:
        stem: str | None = WITH_UNIT[snake][0]
    else:
        stem, unit = _stem_and_unit(snake, unit)
    measured = unit_of(unit) if unit else None
    if stem is None:
        return None
    if measured is None:
        # A share of cores or memory needs no unit.
        return _metric(stem, PERCENT, 1.0) if not unit else None
    return _metric(stem, *measured)


def _metric(quantity: str, kind: str, factor: float) -> Metric | None:
    found = SERIES.get((quantity, kind))
    return Metric(*found, factor) if found else None


def _snake(name: str) -> str:
    """Windows' counters come as a path of which the last step counts; `%` stands in front there."""
    last = name.rsplit("\\", 1)[-1].lower().replace("%", " percent ")
    return re.sub(r"[^a-z0-9]+", "_", last).strip("_")


def _stem_and_unit(snake: str, unit: str) -> tuple[str | None, str]:
    """The quantity and the unit, from the end of the name when it is not given."""
    if snake.startswith("percent_"):
        snake, unit = snake.removeprefix("percent_"), unit or "percent"
    if snake in _QUANTITY_OF:
        return _QUANTITY_OF[snake], unit
    suffix = SUFFIX.search(snake)
    if not suffix:
        return None, unit
    stem = snake[: suffix.start()]
    if stem not in _QUANTITY_OF and stem.startswith("bytes_"):
        stem, named = stem.removeprefix("bytes_"), "bytes/s"
    else:
        named = _suffix_unit(suffix["unit"])
    return _QUANTITY_OF.get(stem), unit or named


def _suffix_unit(suffix: str) -> str:
    """`bytes_sec` as `bytes/sec`; a lone `sec` counts operations."""
    written = re.sub(r"_?per_", "/", suffix)
    written = re.sub(r"_(s|sec|second)$", r"/\1", written)
    return f"/{written}" if written in {"s", "sec"} else written


def column_meanings(headings: list[str]) -> dict[str, int]:
    """Which column is which: meaning -> index. Case, spaces and punctuation of the headings do not matter."""
    plain = [re.sub(r"[^a-z0-9]+", "", heading.lower()) for heading in headings]
    return {
        meaning: plain.index(name)
        for meaning, names in COLUMNS.items()
        for name in [next((name for name in names if name in plain), None)]
        if name is not None
    }
