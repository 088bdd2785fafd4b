"""A person's tenants: chosen where there are few, and for a provider how each of them is.

The glances are taken one tenant at a time inside that tenant, kept for a minute, and taken in pieces: each answer takes
as many as fit its time, and its section asks for the next until every tenant was looked at.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import structlog
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from redis.exceptions import RedisError

from assessments.glance import Glance, glance
from migrate_hub.portal.access import SESSION_TENANT, PersonView, memberships_of, not_open_yet
from migrate_hub.portal.sign_in import asked_next, next_page
from migrate_hub.tenants.models import Membership
from migrate_hub.tenants.row_level_security import tenant_context

log = structlog.get_logger(__name__)
MAX_TENANTS = 1000
ROWS_A_PAGE = 50
FRESH = timedelta(minutes=1)
KEPT_SECONDS = 900
# One answer takes glances for so long; at least one, so that a slow tenant does not hold up the round for ever.
SECONDS_AN_ANSWER = 0.12
ORDERS = {"attention": "Needs attention", "name": "Name", "machines": "Machines", "last_data": "Last data"}
# Code of a glance, how it looks, what it is called; the worst first.
APPLIANCES = (
    ("silent", "bad", "silent"),
    ("failing", "bad", "failing"),
    ("late", "warn", "late"),
    ("never_registered", "", "not enrolled"),
    ("ok", "", "well"),
)
ASSESSMENTS = (
    ("failed", "bad", "failed"),
    ("out_of_sync", "warn", "out of sync"),
    ("outdated", "warn", "outdated"),
    ("unfinished", "", "in the first run"),
    ("not_compared", "", "not compared"),
    ("current", "", "current"),
)
URGENCY = {"broken": 0, "aging": 1, "none": 2}
# A tenant that could not be looked at: shown as such, and looked at again after a minute like the others.
UNREADABLE = Glance()


@dataclass(frozen=True)
class Seen:
    """What a glance showed, and when; `readable` is False where it took too long."""

    glance: Glance
    at: datetime
    readable: bool = True


@dataclass(frozen=True)
class Customer:
    """One row: a membership and what was last seen of its tenant."""

    membership: Membership
    seen: Seen | None
    is_open: bool = True

    @property
    def name(self) -> str:
        return self.membership.tenant.name

    @property
    def appliances(self) -> list[tuple[str, int, str]]:
        return _told(self.seen.glance.appliances, APPLIANCES) if self.seen else []

    @property
    def assessments(self) -> list[tuple[str, int, str]]:
        return _told(self.seen.glance.assessments, ASSESSMENTS) if self.seen else []


def _told(counts: Mapping[str, int], names: Iterable[tuple[str, str, str]]) -> list[tuple[str, int, str]]:
    """How each looks, how many there are, and what they are called; those that there are."""
    return [(look, counts[code], text) for code, look, text in names if counts.get(code)]


# Each tenant is entered in a transaction of its own, not in one of the whole request.
@method_decorator([never_cache, transaction.non_atomic_requests], name="dispatch")
class TenantsView(PersonView):
    """The tenants of a person; a sent form opens one of them."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, status=200)

    def post(self, request: HttpRequest) -> HttpResponse:
        asked = request.POST.get("tenant", "")
        for membership in memberships_of(request):
            if str(membership.tenant.public_id) == asked:
                request.session[SESSION_TENANT] = asked
                return redirect(next_page(request.POST))
        return self._page(request, status=404)

    def _page(self, request: HttpRequest, *, status: int) -> HttpResponse:
        several = memberships_of(request).count() > 1
        template = "portal/overview.html" if several else "portal/tenants.html"
        context = overview_of(request) if several else {"memberships": memberships_of(request)}
        return render(request, template, {**context, **_frame(request)}, status=status)


