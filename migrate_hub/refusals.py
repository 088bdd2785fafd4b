"""Settings that a process must not start with, told to the operator in one sentence instead of a traceback."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlparse

import environ
from django.core.exceptions import ImproperlyConfigured

REQUIRED = ("SECRET_KEY", "PUBLIC_URL", "DATABASE_URL", "REDIS_URL")
DATABASE_FORM = "postgres://user:password@host:5432/database"
URL_FORMS = {
    "PUBLIC_URL": (("https", "http"), "https://hub.example.com"),
    "DATABASE_URL": (("postgres", "postgresql"), DATABASE_FORM),
    "DATABASE_OWNER_URL": (("postgres", "postgresql"), DATABASE_FORM),
    "EMAIL_URL": (("smtp", "smtp+tls", "smtp+ssl", "filemail"), "smtp+tls://user:password@mail.example.com:587"),
    "REDIS_URL": (("redis", "rediss", "unix"), "redis://user:password@host:6379"),
}
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


class Environment(environ.Env):  # type: ignore[misc]  # django-environ has no types
    """django-environ, whose complaints about a value name the variable."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_value(var, *args, **kwargs)
        except ValueError:
            raise UnusableSettingsError(f"{var} is not of the right kind, such as a number. {WHERE_TO_READ}") from None


def refuse_missing(environment: Mapping[str, str]) -> None:
    """All missing names at once, so that the operator need not find them one by one."""
    missing = [name for name in REQUIRED if not environment.get(name)]
    if environment.get("EMAIL_URL") and not environment.get("EMAIL_FROM"):
        missing.append("EMAIL_FROM")
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise UnusableSettingsError(f"{', '.join(missing)} {verb} not set. {WHERE_TO_READ}")


def refuse_unreadable_urls(environment: Mapping[str, str]) -> None:
    """Addresses of the wrong form; the message shows the right one, since the wrong one may hold a password."""
    for name, (schemes, form) in URL_FORMS.items():
        if environment.get(name) and not _reads_as_url(environment[name], schemes):
            raise UnusableSettingsError(f"{name} must look like {form}. {WHERE_TO_READ}")


def _reads_as_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlparse(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.path if parts.scheme in ("unix", "filemail") else parts.hostname)


def refuse_out_of_range(name: str, value: int, *, lowest: int, highest: int) -> None:
    """A number that the hub cannot work with."""
    if not lowest <= value <= highest:
        raise UnusableSettingsError(f"{name} must be between {lowest} and {highest}. {WHERE_TO_READ}")


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
