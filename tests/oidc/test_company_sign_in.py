"""Signing in at one's company: who comes in, what is refused, and how far the session reaches."""

import time
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import cache

from migrate_hub.oidc.configuring import domain_key
from migrate_hub.oidc.models import DomainRoute, Identity
from migrate_hub.oidc.outgoing import AT_A_TIME, AT_A_TIME_OF_A_TENANT, BusyError, place
from migrate_hub.tenants.models import Membership, Role, Tenant, User
from migrate_hub.tenants.people import add_member, remove_member, set_membership
from migrate_hub.tenants.recovery import reset_link, set_password
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.oidc.conftest import Company, query_of
from tests.oidc.provider import provider_running
from tests.portal.browsing import Browser, give_password, sign_in, text_of


def add(tenant: Tenant, email: str, role: Role = Role.READER) -> Membership:
    with tenant_context(tenant.id):
        return add_member(tenant=tenant, email=email, role=role)


def refused(response: Any, status: int, words: str) -> None:
    assert response.status_code == status, text_of(response)
    assert words in text_of(response)


# --- who comes in ---------------------------------------------------------------------------------------------------


def test_somebody_whom_the_company_knows_becomes_a_reader_and_comes_in(company: Company) -> None:
    email = company.somebody()
    browser = company.enter()
    assert company.cast.tenant.name in browser.see("portal:home")
    assert Membership.objects.get(tenant=company.cast.tenant, user__email=email).role == Role.READER


def test_a_member_keeps_the_role_that_the_tenant_gave(company: Company) -> None:
    add(company.cast.tenant, company.provider.person.email, Role.CONTRIBUTOR)
    assert company.enter().get("portal:new-project").status_code == 200


def test_a_person_is_known_by_the_issuers_subject_also_under_another_address(company: Company) -> None:
    email = company.somebody()
    company.enter()
    company.provider.person.email = f"married-{email}"
    company.enter()
    assert not User.objects.filter(email=f"married-{email}").exists()
    with tenant_context(company.cast.tenant.id):
        assert Identity.objects.get().user.email == email


def test_only_known_people_come_in_where_the_owner_says_so(company: Company) -> None:
    company.configure(newcomers="refused")
    email = company.somebody()
    refused(company.sign_in(), 403, "Ask one of its owners to add you.")
    assert not User.objects.filter(email=email).exists()
    add(company.cast.tenant, email)
    company.enter()


def test_an_invitation_counts_without_its_link_once_the_company_vouches_for_the_address(company: Company) -> None:
    company.configure(newcomers="refused")
    email = company.somebody()
    owner = company.cast.alice
    owner.ok(owner.post("invitations/", {"email": email, "role": "contributor"}), 201)
    company.enter()
    assert Membership.objects.get(tenant=company.cast.tenant, user__email=email).role == Role.CONTRIBUTOR


def test_who_was_removed_stays_out_although_newcomers_come_in(company: Company) -> None:
    company.enter()
    with tenant_context(company.cast.tenant.id):
        email = company.provider.person.email
        remove_member(Membership.objects.get(tenant=company.cast.tenant, user__email=email))
    refused(company.sign_in(), 403, "not a member of this tenant any more")


def test_who_was_removed_before_ever_coming_through_the_company_stays_out(company: Company) -> None:
    tenant, email = company.cast.tenant, company.provider.person.email
    member = add(tenant, email, Role.CONTRIBUTOR)
    with tenant_context(tenant.id):
        remove_member(member)
    refused(company.sign_in(), 403, "not a member of this tenant any more")
    assert not Membership.objects.filter(tenant=tenant, user__email=email).exists()


@pytest.mark.parametrize("by_link", [False, True])
def test_who_was_removed_comes_in_again_once_an_owner_says_so(by_link: bool, company: Company) -> None:
    tenant, email, owner = company.cast.tenant, company.provider.person.email, company.cast.alice
    for _ in range(2):
        member = add(tenant, email)
        with tenant_context(tenant.id):
            remove_member(member)
    refused(company.sign_in(), 403, "not a member of this tenant any more")
    path = "invitations/" if by_link else "members/"
    owner.ok(owner.post(path, {"email": email, "role": "contributor"}), 201)
    company.enter()
    assert Membership.objects.get(tenant=tenant, user__email=email).role == Role.CONTRIBUTOR


