"""What the worker must know of the portal: importing these registers its hourly clean-up."""

from migrate_hub.portal.sent_forms import forget_sent_forms
from migrate_hub.portal.throttle import forget_old_failures

__all__ = ["forget_old_failures", "forget_sent_forms"]
