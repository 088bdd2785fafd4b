"""The second factor: set up, asked for at sign-in, used once, recovered, turned off, and demanded by a tenant."""

import re
import threading
from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import uuid4

import pyotp
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from migrate_hub.portal.throttle import Subject
from migrate_hub.tenants.models import AccountEvent, PersonSession, SecondFactor, User
from migrate_hub.tenants.second_factor import RECOVERY_CODES, pass_code
from tests import make
from tests.portal.browsing import Browser, address, somebody, text_of
from tests.portal.test_sign_in import elapse

RECOVERY_CODE = re.compile(r"<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>")


class Visitor(Browser):
    """A browser with an address of its own, so that one test's failures do not delay another."""

    def __init__(self, email: str | None = None) -> None:
        super().__init__()
        self.client = Client(raise_request_exception=False, REMOTE_ADDR=f"2001:db8:{uuid4().hex[:4]}::1")
        if email is not None:
            response = self.post("portal:sign-in", email=email, password=make.PASSWORD)
            assert response.status_code == 302, text_of(response)


class App:
    """An authenticator app, whose clock the test moves instead of waiting."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.steps = 0

    def code(self, *, ahead: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(timezone.now().timestamp() + 30 * ahead)

    def wrong_code(self) -> str:
        """Six digits that are right at none of the steps around now."""
        near = {self.code(ahead=ahead) for ahead in range(-3, 4)}
        return next(code for code in (f"{number:06}" for number in range(100)) if code not in near)


def set_up(browser: Browser) -> tuple[App, list[str]]:
    """The app and the recovery codes after setting up the second factor on the account page."""
    page = browser.get("portal:second-factor").content.decode()
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    assert secret is not None
    app = App(secret[1].replace(" ", ""))
    # The code of the step before: so the one of now is there for signing in.
    shown = browser.post("portal:second-factor", code=app.code(ahead=-1))
    assert shown.status_code == 201, text_of(shown)
    return app, RECOVERY_CODE.findall(shown.content.decode())


def with_factor() -> tuple[str, App, list[str]]:
    email = somebody()
    return email, *set_up(Visitor(email))


def after_password(email: str, **fields: Any) -> Browser:
    """A browser that has passed the first step, from an address of its own."""
    browser = Visitor()
    response = browser.post("portal:sign-in", email=email, password=make.PASSWORD, **fields)
    assert response.url == reverse("portal:second-step")
    return browser


def is_signed_in(browser: Browser) -> bool:
    return bool(browser.get("portal:account").status_code == 200)


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """The answers of `work` run by so many threads, each with a connection of its own."""
    start, answers = threading.Barrier(count), []

    def one(number: int) -> None:
        start.wait()
        try:
            answers.append(work(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


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
    wrong = app.wrong_code()
    answers = [after_password(email).post("portal:second-step", code=wrong).status_code for _ in range(6)]
    assert answers == [400, 400, 400, 400, 400, 429]
    blocked = after_password(email).post("portal:second-step", code=app.code())
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


def test_sessions_are_listed_and_the_others_ended() -> None:
    email = somebody()
    here = Visitor(email)
    there = Client(headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"})
    there.post(reverse("portal:sign-in"), {"email": email, "password": make.PASSWORD})
    assert "Firefox on Windows" in here.see("portal:account")
    assert here.post("portal:end-sessions").status_code == 302
    assert there.get(address("portal:account")).status_code == 302
    assert "Firefox on Windows" not in here.see("portal:account")


def test_another_persons_sessions_and_events_are_not_shown_or_ended() -> None:
    ours, theirs = Visitor(somebody()), Visitor(somebody())
    ours.post("portal:end-sessions")
    assert is_signed_in(theirs)
    assert "Signed out everywhere else" not in theirs.see("portal:account")


def test_the_trail_of_an_account_cannot_be_changed() -> None:
    email, _, _ = with_factor()
    actions = set(
        AccountEvent.objects.filter(user_id=User.objects.get(email=email).pk).values_list("action", flat=True)
    )
    assert {"signed_in", "second_factor.on"} <= actions
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(current_user, 'tenants_accountevent', 'UPDATE, DELETE')")
        assert cursor.fetchone() == (False,)


def test_a_person_without_a_tenant_has_an_account_page() -> None:
    email = f"{uuid4().hex}@example.com"
    User.objects.create_user(email=email, password=make.PASSWORD)
    browser = Visitor(email)
    assert "Change your password" in browser.see("portal:account")
    set_up(browser)


def test_the_name_is_changed_and_shown() -> None:
    cast = make.cast()
    alice = Visitor(cast.emails["alice"])
    assert alice.post("portal:account-name", name="Alice Ó Súilleabháin").status_code == 302
    assert "Alice Ó Súilleabháin" in alice.see("portal:members")
    assert alice.post("portal:account-name", name="x" * 201).status_code == 400
    assert alice.post("portal:account-name", name="a\u200b\u0007b").status_code == 400


def test_guessing_the_password_on_the_account_page_is_delayed_like_signing_in() -> None:
    email = somebody()
    browser = Visitor(email)
    fields: dict[str, Any] = {"new_password1": "tall-lantern-orchid-4", "new_password2": "tall-lantern-orchid-4"}
    answers = [browser.post("portal:account", old_password="wrong", **fields).status_code for _ in range(6)]
    assert answers == [400, 400, 400, 400, 400, 429]
