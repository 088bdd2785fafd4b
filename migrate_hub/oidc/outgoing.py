"""Requests to addresses that a tenant's owner chose: checked, bounded in time and size, and led nowhere else.

The name is resolved once and the checked address is connected to, so that a second answer of the name server cannot
lead elsewhere. Redirects are not followed, proxies of the environment are not used.
"""

import asyncio
import ipaddress
import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import certifi
import httpx
from django.conf import settings

MAX_BYTES = 512 * 1024
TOTAL_SECONDS = 8
STEP_SECONDS = 4
# One process asks issuers for at most so many requests at a time: slow ones do not take every place of the server.
AT_A_TIME = 4
# Of these, so many for one tenant: an owner whose issuer is slow on purpose keeps nobody else from signing in.
AT_A_TIME_OF_A_TENANT = 2
_places = threading.BoundedSemaphore(AT_A_TIME)
_taken: Counter[int] = Counter()
_changed = threading.Condition()

# Where clouds tell machines their credentials, outside of the link-local network: AWS, Alibaba, Azure, Oracle.
METADATA = frozenset(
    ipaddress.ip_address(text) for text in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class IssuerError(Exception):
    """The issuer cannot be used now or as configured; the text tells people what was wrong."""


class BusyError(IssuerError):
    """The issuer was not asked at all: others are being asked."""


def fetch_json(
    url: str,
    *,
    tenant_id: int,
    form: Mapping[str, str] | None = None,
    basic: tuple[str, str] | None = None,
    statuses: frozenset[int] = frozenset({200}),
) -> dict[str, Any]:
    """The JSON object at `url`, for this tenant, by GET or, with a form, by POST; raises IssuerError."""
    with place(tenant_id):
        return asyncio.run(_fetch_in_time(url, form, basic, statuses))


@contextmanager
def place(tenant_id: int) -> Iterator[None]:
    """One of the places of this process, and of this tenant, for requests; raises BusyError when none is free."""
    with _place_of(tenant_id):
        if not _places.acquire(timeout=STEP_SECONDS):
            raise _busy()
        try:
            yield
        finally:
            _places.release()


@contextmanager
def _place_of(tenant_id: int) -> Iterator[None]:
    with _changed:
        if not _changed.wait_for(lambda: _taken[tenant_id] < AT_A_TIME_OF_A_TENANT, timeout=STEP_SECONDS):
            raise _busy()
        _taken[tenant_id] += 1
    try:
        yield
    finally:
        with _changed:
            _taken[tenant_id] -= 1
            if not _taken[tenant_id]:
                del _taken[tenant_id]
            _changed.notify_all()


def _busy() -> BusyError:
    return BusyError("Too many people sign in at companies that answer slowly. Try again in a minute.")


async def _fetch_in_time(
    url: str, form: Mapping[str, str] | None, basic: tuple[str, str] | None, statuses: frozenset[int]
) -> dict[str, Any]:
    where = urlsplit(url).hostname or "the issuer"
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            status, body = await _fetch(url, form, basic)
    except TimeoutError:
        raise IssuerError(f"{where} did not answer within {TOTAL_SECONDS} seconds.") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError):
        raise IssuerError(f"{where} could not be reached.") from None
    if status not in statuses:
        raise IssuerError(f"{where} answered with the status {status}.")
    return _object_in(body, where)


def _object_in(body: bytes, where: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise IssuerError(f"{where} did not answer with a JSON object.")
    return found


async def _fetch(url: str, form: Mapping[str, str] | None, basic: tuple[str, str] | None) -> tuple[int, bytes]:
    parsed = httpx.URL(refuse_unsafe_url(url))
    address = await _checked_address(parsed.host, parsed.port or (443 if parsed.scheme == "https" else 80))
    # Uncompressed: what is counted is what is held.
    headers = {"Host": parsed.netloc.decode(), "Accept": "application/json", "Accept-Encoding": "identity"}
    async with httpx.AsyncClient(verify=_trust(), trust_env=False, timeout=STEP_SECONDS) as client:
        request = client.build_request(
            "GET" if form is None else "POST",
            parsed.copy_with(host=str(address)),
            headers=headers,
            data=dict(form) if form is not None else None,
            extensions={"sni_hostname": parsed.host},
        )
        auth = httpx.BasicAuth(*basic) if basic else None
        response = await client.send(request, auth=auth, stream=True, follow_redirects=False)
        try:
            return response.status_code, await _bounded(response)
        finally:
            await response.aclose()


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise IssuerError(f"The issuer's answer is larger than {MAX_BYTES // 1024} KB.")
    return bytes(body)


def refuse_unsafe_url(url: str) -> str:
    """An address that may be asked: https, or http to this machine in the embedded mode. Raises IssuerError."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise IssuerError("The address is not a URL.") from None
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise IssuerError("The address must be a URL with a host and without a user or a fragment.")
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.PLAIN_HTTP and _is_loopback_name(host)):
        raise IssuerError("The address must begin with https://.")
    return url


def _is_loopback_name(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _checked_address(host: str, port: int) -> Address:
    """The address to connect to: every address of the name must be one that may be asked."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    if not addresses or not all(may_be_asked(address) for address in addresses):
        raise IssuerError(
            f"{host} is an address inside this network. The operators can allow that with OIDC_ALLOW_PRIVATE_ISSUERS."
        )
    return addresses[0]


def may_be_asked(address: Address) -> bool:
    """Public addresses; private ones where the operators allow them; this machine in the embedded mode only.

    Never link-local ones, at which clouds hand out credentials, nor multicast and reserved ones.
    """
    inner = _ipv4_inside(address)
    if inner is not None:
        return may_be_asked(inner)
    if address.is_loopback:
        return bool(settings.PLAIN_HTTP)
    if (
        address in METADATA
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
    ):
        return False
    return address.is_global or bool(settings.OIDC_ALLOW_PRIVATE_ISSUERS)


def _ipv4_inside(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address to which an IPv6 one leads in the end: mapped, 6to4, or NAT64 (RFC 6052)."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _trust() -> ssl.SSLContext:
    """The system's authorities (SSL_CERT_FILE adds a company's own) and the bundled ones."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
