"""Azure's Resource SKUs API, and what `az vm list-skus` saves of it: facts about sizes and disk tiers. Pure.

`restrictions` are not read: they tell what the asking subscription may buy, not what a region sells. Network Mb/s is
not in this API.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal, InvalidOperation

import msgspec

from assessments.catalog.catalog_file import CatalogError, DiskTierRow, DiskType, Redundancy
from assessments.catalog.size_names import constrained_vcpus

MIB = Decimal(1_048_576)
MILLION = Decimal(1_000_000)
LIMIT_PLACES = Decimal("0.001")
# No size reaches this; a few sizes carry KB/s in the column.
MAX_PLAUSIBLE_MBPS = Decimal(50_000)

NO_SOURCE_YET = 0

# Facts that are the same in every region; two answers to them are a contradiction.
CORE = ("vCPUs", "vCPUsAvailable", "MemoryGB", "CpuArchitectureType")
# Where regions differ in a limit, the lower figure is the safe one.
LIMITS = ("UncachedDiskIOPS", "UncachedDiskBytesPerSecond", "MaxDataDiskCount", "MaxNetworkInterfaces")

DISK_NAMES: dict[str, tuple[DiskType, Redundancy]] = {
    "Standard_LRS": ("standard_hdd", "lrs"),
    "StandardSSD_LRS": ("standard_ssd", "lrs"),
    "StandardSSD_ZRS": ("standard_ssd", "zrs"),
    "Premium_LRS": ("premium_ssd", "lrs"),
    "Premium_ZRS": ("premium_ssd", "zrs"),
}


class Capability(msgspec.Struct, frozen=True):
    """A fact; all values are text."""

    name: str
    value: str | None = None


class ZoneDetail(msgspec.Struct, frozen=True):
    """Facts that hold in some zones of a location."""

    capabilities: list[Capability] | None = None


class LocationInfo(msgspec.Struct, frozen=True, rename="camel"):
    """Where a SKU is sold, and in which zones."""

    location: str = ""
    zones: list[str] | None = None
    zone_details: list[ZoneDetail] | None = None


class ResourceSku(msgspec.Struct, frozen=True, rename="camel"):
    """One SKU in one location, or in several."""

    name: str
    resource_type: str
    size: str | None = None
    family: str | None = None
    locations: list[str] | None = None
    location_info: list[LocationInfo] | None = None
    capabilities: list[Capability] | None = None


@dataclass
class SizeFacts:
    """A size: its capabilities, and the regions that list it with their zones."""

    name: str
    family: str
    capabilities: dict[str, str]
    ultra_ssd: bool = False
    zones: dict[str, str] = field(default_factory=dict)

    def whole(self, name: str) -> int | None:
        """A capability as a whole number; None when it is absent. Raises CatalogError for another text."""
        value = self.number(name)
        return None if value is None else int(value)

    def number(self, name: str) -> Decimal | None:
        text = self.capabilities.get(name)
        try:
            return Decimal(text) if text else None
        except InvalidOperation as error:
            raise CatalogError("Resource SKUs", None, f"{self.name}: {name} is {text!r}, no number") from error

    def is_true(self, name: str) -> bool:
        return self.capabilities.get(name) == "True"

    @property
    def host_vcpus(self) -> int:
        """Of a constrained size, the parent's."""
        return self.whole("vCPUs") or 0

    @property
    def vcpus(self) -> int:
        """The active ones: the name tells where the capability is missing or repeats the parent's count."""
        counts = [self.host_vcpus, self.whole("vCPUsAvailable"), constrained_vcpus(self.name)]
        return min(count for count in counts if count is not None)

    @property
    def memory_mb(self) -> int | None:
        gib = self.number("MemoryGB")
        return None if gib is None else int(gib * 1024)

    @property
    def temp_disk_gib(self) -> Decimal | None:
        """None where there is none."""
        mib = self.number("MaxResourceVolumeMB") or self.number("NvmeDiskSizeInMiB")
        return (mib / 1024).normalize() if mib else None

    @property
    def uncached_mbps(self) -> Decimal | None:
        """None where it is unknown or not plausible."""
        bytes_a_second = self.number("UncachedDiskBytesPerSecond")
        mbps = documented_mbps(bytes_a_second) if bytes_a_second else None
        return mbps if mbps is None or mbps <= MAX_PLAUSIBLE_MBPS else None

    @property
    def retires(self) -> str | None:
        """Year and month of "08/31/2023"."""
        month, _, rest = (self.capabilities.get("RetirementDateUtc") or "").partition("/")
        year = rest.rpartition("/")[2]
        return f"{year}-{month:>02}" if month.isdecimal() and len(year) == 4 and year.isdecimal() else None


def documented_mbps(bytes_a_second: Decimal) -> Decimal:
    """The documented MB/s: older figures are multiples of 2^20 bytes (100663296 is 96), newer ones of 10^6."""
    for unit, step in ((MILLION, Decimal(1)), (MIB, Decimal("0.5")), (Decimal(1_024_000), Decimal(1))):
        if bytes_a_second % (unit * step) == 0:
            return (bytes_a_second / unit).normalize()
    return (bytes_a_second / MILLION).quantize(LIMIT_PLACES, ROUND_FLOOR)


