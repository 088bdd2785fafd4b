"""Plain words for what the domain says in codes: filters, changes, settings, scenarios, refusals and prices."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ingest.models import MachineChange
from migrate_hub.portal.figures import figure, memory, money, number, storage

READINESS = {
    "ready": "Ready",
    "ready_with_conditions": "Ready with conditions",
    "not_ready": "Not ready",
    "unknown": "Unknown",
}
KINDS = {"vmware": "VMware vSphere", "hyperv": "Hyper-V", "physical": "Physical and other machines"}
TERMS = {
    "pay_as_you_go": "Pay as you go",
    "reservation_1y": "Reserved for 1 year",
    "reservation_3y": "Reserved for 3 years",
    "savings_plan_1y": "Savings plan, 1 year",
    "savings_plan_3y": "Savings plan, 3 years",
    "dev_test": "Dev/Test",
}
HYBRID_SUFFIX = "_hybrid_benefit"
UNPRICED = {
    "not_ready": "the machine is not ready",
    "no_price_in_catalog": "the catalog has no price",
    "readiness_unknown": "its readiness is unknown, and these rules size no such machine",
}
NO_CONFIDENCE = {
    "as_on_premises": "sized as on premises, so no history is needed",
    "imported": "imported machines have no performance history",
}
DISK_TYPES = {
    "standard_hdd": "Standard HDD",
    "standard_ssd": "Standard SSD",
    "premium_ssd": "Premium SSD",
    "premium_ssd_v2": "Premium SSD v2",
    "ultra": "Ultra Disk",
    "automatic": "Automatic",
}
WINDOWS = {"1_day": "the last day", "1_week": "the last week", "1_month": "the last month"}
CRITERIA = {"performance_based": "by performance", "as_on_premises": "as on premises"}
BENEFITS = {"none": "none", "windows": "Windows Server", "windows_and_linux": "Windows Server and Linux"}
STATED = {
    "cpu_percent": "cpu_percent",
    "memory_percent": "memory_percent",
    "read_iops": "disk_read_iops",
    "write_iops": "disk_write_iops",
    "read_mbps": "disk_read_mbps",
    "write_mbps": "disk_write_mbps",
    "received_mbps": "network_received_mbps",
    "transmitted_mbps": "network_transmitted_mbps",
}
PROPERTIES = {
    "name": "Name",
    "power_state": "Power",
    "operating_system": "Operating system",
    "boot_type": "Boot type",
    "cores": "Cores",
    "memory_mb": "Memory",
    "disks": "Disks",
    "nics": "Network interfaces",
    "removed": "Removed",
    "duplicate_of": "Same machine as",
}
DIMENSIONS = {
    "cores": "Cores",
    "memory_mb": "Memory",
    "data_disks": "Data disks",
    "premium_storage": "Premium storage",
    "ultra_storage": "Ultra storage",
    "generation_1": "Generation 1 (BIOS)",
    "disk_iops": "Disk operations",
    "disk_mbps": "Disk throughput",
    "iops": "Operations",
    "mbps": "Throughput",
    "size_gib": "Size",
    "size_gb": "Size",
    "nics": "Network adapters",
    "network_mbps": "Network",
}
YES_OR_NO = ("premium_storage", "ultra_storage", "generation_1")
UNITS = {"disk_iops": "IOPS", "disk_mbps": "MB/s", "iops": "IOPS", "mbps": "MB/s", "network_mbps": "Mbit/s"}
METRICS = {
    "cpu_percent": ("CPU", "%"),
    "memory_percent": ("Memory", "%"),
    "read_iops": ("Reads", "IOPS"),
    "write_iops": ("Writes", "IOPS"),
    "read_mbps": ("Read throughput", "MB/s"),
    "write_mbps": ("Write throughput", "MB/s"),
    "received_mbps": ("Received", "MB/s"),
    "transmitted_mbps": ("Sent", "MB/s"),
    "disk_read_iops": ("Disk reads", "IOPS"),
    "disk_write_iops": ("Disk writes", "IOPS"),
    "disk_read_mbps": ("Disk read throughput", "MB/s"),
    "disk_write_mbps": ("Disk write throughput", "MB/s"),
    "network_received_mbps": ("Network received", "MB/s"),
    "network_transmitted_mbps": ("Network sent", "MB/s"),
}
CONDITIONS = {
    "search": "name begins with “{}”",
    "os": "operating system contains “{}”",
    "power_state": "power is {}",
    "cluster": "cluster is “{}”",
    "host": "host is “{}”",
}
SETTLED_CONDITIONS = {
    "discovered_by": {"appliance": "source is an appliance", "import": "source is a file"},
    "history": {"none": "history is empty", "some": "history is not empty"},
    "duplicates": {
        "only": "machine is seen twice",
        "exclude": "machine is seen once",
        "include": "machine is seen once or twice",
    },
    "removed": {"true": "machine was removed", "false": "machine is there", "all": "machine is there or was removed"},
}
PRICES = {
    "linux": "Compute",
    "windows": "Compute with Windows license",
    "windows_licence": "Windows license",
    "reservation_1y_term": "Reservation, 1 year",
    "reservation_3y_term": "Reservation, 3 years",
    "savings_plan_1y": "Savings plan, 1 year",
    "savings_plan_3y": "Savings plan, 3 years",
    "dev_test": "Compute, Dev/Test",
    "discount": "Discount",
    "rhel_subscription": "RHEL subscription",
    "sles_subscription": "SLES subscription",
}


ACCOUNT_EVENTS = {
    "signed_in": "Signed in",
    "password.change": "Password changed",
    "password.reset": "New password set by a link",
    "password.reset_link": "Link for a new password made",
    "password.reset_mailed": "Link for a new password mailed",
    "second_factor.on": "Second factor set up",
    "second_factor.off": "Second factor turned off",
    "second_factor.recovery_code": "Recovery code used",
    "second_factor.recovery_codes": "New recovery codes made",
    "name.change": "Name changed",
    "sessions.end": "Signed out everywhere else",
}


def plain(code: str) -> str:
    """A code word without its underscores, for codes that have no words of their own."""
    text = code.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def counted(count: int, what: str) -> str:
    """1 machine, 2,000 machines."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def scenario_name(scenario: str) -> str:
    """`reservation_1y_hybrid_benefit` -> Reserved for 1 year, own licenses."""
    term = scenario.removesuffix(HYBRID_SUFFIX)
    name = TERMS.get(term, plain(term))
    return f"{name}, own licenses" if scenario.endswith(HYBRID_SUFFIX) else name