def test_an_account_that_operators_switched_off_stays_out(company: Company) -> None:
    company.enter()
    User.objects.filter(email=company.provider.person.email).update(is_active=False)
    refused(company.sign_in(), 403, "switched off")


def test_it_is_in_the_audit_trail(company: Company) -> None:
    email = company.somebody()
    company.enter()
    trail = sign_in(company.cast).see("portal:audit")
    assert email in trail
    assert "Came in by the company sign-in" in trail


def test_the_page_that_was_asked_for_opens_afterwards(company: Company) -> None:
    assert company.sign_in(query="?next=/account/").url == "/account/"
    assert company.sign_in(query="?next=https://evil.example/").url == "/"


# --- what is not believed -------------------------------------------------------------------------------------------

NOT_VERIFIED = "could not be verified"
WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "of-somebody-else"},
    "another audience": {"aud": "another-client"},
    "several audiences and none of them named": {"aud": ["migrate-hub", "another-client"]},
    "another authorized party": {"azp": "another-client"},
    "another issuer": {"iss": "https://issuer.example"},
    "expired": {"exp": int(time.time()) - 3600},
    "not yet valid": {"nbf": int(time.time()) + 3600},
    "a time that is no number": {"exp": "tomorrow"},
}


@pytest.mark.parametrize("wrong", WRONG_CLAIMS)
def test_a_token_of_somebody_else_or_another_time_is_not_believed(wrong: str, company: Company) -> None:
    company.provider.claims = WRONG_CLAIMS[wrong]
    refused(company.sign_in(), 502, NOT_VERIFIED)


@pytest.mark.parametrize("left_out", ["nonce", "aud", "exp", "iss", "iat", "sub"])
def test_a_token_must_say_what_it_is_judged_by(left_out: str, company: Company) -> None:
    company.provider.left_out = {left_out}
    refused(company.sign_in(), 502, NOT_VERIFIED)


@pytest.mark.parametrize("header", [{}, {"alg": "none"}, {"alg": "HS256"}, {"kid": "unknown"}])
def test_a_signature_by_another_key_is_not_believed(header: dict[str, str], company: Company) -> None:
    company.provider.forges, company.provider.header = True, header
    refused(company.sign_in(), 502, NOT_VERIFIED)


def test_a_key_that_the_issuer_has_just_changed_is_found(company: Company) -> None:
    company.enter()
    company.provider.key = rsa.generate_private_key(65537, 2048)
    company.enter()


@pytest.mark.parametrize("verified", [False, None, "false", 0, "no"])
def test_an_address_that_nobody_verified_does_not_come_in(verified: Any, company: Company) -> None:
    company.provider.person.email_verified = verified
    refused(company.sign_in(), 403, "verified")


def test_entra_vouches_for_an_address_by_another_claim(company: Company) -> None:
    company.provider.left_out, company.provider.claims = {"email_verified"}, {"xms_edov": True}
    company.enter()


@pytest.mark.parametrize("email", ["", "ada", "ada@", "a" * 300 + "@example.com"])
def test_what_is_no_address_does_not_come_in(email: str, company: Company) -> None:
    company.provider.person.email = email
    refused(company.sign_in(), 403, "address")


def test_an_address_of_a_domain_that_the_owner_did_not_name_does_not_come_in(company: Company) -> None:
    company.provider.person.email = f"ada@sub.{company.domain}"
    refused(company.sign_in(), 403, "may not enter this tenant")


def test_an_answer_counts_once(company: Company) -> None:
    browser = Browser()
    back = company.way_back(browser)
    assert browser.client.get(back).status_code == 302
    refused(browser.client.get(back), 400, "Start again")


def test_an_answer_counts_only_in_the_browser_that_asked(company: Company) -> None:
    back = company.way_back(Browser())
    refused(Browser().client.get(back), 400, "Start again")


def test_an_answer_counts_only_for_the_tenant_that_was_asked(company: Company) -> None:
    """Otherwise one issuer could pass another one's answer on as its own."""
    other = make.cast().tenant
    browser = Browser()
    back = company.way_back(browser).replace(str(company.cast.tenant.public_id), str(other.public_id))
    refused(browser.client.get(back), 400, "Start again")


def test_an_answer_that_names_another_issuer_is_refused(company: Company) -> None:
    browser = Browser()
    back = company.way_back(browser).partition("&iss=")[0] + "&iss=https%3A%2F%2Fissuer.example"
    refused(browser.client.get(back), 502, "another issuer")


