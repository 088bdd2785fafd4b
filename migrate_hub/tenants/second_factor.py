"""The second factor of a person: codes of an authenticator app (TOTP, RFC 6238) and recovery codes, each used once.

Whether a code was used is decided by one conditional UPDATE, so two requests at once cannot both be let in.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import urlsplit

import pyotp
import structlog
from django.conf import settings
from django.db import IntegrityError, transaction

from migrate_hub.errors import DomainError
from migrate_hub.tenants import audit
from migrate_hub.tenants.encryption import PUT_THE_KEY_BACK, UnreadableSecretError, decrypt, encrypt, encrypt_anew
from migrate_hub.tenants.models import RecoveryCode, SecondFactor, User

log = structlog.get_logger(__name__)
PURPOSE = "second-factor"
STEP_SECONDS = 30
# RFC 6238, 5.2: one step to either side allows for clocks and for the time that typing takes.
DRIFT_STEPS = 1
RECOVERY_CODES = 10
RECOVERY_BYTES = 10


def wrong_code() -> DomainError:
    return DomainError(
        code="code_wrong",
        detail="This code is not right, or it was used already. Wait for the next one and check the clock of the "
        "device that shows it.",
    )


def new_secret() -> str:
    """160 random bits in base32, as authenticator apps take them."""
    return pyotp.random_base32()


def app_address(secret: str, user: User) -> str:
    """The otpauth:// address that authenticator apps read from a QR code."""
    issuer = f"migrate_hub {urlsplit(settings.PUBLIC_URL).hostname}"
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=issuer)


def has_second_factor(user: User) -> bool:
    return SecondFactor.objects.filter(user=user).exists()


def turn_on(user: User, *, secret: str, code: str, now: datetime) -> list[str]:
    """Makes the app that holds `secret` and shows `code` the person's second factor; the new recovery codes."""
    step = _step_of(secret, code, now)
    if step is None:
        raise wrong_code()
    try:
        with transaction.atomic():
            factor = SecondFactor.objects.create(
                user=user, secret_encrypted=encrypt(secret, purpose=PURPOSE), last_step=step, created_at=now
            )
    except IntegrityError:
        raise DomainError(
            code="second_factor_on", status=409, detail="Your second factor is on already. Turn it off first."
        ) from None
    audit.record_account("second_factor.on", user)
    return _new_recovery_codes(factor)


def turn_off(user: User, *, by_operator: bool = False) -> bool:
    """Takes the app and its recovery codes; whether there was one."""
    _, rows = SecondFactor.objects.filter(user=user).delete()
    if rows:
        audit.record_account("second_factor.off", user, by_operator=by_operator)
    return bool(rows)


def pass_code(user: User, code: str, now: datetime) -> bool:
    """Whether this is a code of the person's app that was not used yet; it is used now.

    Raises DomainError 409 when the key is gone that the app's secret was encrypted with.
    """
    factor = SecondFactor.objects.filter(user=user).first()
    if factor is None:
        return False
    step = _step_of(_secret_of(factor), code, now)
    if step is None:
        return False
    return SecondFactor.objects.filter(user=user, last_step__lt=step).update(last_step=step) == 1


def pass_recovery_code(user: User, code: str, now: datetime) -> bool:
    """Whether this is a recovery code of the person that was not used yet; it is used now."""
    unused = RecoveryCode.objects.filter(factor_id=user.id, code_sha256=_recovery_hash(code), used_at=None)
    passed = unused.update(used_at=now) == 1
    if passed:
        audit.record_account("second_factor.recovery_code", user)
    return passed


def unused_recovery_codes(user: User) -> int:
    return RecoveryCode.objects.filter(factor_id=user.id, used_at=None).count()


def renew_recovery_codes(user: User) -> list[str]:
    """Ten new recovery codes, shown this one time; the earlier ones are worth nothing any more."""
    factor = SecondFactor.objects.select_for_update().filter(user=user).first()
    if factor is None:
        raise DomainError(code="second_factor_off", status=409, detail="Set up the second factor first.")
    audit.record_account("second_factor.recovery_codes", user)
    return _new_recovery_codes(factor)


def encrypt_secrets_anew() -> tuple[int, list[str]]:
    """Writes secrets under the newest SECRET_KEY, so that an earlier one can be taken away.

    How many, and the addresses of the people whose secret no key opens.
    """
    written, unreadable = [], []
    for factor in SecondFactor.objects.select_for_update(of=["self"]).select_related("user"):
        try:
            factor.secret_encrypted = encrypt_anew(bytes(factor.secret_encrypted), purpose=PURPOSE)
            written.append(factor)
        except UnreadableSecretError:
            unreadable.append(factor.user.email)
    SecondFactor.objects.bulk_update(written, ["secret_encrypted"], batch_size=500)
    return len(written), unreadable


def _secret_of(factor: SecondFactor) -> str:
    try:
        return decrypt(bytes(factor.secret_encrypted), purpose=PURPOSE)
    except UnreadableSecretError:
        log.error("second_factor_unreadable", user=str(factor.user_id), remedy=PUT_THE_KEY_BACK)
        contact = f" ({settings.OPERATOR_CONTACT})" if settings.OPERATOR_CONTACT else ""
        raise DomainError(
            code="second_factor_unreadable",
            status=409,
            detail="This hub cannot check codes of your app: the key that it stored your second factor with is gone. "
            f"Ask its operator{contact} to put the key back. Until then your recovery codes let you in.",
        ) from None


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step that a code belongs to; None when it is none of now, or of the step before or after."""
    typed = "".join(code.split())
    if not (typed.isascii() and typed.isdecimal()):
        return None
    app, this = pyotp.TOTP(secret, interval=STEP_SECONDS), int(now.timestamp()) // STEP_SECONDS
    steps = range(this - DRIFT_STEPS, this + DRIFT_STEPS + 1)
    found = [step for step in steps if hmac.compare_digest(app.generate_otp(step), typed)]
    return found[-1] if found else None


def _new_recovery_codes(factor: SecondFactor) -> list[str]:
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(factor=factor).delete()
    RecoveryCode.objects.bulk_create([RecoveryCode(factor=factor, code_sha256=_recovery_hash(code)) for code in codes])
    return codes


def _recovery_code() -> str:
    """80 random bits as four groups of four: abcd-efgh-ijkl-mnop."""
    text = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _recovery_hash(code: str) -> bytes:
    """However it was typed: capitals, blanks and hyphens do not matter."""
    return hashlib.sha256("".join(each for each in code.lower() if each.isalnum()).encode()).digest()
