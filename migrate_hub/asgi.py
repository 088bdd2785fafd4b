"""The ASGI application: Django behind the gate."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "migrate_hub.settings")

from django.core.asgi import get_asgi_application

from migrate_hub.refusals import told_in_one_line

with told_in_one_line():
    django_application = get_asgi_application()

from django.conf import settings

from migrate_hub.gate import Gate
from migrate_hub.tenants.startup import refuse_unsafe_database

refuse_unsafe_database()
application = Gate(
    django_application,
    places=settings.MAX_CONCURRENT_REQUESTS,
    large_uploads=settings.MAX_CONCURRENT_LARGE_UPLOADS,
    body_seconds=settings.BODY_SECONDS,
)
