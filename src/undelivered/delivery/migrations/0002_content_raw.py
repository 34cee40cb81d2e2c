from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0001_initial")]

    operations = [
        # On the partitioned parent: every day follows, those to come copy it. No row is rewritten.
        migrations.AddField(model_name="content", name="raw", field=models.BinaryField(null=True)),
        # Compressing a mail of megabytes takes longer than writing it, and attachments are compressed already.
        migrations.RunSQL(
            "ALTER TABLE delivery_content ALTER COLUMN raw SET STORAGE EXTERNAL", reverse_sql=migrations.RunSQL.noop
        ),
    ]