def no_confidence(reason: str) -> str:
    """Why there is no confidence rating."""
    return NO_CONFIDENCE.get(reason, plain(reason))


def kind_name(kind: str) -> str:
    """What an appliance collects from."""
    return KINDS.get(kind, plain(kind))


def size_name(sku: str | None) -> str:
    """Standard_D4s_v5 -> D4s_v5: every size here is a standard one."""
    return "–" if sku is None else sku.removeprefix("Standard_")  # noqa: RUF001  an en dash


def price_name(kind: str) -> str:
    return PRICES.get(kind) or plain(kind)


def quantity(dimension: str, value: Any) -> str:
    """A figure of a dimension with its unit; what is a yes or no says so."""
    if value is None:
        return "no data"
    exact = Decimal(str(value))
    if dimension == "memory_mb":
        return memory(exact)
    if dimension in ("size_gib", "size_gb"):
        return storage(exact)
    if dimension in YES_OR_NO:
        return "needed" if exact else "not needed"
    unit = UNITS.get(dimension, "")
    return f"{figure(exact)}\u202f{unit}" if unit else figure(exact)


def measured(metric: str, value: Any) -> tuple[str, str]:
    """Name and figure of a metric."""
    name, unit = METRICS.get(metric, (plain(metric), ""))
    return name, "no data" if value is None else f"{figure(value)}\u202f{unit}"


def series_name(series: Mapping[str, Any]) -> str:
    """`CPU`, or `Reads, scsi0:0` of a disk or network adapter."""
    name = METRICS[series["metric"]][0]
    return f"{name}, {series['source_id']}" if "source_id" in series else name


DEMANDED = {
    "premium_storage": "a disk becomes Premium SSD or Premium SSD v2",
    "ultra_storage": "a disk becomes an Ultra disk",
    "generation_1": "the machine boots with BIOS, which only a generation 1 VM does",
}


def demand_in_words(required: Mapping[str, Any]) -> str:
    """Why a size must offer so much; the API has the arithmetic in plain figures."""
    dimension, told = required["dimension"], str(required["arithmetic"])
    if dimension == "memory_mb":
        allocated, _, rest = told.partition(" ")
        told = f"{memory(allocated)} {rest}"
    elif dimension == "cores":
        told = told.replace(" x ", " cores x ", 1) if "allocated" not in told else told.replace(" ", " cores ", 1)
    told = told.replace(" without the OS disk", ", less the OS disk").replace(" x 8 x ", " x 8 bits x ")
    return DEMANDED.get(dimension, told.replace(" x ", " × "))  # noqa: RUF001


def refusal_in_words(refusal: Mapping[str, Any]) -> str:
    """Why an offer was refused: one constraint with both figures."""
    constraint = str(refusal["constraint"])
    kind, _, dimension = constraint.partition(":")
    if kind == "limit_unknown":
        return f"{DIMENSIONS.get(dimension, plain(dimension))}: its limit is not published"
    if kind == "not_considered":
        return "not meant for moving machines as they are"
    if kind == "cpu_credits":
        return credits_in_words(refusal)
    if kind in YES_OR_NO:
        return f"does not offer: {DIMENSIONS[kind]}"
    name = DIMENSIONS.get(kind, plain(kind))
    if refusal.get("required") is None or refusal.get("offered") is None:
        return name
    return f"{name}: {quantity(kind, refusal['required'])} needed, {quantity(kind, refusal['offered'])} offered"


