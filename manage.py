#!/usr/bin/env python
"""Django's command line. Where no services are named in the environment, the embedded ones are used."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "migrate_hub.settings")
    from django.core.management import execute_from_command_line

    from migrate_hub.local.environment import prepare_environment
    from migrate_hub.refusals import told_in_one_line

    prepare_environment(sys.argv)
    with told_in_one_line():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
