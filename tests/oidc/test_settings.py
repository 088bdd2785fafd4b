"""What an owner configures: checked with the issuer, kept encrypted, asked for safely."""

import ipaddress
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from migrate_hub.oidc.models import CompanySignIn
from migrate_hub.oidc.outgoing import IssuerError, fetch_json, may_be_asked, refuse_unsafe_url
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.oidc.conftest import Company
from tests.oidc.provider import CLIENT_SECRET, Provider
from tests.portal.browsing import Browser, sign_in, text_of


def put(company: Company, **changes: Any) -> Any:
    return company.cast.alice.call("PUT", "company-sign-in/", company.settings(**changes))


def problem(response: Any, field: str) -> str:
    assert response.status_code == 400, response.content
    return next(str(each["message"]) for each in response.json()["errors"] if each["field"].startswith(field))


def test_the_secret_goes_in_and_never_comes_out(company: Company) -> None:
    api = company.cast.alice
    assert CLIENT_SECRET not in str(api.ok(api.get("company-sign-in/")))
    assert CLIENT_SECRET not in sign_in(company.cast).get("portal:company-settings").content.decode()
    with tenant_context(company.cast.tenant.id):
        assert CLIENT_SECRET.encode() not in bytes(CompanySignIn.objects.get().client_secret_encrypted)


def test_a_secret_that_is_left_out_stays(company: Company) -> None:
    company.cast.alice.ok(put(company, client_secret="", newcomers="readers"))
    company.enter()


def test_another_issuer_needs_its_own_secret(company: Company) -> None:
    assert "another secret" in problem(put(company, client_secret="", issuer=f"{company.provider.url}/x"), "client_s")


def test_a_key_in_the_fallbacks_still_opens_the_secret(company: Company, settings: Any) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-of-this-installation-" * 2
    company.enter()


def test_a_key_that_is_gone_is_told_with_what_to_do(
    company: Company, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SECRET_KEY = "another-key-of-this-installation-" * 2
    response = Browser().client.get(company.address)
    assert response.status_code == 409
    assert f"Ask an owner of {company.cast.tenant.name} to enter it again" in text_of(response)
    assert "SECRET_KEY_FALLBACKS" in caplog.text


def test_the_secret_is_written_anew_with_the_newest_key(company: Company, settings: Any) -> None:
    old, new = settings.SECRET_KEY, "another-key-of-this-installation-" * 2
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = new, [old]
    try:
        call_command("encrypt_secrets_anew", stdout=StringIO())
        settings.SECRET_KEY_FALLBACKS = []
        company.enter()
    finally:
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = old, [new]
        call_command("encrypt_secrets_anew", stdout=StringIO())


def test_a_tenant_whose_key_is_lost_is_named_and_keeps_no_other_from_a_new_key(company: Company, settings: Any) -> None:
    lost = make.cast().tenant
    with tenant_context(lost.id):
        CompanySignIn.new(
            issuer="https://lost.example", client_id="x", client_secret_encrypted=b"written with a key that is gone"
        ).save(force_insert=True)
    old, new = settings.SECRET_KEY, "another-key-of-this-installation-" * 2
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = new, [old]
    try:
        with pytest.raises(CommandError, match=rf"the company sign-in of {lost.name}\b.*SECRET_KEY_FALLBACKS"):
            call_command("encrypt_secrets_anew", stdout=StringIO())
        settings.SECRET_KEY_FALLBACKS = []
        company.enter()
    finally:
        with tenant_context(lost.id):
            CompanySignIn.objects.all().delete()
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = old, [new]
        call_command("encrypt_secrets_anew", stdout=StringIO())


@pytest.mark.parametrize("name", ["bob", "rita"])
def test_it_is_for_owners(name: str, company: Company) -> None:
    api: make.Api = getattr(company.cast, name)
    assert api.get("company-sign-in/").status_code == 403
    assert api.call("PUT", "company-sign-in/", company.settings()).status_code == 403
    assert api.delete("company-sign-in/").status_code == 403
    assert sign_in(company.cast, name).get("portal:company-settings").status_code == 403


def test_an_issuer_that_calls_itself_otherwise_is_refused(company: Company) -> None:
    company.provider.discovery = {"issuer": "https://login.example/{tenantid}/v2.0"}
    assert "must be exactly that" in problem(put(company), "issuer")


def test_an_issuer_without_endpoints_is_refused(company: Company) -> None:
    company.provider.discovery = {"token_endpoint": None}
    assert "no OpenID Connect provider" in problem(put(company), "issuer")


def test_endpoints_of_an_issuer_are_held_to_the_same_rules(company: Company) -> None:
    company.provider.discovery = {"jwks_uri": "http://169.254.169.254/keys"}
    assert "https://" in problem(put(company), "issuer")


def test_redirects_are_not_followed(company: Company) -> None:
    company.provider.redirects_to = "http://127.0.0.1:1/"
    assert "status 302" in problem(put(company), "issuer")


def test_an_answer_without_end_is_cut_off(company: Company) -> None:
    company.provider.pads_with = 2_000_000
    assert "larger than" in problem(put(company), "issuer")


def test_nobody_at_the_address_is_told(company: Company) -> None:
    assert "could not be reached" in problem(put(company, issuer="http://127.0.0.1:1"), "issuer")


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example.com",
        "ftp://id.example.com",
        "https://",
        "https://user:secret@id.example.com",
        "https://id.example.com/#x",
        "https://id.example.com:port/",
        "file:///etc/passwd",
        "//id.example.com",
        "http://127.0.0.1.example.com",
    ],
)
def test_only_plain_https_addresses_are_asked(url: str) -> None:
    with pytest.raises(IssuerError):
        refuse_unsafe_url(url)


