"""A server that speaks as Azure's Retail Prices and Resource SKUs APIs do: filters, pages, throttles, fails, hangs.

The items have the shapes of real answers; figures are those of the small test catalog.
"""

import json
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.assessments.catalog.catalogs import UNIT_PRICES

PRICES_PATH = "/api/retail/prices"
SKUS_PATH = "/subscriptions/0/providers/Microsoft.Compute/skus"
LOCATIONS = {"westeurope": "EU West", "jioindiawest": "IN West Jio", "newland": "NL New"}


def machine(size: str = "D2s v5", price: float = 0.115, region: str = "westeurope", **changes: Any) -> dict[str, Any]:
    """A pay-as-you-go price of a machine with Linux: a real item of 2026, its ids made up."""
    series = re.sub(r"\d", "", size.partition(" ")[0])
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": region,
        "location": LOCATIONS.get(region, region),
        "effectiveStartDate": "2022-03-01T00:00:00Z",
        "meterId": f"meter of {size} in {region}",
        "meterName": size,
        "productId": "DZH318Z0CSHK",
        "skuId": "DZH318Z0CSHK/01VR",
        "productName": f"Virtual Machines {series}v{size[-1:]} Series",
        "skuName": size,
        "serviceName": "Virtual Machines",
        "serviceId": "DZH313Z7MMC8",
        "serviceFamily": "Compute",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": "Standard_" + size.replace(" ", "_"),
        **changes,
    }


def windows(size: str = "D2s v5", price: float = 0.207, region: str = "westeurope", **changes: Any) -> dict[str, Any]:
    linux = machine(size, price, region)
    return {**linux, "productName": linux["productName"] + " Windows", "meterId": f"windows {size} {region}", **changes}


def reservation(term: str, total: float, size: str = "D2s v5", **changes: Any) -> dict[str, Any]:
    """The unit says an hour, the price is the term's."""
    return machine(size, total, **{"type": "Reservation", "reservationTerm": term, **changes})


def plans(one_year: float, three_years: float) -> list[dict[str, Any]]:
    """The array `savingsPlan` of an item."""
    return [
        {"unitPrice": price, "retailPrice": price, "term": term}
        for term, price in (("3 Years", three_years), ("1 Year", one_year))
    ]


def disk(
    meter: str = "P10 LRS Disk",
    price: float = 21.68,
    product: str = "Premium SSD Managed Disks",
    unit: str = "1/Month",
    **changes: Any,
) -> dict[str, Any]:
    """A price of storage."""
    return {
        **machine("", price),
        "meterId": f"{product} {meter}",
        "meterName": meter,
        "productName": product,
        "skuName": meter.removesuffix(" Disk"),
        "serviceName": "Storage",
        "serviceId": "DZH317F1HKN0",
        "serviceFamily": "Storage",
        "unitOfMeasure": unit,
        "armSkuName": "",
        **changes,
    }


def flexible_disks(region: str = "westeurope") -> list[dict[str, Any]]:
    """Premium SSD v2 with what its capacity includes as rows of price zero, and Ultra."""
    parts = (
        ("Provisioned Capacity", "1 GiB/Hour", "provisioned_capacity", 0),
        ("Provisioned IOPS", "1/Hour", "provisioned_iops", 3000),
        ("Provisioned Throughput (MBps)", "1/Hour", "provisioned_mbps", 125),
    )
    rows = []
    for part, unit, component, included in parts:
        price = float(UNIT_PRICES[component])
        premium = disk(f"Premium LRS {part}", price, "Azure Premium SSD v2", unit, armRegionName=region)
        rows.append({**premium, "tierMinimumUnits": float(included)})
        if included:
            rows.append({**premium, "retailPrice": 0.0, "unitPrice": 0.0})
        rows.append(disk(f"Ultra LRS {part}", price, "Ultra Disks", unit, armRegionName=region))
    return rows


def same_prices() -> list[dict[str, Any]]:
    """What the small test catalog says, as the API would."""
    return [
        machine(),
        windows(),
        machine("D4s v5", 0.23),
        windows("D4s v5", 0.414),
        machine(region="jioindiawest"),
        disk(),
        *flexible_disks(),
    ]


def sku(name: str = "Standard_D2s_v5", location: str = "westeurope", **capabilities: str | None) -> dict[str, Any]:
    """A size as the Resource SKUs API tells it, restricted for the subscription that asks; None removes a fact."""
    facts: dict[str, str | None] = {
        "MaxResourceVolumeMB": "0",
        "OSVhdSizeMB": "1047552",
        "vCPUs": "2",
        "HyperVGenerations": "V1,V2",
        "MemoryGB": "8",
        "MaxDataDiskCount": "4",
        "CpuArchitectureType": "x64",
        "PremiumIO": "True",
        "vCPUsAvailable": "2",
        "vCPUsPerCore": "2",
        "UncachedDiskIOPS": "3750",
        "UncachedDiskBytesPerSecond": "85000000",
        "AcceleratedNetworkingEnabled": "True",
        "MaxNetworkInterfaces": "2",
        **capabilities,
    }
    return {
        "resourceType": "virtualMachines",
        "name": name,
        "tier": "Standard",
        "size": name.removeprefix("Standard_"),
        "family": "standardDSv5Family",
        "kind": None,
        "capacity": None,
        "locations": [location],
        "locationInfo": [{"location": location, "zoneDetails": [], "zones": ["3", "1", "2"]}],
        "apiVersions": None,
        "costs": None,
        "capabilities": [{"name": key, "value": value} for key, value in facts.items() if value is not None],
        "restrictions": [
            {
                "type": "Location",
                "values": [location],
                "restrictionInfo": {"locations": [location], "zones": None},
                "reasonCode": "NotAvailableForSubscription",
            }
        ],
    }


