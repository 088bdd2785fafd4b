"""Settings that a process must not start with, told to the operator in one sentence instead of a traceback."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured

REQUIRED = ("SECRET_KEY", "PUBLIC_URL", "DATABASE_URL", "REDIS_URL")
SECRET_KEY_CHARACTERS = 50
SECRET_KEY_DIFFERENT_CHARACTERS = 5
WHERE_TO_READ = "docs/operators-guide.md lists every setting."


class UnusableSettingsError(ImproperlyConfigured):
    """A setting is missing or unsafe; the message names it and what to do, never its value."""


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Around the start of a process: unusable settings end it with their sentence and status 1."""
    try:
        yield
    except UnusableSettingsError as error:
        raise SystemExit(f"migrate_hub does not start: {error}") from None


def refuse_missing(environment: Mapping[str, str]) -> None:
    """All missing names at once, so that the operator need not find them one by one."""
    missing = [name for name in REQUIRED if not environment.get(name)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise UnusableSettingsError(f"{', '.join(missing)} {verb} not set. {WHERE_TO_READ}")


def refuse_insecure(*, secret_key: str, public_url: str) -> None:
    """What production asks for beyond presence: a strong key, and a public address behind TLS."""
    if len(secret_key) < SECRET_KEY_CHARACTERS or len(set(secret_key)) < SECRET_KEY_DIFFERENT_CHARACTERS:
        raise UnusableSettingsError(
            f"SECRET_KEY is too weak: it needs {SECRET_KEY_CHARACTERS} random characters or more. "
            f"Make one with `openssl rand -hex 32`. {WHERE_TO_READ}"
        )
    if not public_url.startswith("https://"):
        raise UnusableSettingsError(
            f"PUBLIC_URL must start with https:// unless PLAIN_HTTP=1 says that this is no production. {WHERE_TO_READ}"
        )