def credits_in_words(refusal: Mapping[str, Any]) -> str:
    """Why a burstable size was refused: how many cores its CPU credits carry, or why that is not known."""
    detail = str(refusal.get("detail") or "")
    if refusal.get("required") is None:
        return f"burstable, and {detail}" if detail else "burstable"
    carried, needed = figure(refusal["offered"]), figure(refusal["required"])
    return f"its CPU credits carry {carried} cores at this load, headroom included, and {needed} are needed: {detail}"


def conditions_in_words(conditions: Mapping[str, Any] | None, appliances: Mapping[str, str] | None = None) -> list[str]:
    """A machine filter, condition by condition; `appliances` are names by id."""
    return [condition_in_words(name, value, appliances or {}) for name, value in (conditions or {}).items() if value]


def condition_in_words(name: str, value: Any, appliances: Mapping[str, str]) -> str:
    """One condition of a machine filter, as it follows "machines whose"."""
    if name == "appliance":
        return f"appliance is “{appliances.get(str(value), 'one that is not there')}”"
    if name in SETTLED_CONDITIONS:
        return SETTLED_CONDITIONS[name].get(str(value), f"{plain(name)} is {value}")
    return CONDITIONS.get(name, plain(name) + " is {}").format(value)


def change_in_words(change: MachineChange) -> tuple[str, str, str]:
    """Property, before and after of a change."""
    name = PROPERTIES.get(change.property, plain(change.property))
    return name, _value(change.property, change.old_value), _value(change.property, change.new_value)


def _value(name: str, value: Any) -> str:
    if name == "memory_mb":
        return memory(value)
    if name == "duplicate_of" and value is not None:
        return "one seen by another appliance or a file"
    if isinstance(value, list):
        return ", ".join(_part(part) for part in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)  # noqa: RUF001  an en dash, as in printed tables


def _part(part: Any) -> str:
    if not isinstance(part, dict):
        return str(part)
    if "size_gb" in part:
        return f"{part.get('source_id', '')} {storage(part['size_gb'])}".strip()
    addresses = ", ".join(part.get("ip_addresses") or [])
    return " ".join(filter(None, [part.get("mac_address") or part.get("source_id", ""), addresses]))


def settings_in_words(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The settings of an assessment as pairs of name and value."""
    by_performance = settings["sizing_criterion"] == "performance_based"
    uptime = settings["uptime"]
    pairs = [("Sizing", CRITERIA[settings["sizing_criterion"]])]
    if by_performance:
        pairs += [
            ("History", window_in_words(settings["performance_window"])),
            ("Percentile", f"{settings['percentile']}th"),
        ]
    pairs += [
        ("Comfort factor", figure(settings["comfort_factor"])),
        ("Target region", settings["target_region"]),
        ("Offer", TERMS[settings["offer"]]),
        ("Commitment", TERMS.get(settings["commitment"], "none")),
        ("Hybrid benefit", BENEFITS[settings["hybrid_benefit"]]),
        ("Currency", settings["currency"]),
        ("Discount", f"{figure(settings['discount_percent'])}\u202f%"),
        ("Uptime", f"{uptime['days_per_month']} days × {uptime['hours_per_day']} hours"),  # noqa: RUF001
        ("Disk types", ", ".join(DISK_TYPES.get(each, plain(each)) for each in settings["disk_types"])),
        ("Series", ", ".join(settings["sku_families"]) or "all"),
        ("Rules", settings["rule_set"]),
    ]
    return pairs


def window_in_words(window: Any) -> str:
    if isinstance(window, dict):
        return f"{window['start'][:16].replace('T', ' ')} to {window['end'][:16].replace('T', ' ')} UTC"
    return WINDOWS.get(window, plain(str(window)))


def price_line_in_words(line: Mapping[str, Any], currency: str) -> tuple[str, str, str]:
    """Name, arithmetic and amount of one line of a cost."""
    return price_name(line["kind"]), arithmetic(line), money(line["amount"], currency)


def arithmetic(line: Mapping[str, Any]) -> str:
    """How a line's amount came about, figures shortened for reading; the API has them in full."""
    if line.get("unit_price") is None:
        return str(line["arithmetic"])
    price = number(line["unit_price"], 4)
    if line.get("months"):
        return f"{number(line['unit_price'], 2)} for the term ÷ {line['months']} months"
    return f"{price} an hour × {line['hours']} hours" if line.get("hours") else str(line["arithmetic"])  # noqa: RUF001