@method_decorator([never_cache, transaction.non_atomic_requests], name="dispatch")
class OverviewPartView(PersonView):
    """The list alone, with the glances that were taken meanwhile."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "portal/parts/customers.html", {**overview_of(request), **_frame(request)})


def _frame(request: HttpRequest) -> dict[str, Any]:
    return {"chosen": request.session.get(SESSION_TENANT), "next": asked_next(request)}


def overview_of(request: HttpRequest) -> dict[str, Any]:
    """What the list shows: the customers that match, in the order asked for, and how many were not looked at yet."""
    now, text = timezone.now(), request.GET.get("q", "").replace("\0", "").strip()[:200]
    order = request.GET.get("sort", "") if request.GET.get("sort") in ORDERS else "attention"
    matching = memberships_of(request).filter(tenant__name__icontains=text) if text else memberships_of(request)
    memberships = list(matching.order_by("tenant__name")[:MAX_TENANTS])
    since = _round_began(request, now)
    closed = not_open_yet(request, memberships)
    opened = [each for each in memberships if each.tenant_id not in closed]
    seen, waiting = look_at(opened, now, fresh_from=since - FRESH)
    customers = sorted(
        (Customer(each, seen.get(each.tenant_id), each.tenant_id not in closed) for each in memberships),
        key=_key(order),
    )
    number = _page_number(request, len(customers))
    return {
        "customers": customers[(number - 1) * ROWS_A_PAGE : number * ROWS_A_PAGE],
        "count": len(customers),
        "waiting": waiting,
        "q": text,
        "order": order,
        "orders": ORDERS,
        "totals": _totals([customer.seen.glance for customer in customers if customer.seen]),
        "here": _link(request, number),
        "since": int(since.timestamp()),
        "links": {
            "previous_link": _link(request, number - 1) if number > 1 else "",
            "next_link": _link(request, number + 1) if number * ROWS_A_PAGE < len(customers) else "",
        },
    }


def _round_began(request: HttpRequest, now: datetime) -> datetime:
    """When the page was opened whose list fills: what was looked at since is not looked at again, so it ends."""
    asked = request.GET.get("since", "")
    if not asked.isdecimal() or len(asked) > 10:
        return now
    return min(max(datetime.fromtimestamp(int(asked), UTC), now - timedelta(seconds=KEPT_SECONDS)), now)


def look_at(memberships: Sequence[Membership], now: datetime, *, fresh_from: datetime) -> tuple[dict[int, Seen], int]:
    """What is known of these tenants, some of it looked at just now; and how many are still to be looked at.

    What was seen before `fresh_from` is looked at again.
    """
    known, has_cache = _remembered([membership.tenant_id for membership in memberships])
    due = [m.tenant_id for m in memberships if m.tenant_id not in known or known[m.tenant_id].at < fresh_from]
    # Those that were never looked at come first, then the oldest.
    due.sort(key=lambda tenant_id: known[tenant_id].at.timestamp() if tenant_id in known else 0)
    fresh: dict[int, Seen] = {}
    until = time.monotonic() + SECONDS_AN_ANSWER
    for tenant_id in due:
        fresh[tenant_id] = _look(tenant_id, now)
        if time.monotonic() >= until:
            break
    _remember(fresh)
    # Without a cache nothing that was seen is known by the next answer, so no further one is asked for.
    return {**known, **fresh}, len(due) - len(fresh) if has_cache else 0


def _look(tenant_id: int, now: datetime) -> Seen:
    try:
        with tenant_context(tenant_id):
            return Seen(glance(now), now)
    except DatabaseError:
        log.warning("glance_failed", tenant=tenant_id)
        return Seen(UNREADABLE, now, readable=False)


def _cache_key(tenant_id: int) -> str:
    return f"glance:{tenant_id}"


def _remembered(tenant_ids: Sequence[int]) -> tuple[dict[int, Seen], bool]:
    """The glances that are kept, all of them in one call; and whether there is a place to keep them."""
    try:
        kept = cache.get_many([_cache_key(tenant_id) for tenant_id in tenant_ids])
    except (RedisError, OSError):
        return {}, False
    return {tenant_id: kept[key] for tenant_id in tenant_ids if (key := _cache_key(tenant_id)) in kept}, True


def _remember(seen: dict[int, Seen]) -> None:
    try:
        cache.set_many({_cache_key(tenant_id): one for tenant_id, one in seen.items()}, KEPT_SECONDS)
    except (RedisError, OSError):
        log.warning("glances_not_kept")


def _key(order: str) -> Any:
    """A sort key of customers; what was not looked at yet comes last, equals stand by name."""

    def by_name(customer: Customer) -> tuple[Any, ...]:
        return (customer.name.lower(),)

    def by_attention(customer: Customer) -> tuple[Any, ...]:
        if customer.seen is None:
            return (4, 0, customer.name.lower())
        seen = customer.seen.glance
        urgency = URGENCY[seen.attention] if customer.seen.readable else 3
        return (urgency, -(seen.broken or seen.aging), customer.name.lower())

    def by_machines(customer: Customer) -> tuple[Any, ...]:
        return (-customer.seen.glance.machines if customer.seen else 1, customer.name.lower())

    def by_last_data(customer: Customer) -> tuple[Any, ...]:
        at = customer.seen.glance.last_data_at if customer.seen else None
        return (customer.seen is None, at is None, at.timestamp() if at else 0, customer.name.lower())

    return {"name": by_name, "machines": by_machines, "last_data": by_last_data}.get(order, by_attention)


def _totals(glances: Sequence[Glance]) -> dict[str, int]:
    """Over the customers that were looked at."""
    return {
        "broken": sum(seen.attention == "broken" for seen in glances),
        "aging": sum(seen.attention == "aging" for seen in glances),
        "running": sum(seen.running for seen in glances),
        "machines": sum(seen.machines for seen in glances),
    }


def _page_number(request: HttpRequest, count: int) -> int:
    asked = request.GET.get("page", "1")
    last = max(1, -(-count // ROWS_A_PAGE))
    return min(max(int(asked), 1), last) if asked.isdecimal() and len(asked) <= 4 else 1


def _link(request: HttpRequest, number: int) -> str:
    kept = {name: request.GET[name] for name in ("q", "sort", "next") if request.GET.get(name)}
    return "?" + urlencode({**kept, **({"page": number} if number > 1 else {})})
