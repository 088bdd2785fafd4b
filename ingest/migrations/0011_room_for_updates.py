from django.db import migrations

# An inventory upload writes the last sight of every machine. With room for a second version on the same page no index
# is touched (a heap-only update), and the next upload takes the room of the first version again (ADR 0032).
LEAVE_ROOM = "ALTER TABLE ingest_machine SET (fillfactor = 50)"
LEAVE_NONE = "ALTER TABLE ingest_machine RESET (fillfactor)"


class Migration(migrations.Migration):

    dependencies = [
        ('ingest', '0010_sorting_machines'),
    ]

    operations = [migrations.RunSQL(LEAVE_ROOM, LEAVE_NONE)]
