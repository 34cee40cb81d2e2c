from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="comment",
            name="action",
            field=models.UUIDField(blank=True, null=True),
        ),
    ]
