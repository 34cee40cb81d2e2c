from django.db import migrations, models

from undelivered.database.indexes import AddIndexByPartition, RemoveIndexByPartition


class Migration(migrations.Migration):
    """Counting, and finding the newest of many recipients, no longer read the rows; rare states are found at once."""

    # The new ones first: the log of both versions has its indexes while this runs.
    atomic = False
    dependencies = [("delivery", "0008_turns")]

    operations = [
        AddIndexByPartition(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("state__in", ["failed", "delivered", "cancelled"])),
                fields=["project", "kind", "state", "-id"],
                name="notification_ended",
            ),
        ),
        AddIndexByPartition(
            model_name="notification",
            index=models.Index(
                fields=["project", "recipient_key"],
                include=("id", "kind", "state"),
                name="notification_to",
                opclasses=["int8_ops", "text_pattern_ops"],
            ),
        ),
        AddIndexByPartition(
            model_name="notification",
            index=models.Index(fields=["project", "name", "-id"], include=("kind",), name="notification_by_name"),
        ),
        AddIndexByPartition(
            model_name="notification",
            index=models.Index(
                fields=["project", "recipient_domain", "-id"], include=("kind",), name="notification_by_domain"
            ),
        ),
        RemoveIndexByPartition(model_name="notification", name="notification_failed"),
        RemoveIndexByPartition(model_name="notification", name="notification_recipient"),
        RemoveIndexByPartition(model_name="notification", name="notification_name"),
        RemoveIndexByPartition(model_name="notification", name="notification_domain"),
    ]
