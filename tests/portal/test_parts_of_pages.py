"""What htmx is answered: fragments, and for whatever leads elsewhere the way there for the whole page."""

import pytest

from tests.portal.browsing import Browser, address, somebody, text_of
from tests.portal.conftest import Site

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/projects/?search=a%26b"}
NEXT = "/sign-in/?next=%2Fprojects%2F%3Fsearch%3Da%2526b"


def test_a_stale_tab_is_led_to_sign_in_and_back_to_the_page_it_shows(site: Site) -> None:
    path = address("portal:assessment-state", *site.ids("project", "assessment"))
    answer = Browser().client.get(path, headers=HTMX)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, NEXT)
    assert answer.content == b""


def test_a_page_of_another_site_is_no_way_back(site: Site) -> None:
    path = address("portal:home")
    answer = Browser().client.get(path, headers={**HTMX, "HX-Current-URL": "https://evil.example/projects/"})
    assert answer["HX-Redirect"] == "/sign-in/?next=%2F"


def test_a_sent_form_of_a_stale_tab_leads_back_to_its_page_with_its_query(site: Site) -> None:
    referrer = "http://testserver/projects/?search=a"
    answer = Browser().client.post(address("portal:home"), headers={"Referer": referrer})
    assert answer["Location"] == "/sign-in/?next=%2Fprojects%2F%3Fsearch%3Da"


def test_a_form_sent_by_htmx_leads_the_whole_page_to_what_it_made() -> None:
    owner = Browser(somebody())
    fields = {"name": "by htmx", "target_region": "westeurope", "currency": "USD"}
    answer = owner.client.post(address("portal:new-project"), fields, headers=HTMX)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "by htmx" in owner.see(answer["HX-Redirect"])


def test_a_refusal_is_a_sentence_and_not_a_page_in_a_page(site: Site) -> None:
    answer = site.rita.client.post(address("portal:cancel", *site.ids("project", "assessment")), headers=HTMX)
    assert (answer.status_code, answer["Content-Type"]) == (403, "text/plain; charset=utf-8")
    assert text_of(answer).startswith("This needs the role contributor.")


@pytest.mark.parametrize("name", ["assessment-state", "import-state"])
def test_what_is_finished_is_not_asked_for_again(name: str, site: Site) -> None:
    ids = site.ids("project", "assessment" if name == "assessment-state" else "file_import")
    answer = site.alice.client.get(address(f"portal:{name}", *ids), headers=HTMX)
    assert "hx-trigger" not in answer.content.decode()


def test_the_page_of_an_assessment_is_shown_anew_when_its_run_has_ended(site: Site) -> None:
    path = address("portal:assessment-state", *site.ids("project", "assessment"))
    assert site.alice.client.get(path, headers=HTMX)["HX-Refresh"] == "true"
    assert "HX-Refresh" not in site.alice.client.get(path)
