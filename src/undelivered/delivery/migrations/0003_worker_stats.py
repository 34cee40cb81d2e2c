from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0002_content_raw")]

    operations = [
        # With a default in the database: a worker of the version before does not name the column.
        migrations.AddField(
            model_name="worker",
            name="stats",
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.CreateModel(
            name="Throughput",
            fields=[
                ("slot", models.DateTimeField(primary_key=True, serialize=False)),
                ("sent", models.IntegerField(default=0)),
                ("failed", models.IntegerField(default=0)),
                ("retried", models.IntegerField(default=0)),
            ],
        ),
    ]