def test_outside_of_the_embedded_mode_this_machine_is_not_asked(provider: Provider, settings: Any) -> None:
    settings.PLAIN_HTTP = False
    with pytest.raises(IssuerError, match="https"):
        refuse_unsafe_url(provider.url)
    port = provider.url.rpartition(":")[2]
    with pytest.raises(IssuerError, match="inside this network"):
        fetch_json(f"https://localhost:{port}/keys", tenant_id=1)
    assert provider.requests == []


ALWAYS_CLOSED = ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "::ffff:169.254.169.254"]
ALWAYS_CLOSED += ["fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "64:ff9b::a83f:8110"]
CLOSED_BY_DEFAULT = ["10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "fd00::1", "64:ff9b::a00:1", "2002:a00:1::"]


@pytest.mark.parametrize("text", [*ALWAYS_CLOSED, *CLOSED_BY_DEFAULT, "127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_addresses_inside_the_network_are_not_asked(text: str, settings: Any) -> None:
    settings.PLAIN_HTTP, settings.OIDC_ALLOW_PRIVATE_ISSUERS = False, False
    assert not may_be_asked(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", CLOSED_BY_DEFAULT)
def test_operators_may_allow_them(text: str, settings: Any) -> None:
    settings.OIDC_ALLOW_PRIVATE_ISSUERS = True
    assert may_be_asked(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ALWAYS_CLOSED)
def test_where_clouds_hand_out_credentials_is_never_asked(text: str, settings: Any) -> None:
    settings.OIDC_ALLOW_PRIVATE_ISSUERS = True
    assert not may_be_asked(ipaddress.ip_address(text))


def test_public_addresses_are_asked(settings: Any) -> None:
    settings.PLAIN_HTTP = False
    assert may_be_asked(ipaddress.ip_address("93.184.216.34"))
    assert may_be_asked(ipaddress.ip_address("2606:2800:220:1::1"))


def test_a_body_with_something_wrong_names_the_field(company: Company) -> None:
    assert problem(put(company, email_domains=[]), "email_domains")
    assert "example.com" in problem(put(company, email_domains=["not a domain"]), "email_domains")
    assert problem(put(company, newcomers="owners"), "newcomers")
    assert problem(put(company, secret="x"), "secret")


def test_the_portals_form_keeps_what_was_typed(company: Company) -> None:
    owner = sign_in(company.cast)
    response = owner.post(
        "portal:company-settings",
        issuer="http://127.0.0.1:1",
        client_id="kept-client",
        client_secret="x",
        email_domains="one.example, two.example",
        newcomers="refused",
    )
    assert response.status_code == 400
    assert "could not be reached" in text_of(response)
    assert "kept-client" in response.content.decode()
    assert "one.example, two.example" in response.content.decode()


def test_an_owner_sets_it_up_and_removes_it_in_the_portal(provider: Provider) -> None:
    cache.clear()
    cast = make.cast()
    owner, company = sign_in(cast), Company(cast, provider, "set-up.example")
    fields = {**company.settings(), "email_domains": company.domain}
    page = owner.post("portal:company-settings", follow=True, **fields)
    assert "company sign-in was saved" in text_of(page)
    company.somebody()
    company.enter()
    assert "was removed" in text_of(owner.post("portal:remove-company-sign-in", follow=True))
    assert Browser().client.get(company.address).status_code == 404