def test_a_refusal_of_the_company_is_told_without_its_own_words(company: Company) -> None:
    browser = Browser()
    state = query_of(browser.client.get(company.address)["Location"])["state"]
    response = browser.client.get(
        f"{company.address}back/?state={state}&error=access_denied&error_description=<b>x</b>"
    )
    refused(response, 502, "It said access_denied.")
    assert "<b>x" not in response.content.decode()


def test_an_issuer_that_is_down_is_told_and_not_asked_again_at_once(company: Company) -> None:
    cache.clear()
    company.provider.is_down = True
    refused(Browser().client.get(company.address), 502, "answered with the status 503")
    asked = len(company.provider.requests)
    refused(Browser().client.get(company.address), 502, "did not answer a moment ago")
    assert len(company.provider.requests) == asked


def test_an_issuer_that_was_not_asked_because_of_others_does_not_count_as_away(company: Company) -> None:
    cache.clear()
    with ExitStack() as others:
        for other in range(AT_A_TIME):
            others.enter_context(place(-other))
        refused(Browser().client.get(company.address), 502, "Too many people")
    assert Browser().client.get(company.address).status_code == 302


def test_a_tenant_whose_issuer_is_slow_takes_its_own_places_and_nobody_elses(company: Company) -> None:
    cache.clear()
    with ExitStack() as others:
        for _ in range(AT_A_TIME_OF_A_TENANT):
            others.enter_context(place(-1))
        with pytest.raises(BusyError), place(-1):
            pass
        assert Browser().client.get(company.address).status_code == 302


def test_a_wrong_secret_is_told_to_the_person(company: Company) -> None:
    company.configure(client_secret="wrong")
    refused(company.sign_in(), 502, "invalid_client")


# --- how far the session reaches ------------------------------------------------------------------------------------


@pytest.fixture
def victim() -> make.Cast:
    """Another tenant, of whose owner the attacker knows the address."""
    return make.cast()


def attacked(company: Company, victim: make.Cast) -> Browser:
    """The owner of a tenant has an issuer of their own assert the address of another tenant's owner."""
    email = victim.emails["alice"]
    company.configure(email_domains=["example.com"])
    company.somebody()
    company.provider.person.email = email
    browser = company.enter()
    assert email in browser.see("portal:home")
    return browser


def test_an_issuer_that_asserts_somebody_elses_address_opens_only_its_own_tenant(
    company: Company, victim: make.Cast
) -> None:
    browser = attacked(company, victim)
    assert victim.tenant.name not in browser.see("portal:tenants")
    assert browser.post("portal:tenants", tenant=victim.tenant.public_id).status_code == 404
    assert company.cast.tenant.name in browser.see("portal:home")


def test_such_a_session_reads_nothing_of_the_other_tenant(company: Company, victim: make.Cast) -> None:
    project = make.project(victim.alice)
    browser = attacked(company, victim)
    assert browser.get("portal:project", project).status_code == 404
    assert victim.tenant.name not in browser.get("portal:tenants-part").content.decode()


def test_such_a_session_cannot_change_the_account(company: Company, victim: make.Cast) -> None:
    browser = attacked(company, victim)
    refused(browser.get("portal:account"), 403, "sign in with your password")
    new = "another-horse-battery-9"
    body: dict[str, Any] = {"old_password": make.PASSWORD, "new_password1": new, "new_password2": new}
    assert browser.post("portal:account", **body).status_code == 403
    assert sign_in(victim).get("portal:tenants").status_code == 200


def test_such_a_session_is_no_operators(company: Company, victim: make.Cast) -> None:
    User.objects.filter(email=victim.emails["alice"]).update(is_staff=True, is_superuser=True)
    browser = attacked(company, victim)
    assert browser.get("/admin/").status_code in (302, 403)
    assert browser.get("/admin/tenants/tenant/", follow=True).status_code == 403


def test_such_a_session_ends_no_link_for_a_new_password(company: Company, victim: make.Cast) -> None:
    link = reset_link(User.objects.get(email=victim.emails["alice"]))
    attacked(company, victim)
    assert Browser().client.get(urlsplit(link).path).status_code == 200


