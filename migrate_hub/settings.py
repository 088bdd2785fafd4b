"""Settings: every value from the environment, a missing one fails loudly. `docs/operators-guide.md` lists them all."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse, urlunparse

import environ
from celery.schedules import crontab

from migrate_hub.refusals import (
    Environment,
    refuse_insecure,
    refuse_missing,
    refuse_out_of_range,
    refuse_unreadable_urls,
)

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
refuse_missing(os.environ)
refuse_unreadable_urls(os.environ)

DEBUG = False
SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Plain HTTP is for the embedded mode on the loopback address only; production stands behind TLS.
PLAIN_HTTP = env.bool("PLAIN_HTTP", default=False)
PUBLIC_URL = env.str("PUBLIC_URL")
if not PLAIN_HTTP:
    refuse_insecure(secret_key=SECRET_KEY, public_url=PUBLIC_URL)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[urlparse(PUBLIC_URL).hostname])
if PLAIN_HTTP:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "migrate_hub.tenants",
    "migrate_hub.oidc",
    "migrate_hub.jobs",
    "migrate_hub.files",
    "migrate_hub.local",
    "ingest",
    "groups",
    "assessments",
    "reports",
    "migrate_hub.portal",
]

MIDDLEWARE = [
    "migrate_hub.middleware.RequestContextMiddleware",
    "migrate_hub.middleware.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "migrate_hub.middleware.ProblemMiddleware",
]

ROOT_URLCONF = "migrate_hub.urls"
ASGI_APPLICATION = "migrate_hub.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- databases: the runtime role serves, the owner migrates ---------------------------------------------------------


def database(url: str, *, statement_timeout_seconds: int) -> dict[str, Any]:
    config = environ.Env.db_url_config(url)
    timeouts = (
        f"-c statement_timeout={statement_timeout_seconds}s -c lock_timeout=5s "
        "-c idle_in_transaction_session_timeout=60s -c timezone=UTC"
    )
    options = config.get("OPTIONS", {})
    return {
        **config,
        "ENGINE": "django.db.backends.postgresql",
        "HOST": unquote(config["HOST"]),  # a folder of a unix socket is written %2Fpath
        "CONN_MAX_AGE": 0,
        "ATOMIC_REQUESTS": True,
        "OPTIONS": {**options, "connect_timeout": 5, "application_name": "migrate_hub", "options": timeouts},
    }


DATABASES = {
    "default": database(
        env.str("DATABASE_URL"), statement_timeout_seconds=env.int("STATEMENT_TIMEOUT_SECONDS", default=15)
    ),
}
if env.str("DATABASE_OWNER_URL", default=""):
    DATABASES["owner"] = {
        **database(env.str("DATABASE_OWNER_URL"), statement_timeout_seconds=0),
        "ATOMIC_REQUESTS": False,
        # One database, two roles: migrations go through the owner, tests see one database.
        "TEST": {"MIRROR": "default"},
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: broker, cache, rate limits. It may be wiped at any moment ------------------------------------------------

REDIS_URL: str = env.str("REDIS_URL")


def redis_url(database_number: int, *, for_celery: bool) -> str:
    """One Redis, a database a purpose; a unix:// address is spelled redis+socket:// by Celery."""
    parts = urlparse(REDIS_URL)
    if parts.scheme == "unix":
        user, _, host = parts.netloc.rpartition("@")
        auth = f"{user}@" if user else ""
        scheme, number = ("redis+socket", "virtual_host") if for_celery else ("unix", "db")
        return f"{scheme}://{auth}{host}{parts.path}?{number}={database_number}"
    return urlunparse(parts._replace(path=f"/{database_number}"))


CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis_url(1, for_celery=False),
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 1},
    }
}

# Hard limit of a task; the lease of a job is renewed while it runs, the broker redelivers only after this.
TASK_TIME_LIMIT_SECONDS = env.int("TASK_TIME_LIMIT_SECONDS", default=3600)
CELERY_BROKER_URL = redis_url(0, for_celery=True)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = TASK_TIME_LIMIT_SECONDS
CELERY_TASK_SOFT_TIME_LIMIT = TASK_TIME_LIMIT_SECONDS - 60
CELERY_TASK_DEFAULT_QUEUE = "interactive"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 800_000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": TASK_TIME_LIMIT_SECONDS + 300,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 25,
}
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=10)
JOB_LEASE_SECONDS = env.int("JOB_LEASE_SECONDS", default=60)
RUNNING_JOBS_PER_TENANT = env.int("RUNNING_JOBS_PER_TENANT", default=8)
# Points of machines; a month's percentile needs 31 days, and daily statistics take over after 13 months.
POINTS_KEPT_DAYS = env.int("POINTS_KEPT_DAYS", default=35)
refuse_out_of_range("POINTS_KEPT_DAYS", POINTS_KEPT_DAYS, lowest=32, highest=366)
STORED_BYTES_PER_TENANT = env.int("STORED_BYTES_PER_TENANT", default=10 * 1024**3)
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "jobs.sweep", "schedule": SWEEP_SECONDS, "options": {"queue": "maintenance", "expires": 60}},
    "housekeeping": {
        "task": "jobs.housekeeping",
        "schedule": 3600,
        "options": {"queue": "maintenance", "expires": 3500},
    },
    # What the hint of a request for a new password missed.
    "reset-mails": {
        "task": "portal.mail_reset_links",
        "schedule": 60,
        "options": {"queue": "maintenance", "expires": 55},
    },
    # Soon after each full hour, with which the windows of runs end, and again for the points that come later.
    "rollups": {
        "task": "ingest.refresh_rollups",
        "schedule": crontab(minute="3-59/10"),
        "options": {"queue": "maintenance", "expires": 500},
    },
}

