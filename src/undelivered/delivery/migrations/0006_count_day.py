from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0005_log_filters")]

    operations = [
        migrations.AddIndex(model_name="dailycount", index=models.Index(fields=["day"], name="count_day")),
    ]