def test_a_token_made_in_such_a_session_is_of_the_one_tenant(company: Company, victim: make.Cast) -> None:
    browser = attacked(company, victim)
    page = browser.post("portal:tokens", name="mine", role="reader", expires_in_days=1)
    wire = next(word for word in text_of(page).split() if word.startswith("mhat_"))
    project = make.project(victim.alice)
    assert make.Api(wire).get(f"projects/{project}/").status_code == 404


def test_the_victims_own_password_still_opens_everything(company: Company, victim: make.Cast) -> None:
    attacked(company, victim)
    page = sign_in(victim).see("portal:tenants")
    assert victim.tenant.name in page


def test_two_tenants_with_one_issuer_and_one_subject_are_two_identities(company: Company) -> None:
    other = Company(make.cast(), company.provider, company.domain)
    other.configure()
    first, second = company.enter(), other.enter()
    assert company.cast.tenant.name not in second.see("portal:home")
    assert other.cast.tenant.name not in first.see("portal:home")


def test_a_password_afterwards_opens_all_tenants_of_the_person(company: Company) -> None:
    email = company.provider.person.email
    company.enter()
    other = make.cast().tenant
    with tenant_context(other.id):  # as an invitation does: nobody adds an account with an unproven address unasked
        set_membership(tenant=other, user=User.objects.get(email=email), role=Role.READER)
    give_password(email)
    browser = company.enter()
    assert other.name not in browser.see("portal:tenants")
    browser.post("portal:sign-out")
    browser.post("portal:sign-in", email=email, password=make.PASSWORD)
    assert other.name in browser.see("portal:tenants")


def test_the_company_narrows_no_session_that_began_with_a_password(company: Company) -> None:
    email = company.provider.person.email
    other = make.cast().tenant
    for tenant in (company.cast.tenant, other):
        add(tenant, email)
    give_password(email)
    browser = Browser(email)
    assert company.sign_in(browser).status_code == 302
    assert other.name in browser.see("portal:tenants")


def test_nobody_is_signed_in_over_somebody_else(company: Company) -> None:
    browser = sign_in(make.cast())
    refused(company.sign_in(browser), 409, "Sign out first")


