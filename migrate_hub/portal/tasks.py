"""What the worker must know of the portal: importing the throttle registers its hourly clean-up."""

from migrate_hub.portal.throttle import forget_old_failures

__all__ = ["forget_old_failures"]
