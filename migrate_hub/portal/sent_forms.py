"""A form that is sent twice is done once: by a double click, a browser that tries again, a page that is gone back to.

The hidden key of each form (parts/guard.html) is new whenever its page is rendered. Two posts at once meet at the
unique row: the second waits for the first, and is then led to where the first one went.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils import timezone

from migrate_hub.jobs.each_tenant import each_tenant
from migrate_hub.jobs.tasks import every_hour
from migrate_hub.portal.htmx import is_htmx
from migrate_hub.portal.models import MAX_LOCATION, SentForm
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context

FORM_KEY = "form_key"
KEPT = timedelta(days=1)
# New with each form or of no meaning to what is done.
NOT_FILLED_IN = ("csrfmiddlewaretoken",)
SENT_TWICE = "This was sent twice and done once. What the first answer showed is shown that one time only."


def answered_once(
    request: HttpRequest, user_id: UUID, answer: Callable[[], HttpResponseBase], *, otherwise: str
) -> HttpResponseBase:
    """The answer to a request; to a form that was sent before, the way to where it led then, or `otherwise`.

    Remembered is what did something: a redirect, 201 (with a Location where there is a page of what was made), or the
    redirects of htmx. A form that comes back with its mistakes, or a preview, may be sent again as it is.
    """
    if FORM_KEY not in request.POST:
        return answer()
    digest = digest_of(request)
    form = _remembered(user_id, digest)
    if form is None:
        return _led_there(request, SentForm.objects.get(user_id=user_id, digest=digest).location, otherwise)
    response = answer()
    if not transaction.get_rollback():
        _remember(form, response)
    return response


def _remember(form: SentForm, response: HttpResponseBase) -> None:
    if response.status_code == 201 or 300 <= response.status_code < 400 or "HX-Redirect" in response:
        form.location = (response.get("Location") or response.get("HX-Redirect", ""))[:MAX_LOCATION]
        form.save(update_fields=["location"])
    else:
        form.delete()


def digest_of(request: HttpRequest) -> bytes:
    """What the request asks for. Another button of the same form, or another value, is another request."""
    fields = [(name, values) for name, values in sorted(request.POST.lists()) if name not in NOT_FILLED_IN]
    files = [(name, file.name, file.size) for name, found in sorted(request.FILES.lists()) for file in found]
    return hashlib.sha256(repr((request.path, fields, files)).encode()).digest()


def _remembered(user_id: UUID, digest: bytes) -> SentForm | None:
    """The row that this request wrote; None when another one had. Waits for one that is about to."""
    try:
        with transaction.atomic():
            form: SentForm = SentForm.objects.create(user_id=user_id, digest=digest)
    except IntegrityError:
        return None
    return form


def _led_there(request: HttpRequest, location: str, otherwise: str) -> HttpResponseBase:
    if is_htmx(request) and not location:
        return HttpResponse(status=204)
    if not location:
        messages.info(request, SENT_TWICE)
    return HttpResponseRedirect(location or otherwise)


@every_hour
def forget_sent_forms() -> None:
    """Nobody sends a form again that they opened the day before."""
    old = timezone.now() - KEPT

    def forget(tenant: Tenant) -> None:
        with tenant_context(tenant.id):
            SentForm.objects.filter(sent_at__lt=old).delete()

    each_tenant(forget)
