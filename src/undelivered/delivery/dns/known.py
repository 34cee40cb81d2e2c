"""Providers whose ways are known: by the host that mail is handed to, or by the name of their API.

Of each: what it does with an envelope sender of ours, what a domain's SPF record includes to let it send, and the DKIM
selectors that it tells people to publish. Only what the providers' own guides say; a probe tells the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

from undelivered.delivery.models import ReturnPath


@dataclass(frozen=True, slots=True)
class KnownProvider:
    label: str
    hosts: tuple[str, ...]  # where its SMTP is: these names and all below them
    return_path: ReturnPath | None  # what it does with an envelope sender; None: it depends
    include: str = ""  # the domain that an SPF record includes; empty: it is not known, or not needed
    selectors: tuple[str, ...] = ()
    api: str = ""  # its name in `esp://name`


def _row(
    label: str, hosts: str, return_path: ReturnPath | None, include: str = "", selectors: str = "", api: str = ""
) -> KnownProvider:
    return KnownProvider(label, tuple(hosts.split()), return_path, include, tuple(selectors.split()), api)


LOGIN, PROVIDER = ReturnPath.LOGIN, ReturnPath.PROVIDER
KNOWN: tuple[KnownProvider, ...] = (
    # mailboxes: the envelope sender has to be the login's address
    _row("Microsoft 365", "smtp.office365.com", LOGIN, "spf.protection.outlook.com", "selector1 selector2"),
    _row("Microsoft 365", "mail.protection.outlook.com", None, "spf.protection.outlook.com", "selector1 selector2"),
    _row("Outlook.com", "smtp-mail.outlook.com", LOGIN),
    _row("Google Workspace", "smtp.gmail.com smtp.googlemail.com", LOGIN, "_spf.google.com", "google"),
    _row("Google Workspace relay", "smtp-relay.gmail.com", None, "_spf.google.com", "google"),
    _row("Fastmail", "smtp.fastmail.com", LOGIN, "spf.messagingengine.com", "fm1 fm2 fm3"),
    _row("Proton Mail", "smtp.protonmail.ch", LOGIN, "_spf.protonmail.ch", "protonmail protonmail2 protonmail3"),
    _row("iCloud Mail", "smtp.mail.me.com", LOGIN, "icloud.com", "sig1"),
    # email services: they put their own in its place and take bounces themselves
    _row("Amazon SES", "amazonaws.com", PROVIDER, "amazonses.com", api="amazon_ses"),
    _row(
        "Brevo",
        "smtp-relay.brevo.com smtp-relay.sendinblue.com",
        PROVIDER,
        "spf.brevo.com",
        "brevo1 brevo2 mail",
        "brevo",
    ),
    _row("MailerSend", "smtp.mailersend.net", PROVIDER, "_spf.mailersend.net", "mlsend mlsend2", "mailersend"),
    _row("Mailgun", "mailgun.org", PROVIDER, "mailgun.org", "k1 pdk1 pdk2 mx smtp pic krs mailo", "mailgun"),
    _row("Mailjet", "mailjet.com", PROVIDER, "spf.mailjet.com", "mailjet", "mailjet"),
    _row("Mandrill", "mandrillapp.com", PROVIDER, "spf.mandrillapp.com", "mte1 mte2 mandrill", "mandrill"),
    _row("Postmark", "postmarkapp.com", PROVIDER, "spf.mtasv.net", "pm", "postmark"),
    _row("Resend", "smtp.resend.com", PROVIDER, "amazonses.com", "resend", "resend"),
    _row("SendGrid", "smtp.sendgrid.net", PROVIDER, "sendgrid.net", "s1 s2", "sendgrid"),
    _row("SparkPost", "sparkpostmail.com", PROVIDER, "sparkpostmail.com", "", "sparkpost"),
)


def by_host(host: str) -> KnownProvider | None:
    name = host.lower().rstrip(".")
    return next((one for one in KNOWN if any(name == h or name.endswith(f".{h}") for h in one.hosts)), None)


def by_api(name: str) -> KnownProvider | None:
    return next((one for one in KNOWN if one.api and one.api == name.replace("-", "_").lower()), None)
