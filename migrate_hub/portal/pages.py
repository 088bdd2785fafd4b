"""Pages of the portal."""

from django.http import HttpRequest, HttpResponse


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return HttpResponse("The form is out of date. Go back, reload the page and send it again.", status=403)