def same_skus() -> list[dict[str, Any]]:
    """The sizes of the small test catalog where it lists them."""
    return [sku(), sku("Standard_D4s_v5", vCPUs="4", vCPUsAvailable="4", MemoryGB="16")]


@dataclass(frozen=True)
class Fault:
    """What a server does instead of answering: a status, a pause, a body that breaks off, a link to elsewhere."""

    status: int = 200
    retry_after: str | None = None
    seconds: float = 0
    body: bytes | None = None
    breaks_off: bool = False
    next_link: str | None = None


@dataclass
class AzureApi:
    """`faults` are played before the page of that answer and offset is given; `asked` logs the requests."""

    items: list[dict[str, Any]] = field(default_factory=same_prices)
    skus: list[dict[str, Any]] = field(default_factory=same_skus)
    page_size: int = 3
    url: str = ""
    faults: defaultdict[tuple[str, int], deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    asked: list[tuple[str, int]] = field(default_factory=list)
    asked_at: list[float] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    in_flight: int = 0
    most_in_flight: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def prices_url(self) -> str:
        return self.url + PRICES_PATH

    @property
    def skus_url(self) -> str:
        return f"{self.url}{SKUS_PATH}?api-version=2021-07-01"

    def fail(self, answer: str, offset: int, *faults: Fault) -> None:
        self.faults[answer, offset].extend(faults)

    def page(self, path: str, query: dict[str, list[str]]) -> tuple[str, int, dict[str, Any]]:
        """Name of the answer, offset, and the page there."""
        offset = int(query.get("$skip", ["0"])[0])
        if path == SKUS_PATH:
            link = self._link(path, query, offset, len(self.skus))
            return "skus", offset, {"value": self.skus[offset : offset + self.page_size], "nextLink": link}
        found = list(filtered(self.items, query["$filter"][0]))
        if query.get("api-version") != ["2023-01-01-preview"]:
            found = [{key: value for key, value in item.items() if key != "savingsPlan"} for item in found]
        answer = "disks" if "'Storage'" in query["$filter"][0] else "machines"
        items = found[offset : offset + self.page_size]
        envelope = {"BillingCurrency": "USD", "CustomerEntityId": "Default", "CustomerEntityType": "Retail"}
        link = self._link(path, query, offset, len(found))
        return answer, offset, {**envelope, "Items": items, "NextPageLink": link, "Count": len(items)}

    def _link(self, path: str, query: dict[str, list[str]], offset: int, count: int) -> str | None:
        """Absolute and, as the real one for prices, without the API version."""
        following = offset + self.page_size
        if following >= count:
            return None
        kept = {name: values[0] for name, values in query.items() if name != "api-version" or path == SKUS_PATH}
        return f"{self.url}{path}?{urlencode({**kept, '$skip': following})}"


def filtered(items: Sequence[dict[str, Any]], text: str) -> Iterator[dict[str, Any]]:
    """The items that an OData filter of `eq` lets through; values are case-sensitive."""
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for name, value in re.findall(r"(\w+) eq '([^']*)'", text):
        wanted[name].add(value)
    return (item for item in items if all(item[name] in values for name, values in wanted.items()))


def _handler(api: AzureApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with api.lock:
                api.in_flight += 1
                api.most_in_flight = max(api.most_in_flight, api.in_flight)
            try:
                self._answer()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                with api.lock:
                    api.in_flight -= 1

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            answer, offset, page = api.page(parts.path, parse_qs(parts.query))
            with api.lock:
                api.asked.append((answer, offset))
                api.asked_at.append(time.monotonic())
                api.tokens.add(self.headers.get("Authorization"))
                waiting = api.faults[answer, offset]
                fault = waiting.popleft() if waiting else Fault()
            time.sleep(fault.seconds)
            if fault.next_link is not None:
                page["NextPageLink"] = fault.next_link
            body = json.dumps(page).encode() if fault.body is None else fault.body
            self.send_response(fault.status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            if fault.retry_after is not None:
                self.send_header("Retry-After", fault.retry_after)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if fault.breaks_off else body)
            self.close_connection = fault.breaks_off

        def log_message(self, format: str, *args: Any) -> None:
            """The test reads `asked` instead."""

    return Handler


@contextmanager
def azure_api(**contents: Any) -> Iterator[AzureApi]:
    """A running server on the loopback address."""
    api = AzureApi(**contents)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
