"""Pages for what is refused or not there. They read nothing from the database, so they always render."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme

from migrate_hub.errors import DomainError

TITLES = {
    403: "Your role does not allow this",
    405: "This page cannot do that",
    409: "That is not possible now",
    413: "That is too large",
    429: "Too many attempts",
    503: "Temporarily unavailable",
}


def error_page(*, status: int, title: str, detail: str, again: str = "") -> HttpResponse:
    """`again` is the path of a page to open anew, where that helps."""
    context = {"status": status, "title": title, "detail": detail, "again": again}
    html = render_to_string("portal/error.html", context)
    return HttpResponse(html, status=status)


def refusal_page(error: DomainError) -> HttpResponse:
    """The page for a refusal that no form can show."""
    title = TITLES.get(error.status, "That did not work")
    response = error_page(status=error.status, title=title, detail=error.detail)
    if error.retry_after_seconds is not None:
        response["Retry-After"] = str(error.retry_after_seconds)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """For a form that was opened before its sender signed in anew, or without cookies."""
    return error_page(
        status=403,
        title="The form is out of date",
        detail="Nothing was changed. It was opened before you signed in or out in another window: open the page again "
        "and send the form once more. If this happens each time, allow cookies for this site.",
        again=_page_of_form(request),
    )


def _page_of_form(request: HttpRequest) -> str:
    """The page that a sent form stood on, where the browser tells."""
    referrer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referrer, {request.get_host()}):
        return request.path
    parts = urlsplit(referrer)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
