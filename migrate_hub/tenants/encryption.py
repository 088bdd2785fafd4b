"""Secrets that must be read again, encrypted at rest: Fernet with keys derived from SECRET_KEY and its fallbacks.

Each purpose has keys of its own (HKDF-SHA256, RFC 5869), so a text of one is nothing for another.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

# What the operator does; the log and commands say it.
PUT_THE_KEY_BACK = (
    "Put the key that it was written with into SECRET_KEY_FALLBACKS and start again, "
    "then run manage.py encrypt_secrets_anew."
)


class UnreadableSecretError(RuntimeError):
    """None of the keys opens this text: the key it was written with is in neither SECRET_KEY nor its fallbacks."""


def encrypt(text: str, *, purpose: str) -> bytes:
    return _keys(purpose).encrypt(text.encode())


def decrypt(encrypted: bytes, *, purpose: str) -> str:
    """The text; raises UnreadableSecretError when SECRET_KEY was changed without a fallback."""
    try:
        return _keys(purpose).decrypt(encrypted).decode()
    except InvalidToken:
        raise UnreadableSecretError(f"no key opens a secret of {purpose}") from None


def encrypt_anew(encrypted: bytes, *, purpose: str) -> bytes:
    """The same text under the newest key, so that a fallback can be taken away."""
    return encrypt(decrypt(encrypted, purpose=purpose), purpose=purpose)


def _keys(purpose: str) -> MultiFernet:
    """The first encrypts; all decrypt."""
    return MultiFernet([_key(secret, purpose) for secret in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]])


def _key(secret: str, purpose: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"migrate_hub.{purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))
