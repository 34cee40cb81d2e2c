from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0003_worker_stats")]

    operations = [
        migrations.AddField(
            model_name="provider", name="paced_until", field=models.DateTimeField(blank=True, null=True)
        ),
    ]
