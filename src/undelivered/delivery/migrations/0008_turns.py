from django.db import migrations, models

from undelivered.database.indexes import AddIndexByPartition, RemoveIndexByPartition


class Migration(migrations.Migration):
    """What is due is found by project: workers claim by turns."""

    # The new index first: workers of both versions find what is due while this runs. Those of the version before find
    # it without their index, too, but sort what waits for every batch: they should not be left running with a deep queue.
    atomic = False
    dependencies = [("delivery", "0007_return_paths")]

    operations = [
        AddIndexByPartition(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("state", "queued")),
                fields=["project", "due_at", "id"],
                name="notification_turn",
            ),
        ),
        RemoveIndexByPartition(model_name="notification", name="notification_due"),
    ]
