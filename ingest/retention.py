"""How long history is kept. Read from the settings, so nothing that runs without them imports this."""

from datetime import timedelta

from django.conf import settings

# Points: uploads older than this are refused, folded days and blocks beyond it are dropped.
RETENTION = timedelta(days=settings.POINTS_KEPT_DAYS)
# Daily statistics go by whole months.
DAILY_KEPT_MONTHS = 13
