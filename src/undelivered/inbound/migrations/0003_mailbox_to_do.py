from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inbound", "0002_arrivals")]

    operations = [
        migrations.AddField(
            model_name="mailbox",
            name="to_do",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(model_name="mailbox", name="taken", field=models.BigIntegerField(db_default=0, default=0)),
        migrations.AddField(model_name="mailbox", name="left", field=models.BigIntegerField(db_default=0, default=0)),
    ]
