"""The second factor: set up, asked for at sign-in, used once, recovered, turned off, and demanded by a tenant."""

import re
from io import StringIO
from typing import Any

import pyotp
import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from migrate_hub.portal.throttle import Subject
from migrate_hub.tenants.models import PersonSession, SecondFactor, User
from migrate_hub.tenants.second_factor import RECOVERY_CODES, pass_code
from tests import make
from tests.portal.browsing import somebody, text_of
from tests.portal.second_steps import (
    RECOVERY_CODE,
    Visitor,
    after_password,
    at_once,
    is_signed_in,
    set_up,
    with_factor,
)
from tests.portal.test_sign_in import elapse


def test_the_page_offers_a_qr_code_and_the_secret_as_text() -> None:
    browser = Visitor(somebody())
    page = browser.get("portal:second-factor").content.decode()
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page or "<svg " in page
    assert "otpauth://totp/migrate_hub" in page
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    assert secret is not None
    assert secret[1] in browser.get("portal:second-factor").content.decode()


def test_setting_up_takes_a_right_code() -> None:
    email = somebody()
    browser = Visitor(email)
    browser.get("portal:second-factor")
    response = browser.post("portal:second-factor", code="000000")
    assert response.status_code == 400
    assert "not right" in text_of(response)
    assert not SecondFactor.objects.filter(user__email=email).exists()


def test_the_password_alone_signs_nobody_in_any_more() -> None:
    email, app, codes = with_factor()
    assert len(set(codes)) == RECOVERY_CODES
    browser = after_password(email, next="/tokens/?x=1")
    assert not is_signed_in(browser)
    assert browser.post("portal:second-step", code=app.code()).url == "/tokens/?x=1"
    assert is_signed_in(browser)


def test_the_second_step_leads_to_no_other_site() -> None:
    email, app, _ = with_factor()
    browser = after_password(email, next="https://evil.example/")
    assert browser.post("portal:second-step", code=app.code()).url == reverse("portal:home")


def test_the_second_step_is_not_there_without_the_first() -> None:
    for name in ("portal:second-step", "portal:recovery-code"):
        assert Visitor().get(name).url == reverse("portal:sign-in")
        assert Visitor().post(name, code="123456").url == reverse("portal:sign-in")


def test_a_code_is_used_once() -> None:
    email, app, _ = with_factor()
    code = app.code()
    assert after_password(email).post("portal:second-step", code=code).status_code == 302
    again = after_password(email).post("portal:second-step", code=code)
    assert again.status_code == 400
    assert "used already" in text_of(again)


def test_an_older_code_than_the_last_used_is_refused() -> None:
    email, app, _ = with_factor()
    assert after_password(email).post("portal:second-step", code=app.code(ahead=1)).status_code == 302
    assert after_password(email).post("portal:second-step", code=app.code()).status_code == 400


def test_a_code_of_another_time_is_refused() -> None:
    email, app, _ = with_factor()
    for ahead in (-3, 3):
        assert after_password(email).post("portal:second-step", code=app.code(ahead=ahead)).status_code == 400


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "१२३४५६", "\0", "1" * 1000])
def test_what_is_no_code_is_refused(code: str) -> None:
    email, _, _ = with_factor()
    assert after_password(email).post("portal:second-step", code=code).status_code == 400


def test_one_code_sent_twice_at_once_lets_one_in() -> None:
    email, app, _ = with_factor()
    browsers, code = [after_password(email) for _ in range(4)], app.code()
    answers = at_once(4, lambda number: browsers[number].post("portal:second-step", code=code).status_code)
    assert sorted(answers) == [302, 400, 400, 400]


def test_one_recovery_code_sent_twice_at_once_lets_one_in() -> None:
    email, _, codes = with_factor()
    browsers = [after_password(email) for _ in range(4)]
    answers = at_once(4, lambda number: browsers[number].post("portal:recovery-code", code=codes[0]).status_code)
    assert sorted(answers) == [302, 400, 400, 400]


