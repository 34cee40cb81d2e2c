import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import undelivered.database.ids
from undelivered.database.partitioned import CreatePartitionedModel


class Migration(migrations.Migration):
    dependencies = [("desk", "0002_comment_action"), ("inbound", "0001_initial")]

    operations = [
        CreatePartitionedModel(
            name="Arrival",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=undelivered.database.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "door",
                    models.TextField(
                        choices=[
                            ("smtp", "SMTP"),
                            ("lmtp", "LMTP"),
                            ("pipe", "Command line"),
                            ("mailbox", "Mailbox"),
                            ("webhook", "Provider's webhook"),
                        ]
                    ),
                ),
                ("about", models.JSONField(default=dict)),
                ("raw", models.BinaryField()),
                (
                    "state",
                    models.TextField(
                        default="new",
                        choices=[
                            ("new", "Not read yet"),
                            ("applied", "Applied"),
                            ("ignored", "Ignored"),
                            ("unmatched", "Unmatched"),
                            ("broken", "Unreadable"),
                        ],
                    ),
                ),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now, null=True)),
                ("tries", models.SmallIntegerField(default=0)),
                ("project_id", models.BigIntegerField(null=True)),
                ("notification_id", models.UUIDField(null=True)),
                ("kind", models.TextField(default="")),
                (
                    "evidence",
                    models.TextField(
                        default="",
                        choices=[
                            ("return_path", "Signed return path"),
                            ("message_id", "Signed Message-ID"),
                            ("header", "Signed X-Undelivered-Id"),
                            ("provider", "Provider's signed event"),
                            ("plain_message_id", "Message-ID alone"),
                        ],
                    ),
                ),
                ("recipient", models.TextField(default="")),
                ("cause", models.TextField(default="")),
                ("detail", models.TextField(default="")),
                ("result", models.JSONField(default=list)),
                ("read_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["due_at", "id"], name="arrival_due", condition=models.Q(("state", "new"))),
                    models.Index(fields=["project_id", "-id"], name="arrival_newest_first"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Mailbox",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, max_length=200)),
                ("url", models.TextField()),
                ("secret", models.TextField(blank=True)),
                ("uid_validity", models.BigIntegerField(null=True)),
                ("last_uid", models.BigIntegerField(default=0)),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("error", models.TextField(blank=True)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mailboxes",
                        to="desk.project",
                    ),
                ),
            ],
        ),
    ]
