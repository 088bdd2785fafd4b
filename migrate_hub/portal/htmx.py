"""Requests that htmx makes for a part of a page: how they are known, and how they lead the whole page elsewhere."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from migrate_hub.errors import DomainError


def is_htmx(request: HttpRequest) -> bool:
    """Whether the answer is for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def page_led_to(request: HttpRequest, url: str) -> HttpResponse:
    """A redirect; the answer to htmx leads the whole page: followed, it would put a page into a part of one."""
    if is_htmx(request):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def leading_the_page(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """A response as it is, but for a redirect that would answer htmx."""
    return page_led_to(request, response.url) if isinstance(response, HttpResponseRedirect) else response


def refusal_text(error: DomainError) -> HttpResponse:
    """The sentence alone: the page that asked shows it as a notice (live.js)."""
    return HttpResponse(error.detail, status=error.status, content_type="text/plain; charset=utf-8")