def test_a_recovery_code_lets_in_once_however_it_is_typed() -> None:
    email, _, codes = with_factor()
    browser = after_password(email)
    assert browser.post("portal:recovery-code", code=f" {codes[3].upper().replace('-', ' ')} ").status_code == 302
    assert "Recovery codes that are left: 9" in browser.see("portal:account")
    assert after_password(email).post("portal:recovery-code", code=codes[3]).status_code == 400


def test_recovery_codes_are_stored_hashed_and_the_secret_encrypted() -> None:
    _, app, codes = with_factor()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(f::text, '') || (SELECT string_agg(r::text, '') FROM tenants_recoverycode r) "
            "FROM tenants_secondfactor f"
        )
        stored = cursor.fetchone()[0].lower()
    for secret in (app.secret, *codes):
        assert secret.lower() not in stored
        assert secret.encode().hex() not in stored


def test_renewed_recovery_codes_replace_the_old() -> None:
    email = somebody()
    browser = Visitor(email)
    _, old = set_up(browser)
    assert browser.post("portal:recovery-codes", password="wrong words here").status_code == 400
    shown = browser.post("portal:recovery-codes", password=make.PASSWORD)
    new = RECOVERY_CODE.findall(shown.content.decode())
    assert len(set(new) - set(old)) == RECOVERY_CODES
    assert after_password(email).post("portal:recovery-code", code=old[0]).status_code == 400
    assert after_password(email).post("portal:recovery-code", code=new[0]).status_code == 302


def test_wrong_codes_are_delayed_from_any_address_even_if_the_password_is_right_each_time() -> None:
    email, app, _ = with_factor()
    wrong, waiting = app.wrong_code(), after_password(email)
    answers = [after_password(email).post("portal:second-step", code=wrong).status_code for _ in range(6)]
    assert answers == [400, 400, 400, 400, 400, 429]
    blocked = waiting.post("portal:second-step", code=app.code())
    assert blocked.status_code == 429
    assert re.search(r"Wait [12] seconds?", text_of(blocked))
    assert blocked["Retry-After"] in ("1", "2")
    elapse(2, Subject("second step", str(User.objects.get(email=email).pk)))
    assert after_password(email).post("portal:second-step", code=app.code()).status_code == 302


def test_wrong_codes_on_both_pages_of_the_second_step_count_together() -> None:
    email, app, _ = with_factor()
    pages = ["portal:second-step", "portal:recovery-code"] * 3
    answers = [after_password(email).post(page, code=app.wrong_code()).status_code for page in pages]
    assert answers == [400, 400, 400, 400, 400, 429]


def test_the_session_has_a_new_key_after_each_step() -> None:
    email, app, _ = with_factor()
    browser = Visitor()
    planted = browser.client.session
    planted["planted"] = True
    planted.save()
    browser.client.cookies["sessionid"] = planted.session_key or ""
    browser.post("portal:sign-in", email=email, password=make.PASSWORD)
    first = browser.client.cookies["sessionid"].value
    browser.post("portal:second-step", code=app.code())
    second = browser.client.cookies["sessionid"].value
    assert len({planted.session_key, first, second}) == 3
    assert not PersonSession.objects.filter(session_key__in=[planted.session_key, first]).exists()


def test_the_first_step_is_forgotten_when_the_password_changes() -> None:
    email, app, _ = with_factor()
    browser = after_password(email)
    user = User.objects.get(email=email)
    user.set_password("another-tall-lantern-4")
    user.save()
    assert browser.post("portal:second-step", code=app.code()).url == reverse("portal:sign-in")
    assert not is_signed_in(browser)


def test_setting_up_ends_the_sessions_that_began_without_it() -> None:
    email = somebody()
    here, there = Visitor(email), Visitor(email)
    set_up(here)
    assert is_signed_in(here)
    assert not is_signed_in(there)


def test_turning_off_needs_the_password_and_a_code() -> None:
    email = somebody()
    browser = Visitor(email)
    app, _ = set_up(browser)
    wrong: dict[str, Any] = {"password": make.PASSWORD, "code": app.wrong_code()}
    assert browser.post("portal:second-factor-off", **wrong).status_code == 400
    assert browser.post("portal:second-factor-off", password="wrong words", code=app.code()).status_code == 400
    assert browser.post("portal:second-factor-off", password=make.PASSWORD, code=app.code()).status_code == 302
    assert is_signed_in(Visitor(email))