# --- people and security ---------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "tenants.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Issuers of tenants inside this network: what an installation without the internet needs, and no other.
OIDC_ALLOW_PRIVATE_ISSUERS = env.bool("OIDC_ALLOW_PRIVATE_ISSUERS", default=False)
LOGIN_URL = "portal:sign-in"
LOGIN_REDIRECT_URL = "portal:home"
# recovery.py tells it as LINK_HOURS.
PASSWORD_RESET_TIMEOUT = 24 * 3600
SESSION_ENGINE = "migrate_hub.tenants.sessions"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not PLAIN_HTTP
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SECURE_HSTS_SECONDS = 0 if PLAIN_HTTP else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not PLAIN_HTTP
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "migrate_hub.portal.pages.csrf_failure"
# The body of a request is capped before Django sees it (gate.py); this is the cap of what Django holds in memory.
DATA_UPLOAD_MAX_MEMORY_SIZE = 17 * 1024 * 1024
MAX_CONCURRENT_REQUESTS = env.int("MAX_CONCURRENT_REQUESTS", default=16)
# An upload of 3 million points costs 250 MB while it is read and stored; one at a time keeps a process under 400 MB.
MAX_CONCURRENT_LARGE_UPLOADS = env.int("MAX_CONCURRENT_LARGE_UPLOADS", default=1)
# A sender that takes longer with the head or the body of a request is cut off.
HEAD_SECONDS = env.int("HEAD_SECONDS", default=20)
BODY_SECONDS = env.int("BODY_SECONDS", default=300)

# Without EMAIL_URL the hub sends no mail: links are shown, and an operator resets passwords.
MAIL_IS_CONFIGURED = bool(env.str("EMAIL_URL", default=""))
if MAIL_IS_CONFIGURED:
    vars().update(env.email_url("EMAIL_URL"))
    DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM")
EMAIL_TIMEOUT = 10
OPERATOR_CONTACT = env.str("OPERATOR_CONTACT", default="")

REQUESTS_A_MINUTE_PER_TOKEN = env.int("REQUESTS_A_MINUTE_PER_TOKEN", default=3000)
REQUESTS_A_MINUTE_PER_TENANT = env.int("REQUESTS_A_MINUTE_PER_TENANT", default=12_000)

# --- the API ---------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["migrate_hub.tenants.authentication.AccessTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["migrate_hub.tenants.permissions.DenyByDefault"],
    "DEFAULT_PARSER_CLASSES": ["migrate_hub.tenants.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "migrate_hub.schema.OperationSchema",
    "EXCEPTION_HANDLER": "migrate_hub.errors.exception_handler",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "migrate_hub",
    "DESCRIPTION": "What on-premises machines will be, and cost, in the cloud.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "ApplianceKindEnum": "ingest.models.ApplianceKind",
        "RunStatusEnum": "assessments.models.RunStatus",
        "ImportStatusEnum": "ingest.imports.models.ImportStatus",
        "ImportFormatEnum": "ingest.imports.models.ImportFormat",
        "InvitationStateEnum": ["open", "accepted", "revoked", "expired"],
        "ReportFormatEnum": "reports.models.ReportFormat",
        "SensitivityStatusEnum": ["not_started", "created", "running", "completed", "failed"],
        "PercentileEnum": [(50, 50), (90, 90), (95, 95), (99, 99)],
        "PercentileNameEnum": ["50", "90", "95", "99", "maximum"],
        "UnknownLimitEnum": ["refuse", "accept_with_issue"],
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "migrate_hub.schema.describe_structs",
        "migrate_hub.schema.describe_problems",
        "migrate_hub.schema.tell_object_defaults",
    ],
}

# --- the rest --------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "static/"
# Plain HTTP serves them from the packages; production from the folder that `manage.py collectstatic` fills.
STATIC_ROOT = None if PLAIN_HTTP else env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
WHITENOISE_USE_FINDERS = PLAIN_HTTP
WHITENOISE_AUTOREFRESH = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if PLAIN_HTTP
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING_CONFIG = "migrate_hub.logs.configure"
LOGGING = {"level": LOG_LEVEL}
