"""Pages for what is refused or not there. They read nothing from the database, so they always render."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from migrate_hub.errors import DomainError

TITLES = {
    403: "Your role does not allow this",
    405: "This page cannot do that",
    409: "That is not possible now",
    413: "That is too large",
    429: "Too many attempts",
    503: "Temporarily unavailable",
}


def error_page(*, status: int, title: str, detail: str) -> HttpResponse:
    html = render_to_string("portal/error.html", {"status": status, "title": title, "detail": detail})
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
        detail="Nothing was changed. Go back, reload the page and send the form again. "
        "If this happens each time, allow cookies for this site.",
    )