def test_one_second_factor_does_not_take_the_place_of_another() -> None:
    browser = Visitor(somebody())
    set_up(browser)
    page = browser.get("portal:second-factor")
    assert "is on" in text_of(page)
    secret = pyotp.random_base32()
    assert browser.post("portal:second-factor", code=pyotp.TOTP(secret).now()).status_code in (400, 409)


def test_the_operator_takes_a_lost_second_factor_away(capsys: pytest.CaptureFixture[str]) -> None:
    email, _, _ = with_factor()
    call_command("reset_second_factor", "--email", email.upper())
    assert "password alone" in capsys.readouterr().out
    browser = Visitor(email)
    assert "Second factor turned off by the operator" in browser.see("portal:account")


def test_the_secret_is_read_with_an_earlier_key_and_written_anew_with_the_newest(settings: Any) -> None:
    email, app, _ = with_factor()
    user, old = User.objects.get(email=email), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-newer-key-of-fifty-characters-0123456789-abcdefgh", [old]
    try:
        assert pass_code(user, app.code(), timezone.now())
        call_command("encrypt_secrets_anew", stdout=StringIO())
        settings.SECRET_KEY_FALLBACKS = []
        assert not pass_code(user, app.code(), timezone.now())
        assert pass_code(user, app.code(ahead=1), timezone.now())
    finally:
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = old, [settings.SECRET_KEY]
        call_command("encrypt_secrets_anew", stdout=StringIO())


def test_where_the_key_is_lost_people_learn_whom_to_ask_and_the_operator_what_to_do(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    email, app, codes = with_factor()
    settings.OPERATOR_CONTACT = "Olga, room 7"
    settings.SECRET_KEY = "a-key-that-nothing-was-written-with-0123456789-abcd"
    settings.SECRET_KEY_FALLBACKS = []
    browser = after_password(email)
    response = browser.post("portal:second-step", code=app.code())
    assert response.status_code == 409
    assert "Ask its operator (Olga, room 7)" in text_of(response)
    assert "SECRET_KEY_FALLBACKS" in caplog.text
    assert browser.post("portal:recovery-code", code=codes[0]).status_code == 302


def test_a_tenant_that_asks_for_it_opens_no_page_before_it_is_set_up() -> None:
    cast = make.cast()
    alice, rita = Visitor(cast.emails["alice"]), Visitor(cast.emails["rita"])
    set_up(alice)
    assert alice.post("portal:require-second-factor", required="yes").status_code == 302
    led = rita.get("portal:members", query="?x=1")
    assert led.url == f"{reverse('portal:second-factor')}?next=%2Fmembers%2F%3Fx%3D1"
    assert cast.tenant.name in text_of(rita.get(led.url))
    assert rita.get("portal:account").status_code == 200
    assert rita.post("portal:tokens", name="x", role="reader", expires_in_days=3).status_code == 302
    set_up(rita)
    assert rita.get("portal:members").status_code == 200
    assert alice.get("portal:members").status_code == 200


def test_access_tokens_go_on_working_where_the_second_factor_is_asked_for() -> None:
    cast = make.cast()
    assert cast.rita.patch("tenant/", {"second_factor_required": True}).status_code == 403
    assert cast.alice.ok(cast.alice.patch("tenant/", {"second_factor_required": True}))["second_factor_required"]
    assert cast.rita.ok(cast.rita.get("tenant/"))["second_factor_required"] is True
    assert cast.rita.get("projects/").status_code == 200
    assert "tokens of programs are not affected" in set_up_and_see_members(cast)


def set_up_and_see_members(cast: make.Cast) -> str:
    alice = Visitor(cast.emails["alice"])
    set_up(alice)
    return alice.see("portal:members")


def test_only_owners_ask_for_the_second_factor() -> None:
    assert Visitor(make.cast().emails["bob"]).post("portal:require-second-factor", required="yes").status_code == 403
