from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0006_count_day")]

    operations = [
        # With defaults in the database: programs of the version before do not name the columns.
        migrations.AddField(
            model_name="provider", name="rank", field=models.SmallIntegerField(db_default=0, default=0)
        ),
        migrations.AddField(
            model_name="provider",
            name="return_path",
            field=models.TextField(
                choices=[("signed", "To us"), ("login", "To the login's mailbox"), ("provider", "To the provider")],
                db_default="login",
                default="login",
            ),
        ),
        migrations.AddField(
            model_name="provider", name="hook_secret", field=models.TextField(blank=True, db_default="", default="")
        ),
        migrations.AddConstraint(
            model_name="provider",
            constraint=models.UniqueConstraint(
                fields=("project", "rank"), name="one_provider_a_rank", nulls_distinct=False
            ),
        ),
        migrations.RemoveConstraint(model_name="provider", name="one_provider"),
        migrations.CreateModel(
            name="MailDomain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("domain", models.TextField(unique=True)),
                ("bounce_domain", models.TextField(blank=True, default="")),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("found", models.JSONField(default=dict)),
                ("proved_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
    ]
