"""Every URL of the portal: who may open it, who may post to it, what a stranger and a signed-out person see."""

import re
from html.parser import HTMLParser
from uuid import uuid4

import pytest
from django.urls import URLPattern

from migrate_hub.portal.access import PortalView
from migrate_hub.portal.urls import urlpatterns
from tests import make
from tests.portal.browsing import Browser, sign_in
from tests.portal.conftest import Site

# Outside of any tenant: they check for themselves who asks.
WITHOUT_A_TENANT = {
    "sign-in", "sign-out", "tenants", "tenants-part", "favicon", "company-sign-in", "tenant-sign-in",
    "tenant-sign-in-return",
    "second-step", "recovery-code", "forgotten-password", "reset-password", "invitation",
}  # fmt: skip
# A reader may do this: it concerns the reader alone.
OPEN_TO_READERS = {
    "inventory-table", "account", "account-name", "end-sessions", "second-factor", "second-factor-off",
    "recovery-codes", "tokens", "revoke-token",
}  # fmt: skip
# Where forms of readers may lead.
THEIR_OWN = ("/sign-out/", "/machines/columns/")
# Answer with the file or only to forms, so they are no pages to look at.
NO_PAGES = {
    "report-template-logo", "report-template-workbook", "delete-report-template",
    "download-report", "cancel-report", "revoke-report-links", "revoke-report-link", "member", "revoke-token",
    "appliance-key", "revoke-appliance", "confirm-snapshot",
    "delete-group", "recalculate", "cancel", "delete-assessment", "delete-report", "confirm-import", "cancel-import",
    "undo-import", "import-errors", "cancel-job", "remove-company-sign-in", "preview-assessment", "preview-settings",
    "inventory-table", "machines-export", "machine-chart", "copy-group", "convert-group", "rejected-export",
    "cancel-grid", "sensitivity-curves", "compare-report", "price-sheet-template", "delete-price-sheet",
    "account-name", "end-sessions", "require-second-factor", "revoke-invitation",
}  # fmt: skip

# Global facts, the same for everybody.
PUBLIC_FACTS = {"catalog", "price-changes"}

PATTERNS = {str(pattern.name): pattern for pattern in urlpatterns if isinstance(pattern, URLPattern)}
OF_A_TENANT = sorted(set(PATTERNS) - WITHOUT_A_TENANT)
WITH_IDS = sorted(name for name in OF_A_TENANT if "<" in str(PATTERNS[name].pattern))
PAGES = sorted(set(OF_A_TENANT) - NO_PAGES)


def view_of(name: str) -> type[PortalView]:
    return PATTERNS[name].callback.view_class  # type: ignore[no-any-return, attr-defined]


def path_of(name: str, site: Site, *, absent: bool = False) -> str:
    """The page's path with the estate's ids; `absent` puts an id of nothing in place of each."""
    route = "/" + str(PATTERNS[name].pattern)
    return re.sub(r"<str:(\w+)>", lambda part: str(uuid4()) if absent else site.estate.ids[part[1]], route)


def test_every_page_of_a_tenant_stands_behind_the_one_choke_point() -> None:
    assert {name for name in OF_A_TENANT if not issubclass(view_of(name), PortalView)} == set()


@pytest.mark.parametrize("name", sorted(set(WITH_IDS) - PUBLIC_FACTS))
def test_a_stranger_sees_the_same_page_as_for_what_is_not_there(name: str, site: Site, charlie: Browser) -> None:
    theirs, absent = (charlie.get(path_of(name, site, absent=absent)) for absent in (False, True))
    assert theirs.status_code in (404, 405)
    assert theirs.content == absent.content
    posted = charlie.post(path_of(name, site), name="taken over")
    assert posted.status_code in (404, 405)


@pytest.fixture(scope="module")
def charlie() -> Browser:
    """An owner, of another tenant."""
    return sign_in(make.cast())


@pytest.mark.parametrize("name", OF_A_TENANT)
def test_a_signed_out_person_is_led_to_sign_in(name: str, site: Site) -> None:
    for response in (Browser().get(path_of(name, site)), Browser().post(path_of(name, site))):
        assert response.status_code == 302
        assert response.url.startswith("/sign-in/?next=")


@pytest.mark.parametrize("name", sorted(set(OF_A_TENANT) - OPEN_TO_READERS))
def test_a_reader_changes_nothing(name: str, site: Site) -> None:
    response = site.rita.post(path_of(name, site), name="changed", do="remove")
    if hasattr(view_of(name), "post"):
        assert response.status_code == 403
    else:
        assert response.status_code in (403, 405)


class Look(HTMLParser):
    """What a page would do in a browser: the buttons, what it loads, and what a strict policy would refuse."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[str] = []
        self.loads: list[str] = []
        self.inline: list[str] = []
        self.labels: set[str] = set()
        self.controls: dict[str, dict[str, str | None]] = {}
        self.headings = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.inline += [name for name in attributes if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and not attributes.get("src")):
            self.inline.append(tag)
        self.loads += [str(attributes[name]) for name in ("src", "href", "action") if attributes.get(name)]
        if tag == "form" and attributes.get("method") == "post":
            self.forms.append(str(attributes.get("action", "")))
        if tag == "label" and attributes.get("for"):
            self.labels.add(str(attributes["for"]))
        hidden = "hidden" in attributes or attributes.get("type") in ("hidden", "checkbox", "radio")
        if tag in ("input", "select", "textarea") and not hidden:
            self.controls[str(attributes.get("id"))] = attributes
        self.headings += tag == "h1"


@pytest.mark.parametrize("name", PAGES)
def test_every_page_renders_for_an_owner_within_a_strict_policy(name: str, site: Site) -> None:
    response = site.alice.get(path_of(name, site))
    assert response.status_code == 200
    html = response.content.decode()
    look = Look(html)
    assert look.inline == []
    assert [target for target in look.loads if re.match(r"(https?:)?//", target)] == []
    assert set(look.controls) <= look.labels
    assert look.headings == (0 if html.startswith(("<section", "\n<section")) else 1)
    assert "csrfmiddlewaretoken" in html or not look.forms


@pytest.mark.parametrize("name", sorted(set(PAGES) - OPEN_TO_READERS - {"account"}))
def test_a_reader_is_offered_no_form_that_changes_something(name: str, site: Site) -> None:
    response = site.rita.get(path_of(name, site))
    if view_of(name).reads_need == "reader":
        assert response.status_code == 200
        forms = Look(response.content.decode()).forms
        assert [form for form in forms if not form.endswith(THEIR_OWN)] == []
    else:
        assert response.status_code == 403