def test_a_page_of_another_site_signs_nobody_in_unasked(company: Company) -> None:
    page = Browser().client.get(company.address, headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 200
    assert "Go on if you meant to sign in" in text_of(page)


def squatted(company: Company) -> str:
    """An account of the company's next person that somebody else made: by a link that they sent to themselves."""
    email, attacker = company.somebody(), make.cast().alice
    link = attacker.ok(attacker.post("invitations/", {"email": email, "role": "reader"}), 201)["link"]
    password: dict[str, Any] = {"new_password1": make.PASSWORD, "new_password2": make.PASSWORD}
    assert Browser().post(urlsplit(link).path, name="Ada", **password).status_code == 302
    return email


def test_an_account_that_somebody_else_may_have_made_gets_no_entrance_to_the_company(company: Company) -> None:
    email = squatted(company)
    refused(company.sign_in(), 403, "Set a new password first")
    assert company.cast.tenant.name not in Browser(email).see("portal:tenants")


def test_nor_does_it_take_the_companys_invitation(company: Company) -> None:
    owner, email = company.cast.alice, squatted(company)
    owner.ok(owner.post("invitations/", {"email": email, "role": "owner"}), 201)
    refused(company.sign_in(), 403, "Set a new password first")
    assert not Membership.objects.filter(tenant=company.cast.tenant, user__email=email).exists()


def test_whoever_set_a_new_password_by_a_link_comes_in(company: Company) -> None:
    email = squatted(company)
    set_password(User.objects.get(email=email), "another-horse-battery-9")
    assert company.cast.tenant.name in company.enter().see("portal:home")


def test_an_address_in_letters_that_only_look_like_those_of_a_member_is_nobodys(company: Company) -> None:
    add(company.cast.tenant, company.somebody("kim"), Role.OWNER)
    company.provider.person.email = company.provider.person.email.replace("k", "\u212a")  # the sign of kelvin
    refused(company.sign_in(), 403, "did not say your e-mail address")


def opens(browser: Browser) -> bool:
    """Whether a page of the tenant is shown; otherwise the browser is led away."""
    return bool(browser.client.get("/").status_code == 200)


def test_a_company_session_ends_with_the_company_sign_in(company: Company) -> None:
    browser = company.enter()
    assert opens(browser)
    company.cast.alice.ok(company.cast.alice.delete("company-sign-in/"), 204)
    assert not opens(browser)
    company.configure()
    assert not opens(browser)
    assert opens(company.enter())


def test_a_company_session_ends_when_the_issuer_changes(company: Company) -> None:
    browser = company.enter()
    with provider_running() as another:
        company.configure(issuer=another.url)
        assert not opens(browser)


def test_a_company_session_ends_when_the_client_changes_and_not_with_other_settings(company: Company) -> None:
    browser = company.enter()
    company.configure(newcomers="refused")
    assert opens(browser)
    company.configure(client_id="another")
    assert not opens(browser)


def test_having_come_through_the_former_issuer_is_not_enough_where_the_company_is_required(company: Company) -> None:
    add(company.cast.tenant, company.provider.person.email)
    give_password(company.provider.person.email)
    company.configure(is_required=True)
    browser = Browser(company.provider.person.email)
    company.sign_in(browser)
    assert opens(browser)
    company.configure(is_required=True, client_id="another")
    assert not opens(browser)


# --- who has to -----------------------------------------------------------------------------------------------------


def test_members_must_come_through_the_company_where_the_owner_says_so(company: Company) -> None:
    add(company.cast.tenant, company.provider.person.email)
    give_password(company.provider.person.email)
    company.configure(is_required=True)
    browser = Browser(company.provider.person.email)
    led = browser.get("portal:home")
    assert urlsplit(led.url).path == company.address
    company.sign_in(browser)
    assert browser.get("portal:home").status_code == 200


def test_owners_may_use_their_password_for_when_the_issuer_is_gone(company: Company) -> None:
    company.configure(is_required=True)
    assert sign_in(company.cast).get("portal:home").status_code == 200


def test_removing_it_lets_passwords_in_again(company: Company) -> None:
    company.configure(is_required=True)
    company.cast.alice.ok(company.cast.alice.delete("company-sign-in/"), 204)
    assert sign_in(company.cast, "rita").get("portal:home").status_code == 200
    refused(Browser().client.get(company.address), 404, "no company sign-in at this address")


# --- the way there --------------------------------------------------------------------------------------------------


def confirm(company: Company) -> None:
    DomainRoute.objects.create(domain_sha256=domain_key(company.domain), tenant=company.cast.tenant)


def test_the_common_page_leads_addresses_of_a_confirmed_domain_to_their_issuer(company: Company) -> None:
    confirm(company)
    page = Browser().post("portal:company-sign-in", email=f"Ada@{company.domain.upper()}")
    assert page.status_code == 200
    assert company.address in page.content.decode()


def test_a_domain_that_nobody_confirmed_leads_nowhere(company: Company) -> None:
    """Otherwise an owner could draw another company's people to an issuer of their own."""
    page = Browser().post("portal:company-sign-in", email=f"ada@{company.domain}")
    refused(page, 400, "No company sign-in is known for this address")
    unknown = Browser().post("portal:company-sign-in", email="ada@unknown.example")
    assert text_of(page).replace(company.domain, "") == text_of(unknown).replace("unknown.example", "")


def test_the_sign_in_address_of_a_tenant_without_one_is_as_one_of_no_tenant() -> None:
    tenant = make.cast().tenant
    theirs = Browser().client.get(f"/sign-in/{tenant.public_id}/")
    absent = Browser().client.get("/sign-in/01930000-0000-7000-8000-000000000000/")
    assert (theirs.status_code, text_of(theirs)) == (404, text_of(absent))


def test_a_tenant_that_is_switched_off_has_no_sign_in(company: Company) -> None:
    Tenant.objects.filter(id=company.cast.tenant.id).update(is_active=False)
    assert Browser().client.get(company.address).status_code == 404


def test_the_browser_is_asked_for_a_code_with_pkce_state_and_nonce(company: Company) -> None:
    first, second = (query_of(Browser().client.get(company.address)["Location"]) for _ in range(2))
    assert first["response_type"] == "code"
    assert first["code_challenge_method"] == "S256"
    assert first["redirect_uri"] == f"http://testserver{company.address}back/"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 43
        assert first[name] != second[name]


def test_another_companys_provider_is_another_issuer(company: Company) -> None:
    with provider_running() as other:
        other.person = company.provider.person
        company.enter()
        company.configure(issuer=other.url)
        refused(company.sign_in(), 302, "")
        with tenant_context(company.cast.tenant.id):
            assert Identity.objects.count() == 2