@dataclass
class SkuBook:
    """Sizes by lower-case name and disk tiers, as far as read; `regions` are those whose sizes the answer lists."""

    sizes: dict[str, SizeFacts] = field(default_factory=dict)
    tiers: dict[tuple[DiskType, Redundancy, str], DiskTierRow] = field(default_factory=dict)
    regions: set[str] = field(default_factory=set)

    def add_page(self, body: bytes, name: str) -> None:
        """A page of the API, or a saved file: `{value, nextLink}` or a bare array.

        Raises CatalogError naming page and row for another shape, or facts that contradict earlier ones.
        """
        for row, sku in enumerate(decoded(body, name), start=1):
            if sku.resource_type == "virtualMachines":
                self._add_size(sku, name, row)
            elif sku.resource_type == "disks" and sku.name in DISK_NAMES:
                self._add_tier(sku, name, row)

    def _add_size(self, sku: ResourceSku, name: str, row: int) -> None:
        facts = SizeFacts(sku.name, sku.family or "", _capabilities(sku.capabilities))
        known = self.sizes.setdefault(sku.name.lower(), facts)
        for fact in CORE:
            told, before = facts.capabilities.get(fact), known.capabilities.get(fact)
            if told and before and told != before:
                raise CatalogError(name, row, f"{sku.name}: {fact} is {told}, in another region {before}")
        for limit in LIMITS:
            figures = [figure for figure in (known.number(limit), facts.number(limit)) if figure is not None]
            if figures:
                known.capabilities[limit] = f"{min(figures):f}"
        known.ultra_ssd |= _has_ultra(sku)
        for region, zones in _places(sku):
            self.regions.add(region)
            known.zones[region] = zones or known.zones.get(region, "")

    def _add_tier(self, sku: ResourceSku, name: str, row: int) -> None:
        facts = SizeFacts(sku.name, "", _capabilities(sku.capabilities))
        disk_type, redundancy = DISK_NAMES[sku.name]
        tier = _tier_row(facts, sku.size or "", disk_type, redundancy)
        if tier is None:
            return
        known = self.tiers.setdefault((disk_type, redundancy, tier.tier), tier)
        if known != tier:
            raise CatalogError(name, row, f"{sku.name} {sku.size} differs from the same disk in another region")


def decoded(body: bytes, name: str) -> list[ResourceSku]:
    """The SKUs of a page or of a saved file."""
    try:
        if body.lstrip()[:1] == b"[":
            return msgspec.json.decode(body, type=list[ResourceSku])
        return msgspec.json.decode(body, type=_Page).value
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CatalogError(name, None, f"not an answer of the Resource SKUs API: {error}") from error


class _Page(msgspec.Struct, frozen=True):
    value: list[ResourceSku]


def _capabilities(listed: Iterable[Capability] | None) -> dict[str, str]:
    return {capability.name: capability.value for capability in listed or () if capability.value is not None}


def _has_ultra(sku: ResourceSku) -> bool:
    """UltraSSDAvailable stands among the capabilities or among those of zones."""
    details = [detail for info in sku.location_info or () for detail in info.zone_details or ()]
    lists = [sku.capabilities, *(detail.capabilities for detail in details)]
    return any(_capabilities(listed).get("UltraSSDAvailable") == "True" for listed in lists)


def _places(sku: ResourceSku) -> list[tuple[str, str]]:
    """Regions that list the SKU and the zones of each, sorted: ("westeurope", "1 2 3")."""
    zones = {_plain(info.location): " ".join(sorted(info.zones or [])) for info in sku.location_info or ()}
    return [(region, zones.get(region, "")) for region in map(_plain, sku.locations or zones)]


def _plain(location: str) -> str:
    """WestEurope and West Europe are westeurope."""
    return location.replace(" ", "").lower()


def _tier_row(facts: SizeFacts, tier: str, disk_type: DiskType, redundancy: Redundancy) -> DiskTierRow | None:
    """None without size, IOPS or throughput: then the catalog's own row stays."""
    size_gib, iops, mbps = (
        next((found for name in names if (found := facts.number(name))), None)
        for names in (
            ("MaxSizeGiB",),
            ("MaxIOps", "MaxIOpsReadWrite"),
            ("MaxBandwidthMBps", "MaxBandwidthMBpsReadWrite"),
        )
    )
    if not (tier and size_gib and iops and mbps):
        return None
    return DiskTierRow(
        tier=tier,
        disk_type=disk_type,
        redundancy=redundancy,
        size_gib=int(size_gib),
        iops=int(iops),
        mbps=mbps.normalize(),
        burst_iops=facts.whole("MaxBurstIops"),
        burst_mbps=facts.number("MaxBurstBandwidthMBps"),
        max_shares=facts.whole("MaxValueOfMaxShares"),
        source=NO_SOURCE_YET,
    )
