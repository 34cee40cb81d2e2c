"""Events as the email services send them, in our own words: the body, its form, and the signature.

`BODIES[esp][what]` makes the body of one event from the notification's token; `Service` posts it as the service would.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

RECIPIENT = "ann@northwind.example"
UNKNOWN = "550 5.1.1 <ann@northwind.example>: Recipient address rejected: User unknown"
FULL = "452 4.2.2 The mailbox is over its quota"
#: When it happened: later than the notifications left that the tests make.
AT = int(time.time()) + 300
WHEN = datetime.fromtimestamp(AT, UTC)
ISO = WHEN.strftime("%Y-%m-%dT%H:%M:%SZ")

_KEY = ec.generate_private_key(ec.SECP256R1())
_RSA = rsa.generate_private_key(65537, 2048)


def _public(key: Any) -> str:
    """A public key as the services show it: without the lines around it."""
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "".join(pem.decode().splitlines()[1:-1])


#: Secrets beside the one that sending needs.
SECRETS: dict[str, dict[str, str]] = {
    "amazon_ses": {"aws_secret_access_key": "aws-hush"},
    "mailersend": {"api_token": "k", "signing_secret": "ms-hush"},
    "mailgun": {"api_key": "k", "webhook_signing_key": "mg-hush"},
    "mailjet": {"api_key": "a", "secret_key": "b"},
    "mandrill": {"api_key": "k", "webhook_key": "md-hush"},
    "postal": {"api_key": "k", "webhook_key": _public(_RSA)},
    "postmark": {"server_token": "k"},
    "resend": {"api_key": "k", "signing_secret": "whsec_" + base64.b64encode(b"resend-hush-resend-hush").decode()},
    "sendgrid": {"api_key": "k", "tracking_webhook_verification_key": _public(_KEY)},
}
OPTIONS = {
    "amazon_ses": "region_name=eu-west-1&aws_access_key_id=AK",
    "postal": "api_url=https://postal.example.com",
    "unisender_go": "api_url=https://go1.unisender.example/ru/transactional/api/v1",
}


def url(esp: str) -> str:
    return f"esp://{esp}?{OPTIONS.get(esp, '')}".rstrip("?")


def secrets(esp: str) -> str:
    return json.dumps(SECRETS.get(esp, {"api_key": "k-hush"}))


# --- bodies -----------------------------------------------------------------------------------------------------------


def _postmark(record: str, type_: str = "", **more: Any) -> Callable[[str], Any]:
    def body(token: str) -> Any:
        told = {"RecordType": record, "MessageID": "883953f4", "Metadata": {"undelivered_id": token}, **more}
        return told | ({"Type": type_, "ID": 692560173, "Email": RECIPIENT, "BouncedAt": ISO} if type_ else {})

    return body


def _mailgun(event: str, **more: Any) -> Callable[[str], Any]:
    return lambda token: {
        "event-data": {
            "event": event,
            "timestamp": AT,
            "id": "G9Bn5sl1TC6nu79C8C0bwg",
            "recipient": RECIPIENT,
            "message": {"headers": {"message-id": "1@mg.example.com"}},
            "user-variables": {"undelivered_id": token},
            **more,
        }
    }


def _sendgrid(event: str, **more: Any) -> Callable[[str], Any]:
    return lambda token: [
        {
            "event": event,
            "email": RECIPIENT,
            "timestamp": AT,
            "sg_event_id": f"{event}-1",
            "undelivered_id": token,
            **more,
        }
    ]


def _ses(kind: str, told: dict[str, Any], field: str = "") -> Callable[[str], Any]:
    def body(token: str) -> Any:
        header = {"name": "X-Metadata", "value": json.dumps({"undelivered_id": token})}
        mail = {"messageId": "0102-1", "destination": [RECIPIENT], "headers": [header]}
        message = {"eventType": kind, "mail": mail, field or kind.lower(): told}
        return {
            "Type": "Notification",
            "MessageId": f"sns-{kind}",
            "TopicArn": "arn:aws:sns:eu-west-1:123456789012:events",
            "Timestamp": ISO,
            "Message": json.dumps(message),
        }

    return body


def _ses_bounce(kind: str, sub: str, said: str = "") -> Callable[[str], Any]:
    recipient = {"emailAddress": RECIPIENT, **({"diagnosticCode": said} if said else {})}
    told = {"bounceType": kind, "bounceSubType": sub, "bouncedRecipients": [recipient]}
    return _ses("Bounce", {**told, "timestamp": ISO})


def _brevo(event: str, **more: Any) -> Callable[[str], Any]:
    return lambda token: {
        "event": event,
        "email": RECIPIENT,
        "ts_epoch": AT * 1000,
        "message-id": "<1@brevo>",
        "X-Mailin-custom": json.dumps({"undelivered_id": token}),
        **more,
    }


def _mailjet(event: str, **more: Any) -> Callable[[str], Any]:
    return lambda token: [
        {
            "event": event,
            "email": RECIPIENT,
            "time": AT,
            "MessageID": 19421777,
            "Payload": json.dumps({"undelivered_id": token}),
            **more,
        }
    ]


def _mandrill(event: str, **more: Any) -> Callable[[str], Any]:
    def body(token: str) -> Any:
        return [
            {
                "event": event,
                "ts": AT,
                "_id": "exampleaaa",
                "msg": {"email": RECIPIENT, "metadata": {"undelivered_id": token}, **more},
            }
        ]

    return body


def _mailersend(type_: str, morph: dict[str, Any] | None = None) -> Callable[[str], Any]:
    return lambda token: {
        "type": f"activity.{type_}",
        "data": {
            "id": f"ms-{type_}",
            "type": type_,
            "created_at": ISO,
            "email": {"message": {"id": "m"}, "recipient": {"email": RECIPIENT}, "tags": [token]},
            "morph": morph,
        },
    }


def _postal(event: str, **payload: Any) -> Callable[[str], Any]:
    def body(token: str) -> Any:
        message = {"id": 12345, "direction": "outgoing", "to": RECIPIENT, "tag": token}
        name = "original_message" if "bounce" in payload else "message"
        return {"event": event, "timestamp": AT, "uuid": f"u-{event}", "payload": {name: message, **payload}}

    return body


def _resend(type_: str, **more: Any) -> Callable[[str], Any]:
    return lambda token: {
        "type": type_,
        "created_at": ISO,
        "data": {
            "email_id": "e",
            "to": [RECIPIENT],
            "headers": [{"name": "X-Metadata", "value": json.dumps({"undelivered_id": token})}],
            **more,
        },
    }


def _sparkpost(type_: str, **more: Any) -> Callable[[str], Any]:
    return lambda token: [
        {
            "msys": {
                "message_event": {
                    "type": type_,
                    "timestamp": str(AT),
                    "event_id": f"sp-{type_}",
                    "raw_rcpt_to": RECIPIENT,
                    "rcpt_meta": {"undelivered_id": token},
                    **more,
                }
            }
        }
    ]


def _unisender(status: str, code: str = "", said: str = "") -> Callable[[str], Any]:
    return lambda token: {
        "auth": "",
        "events_by_user": [
            {
                "user_id": 456,
                "events": [
                    {
                        "event_name": "transactional_email_status",
                        "event_data": {
                            "job_id": "1a3Q2V",
                            "email": RECIPIENT,
                            "status": status,
                            "event_time": WHEN.strftime("%Y-%m-%d %H:%M:%S"),
                            "metadata": {"undelivered_id": token},
                            "delivery_info": {"delivery_status": code, "destination_response": said},
                        },
                    }
                ],
            }
        ],
    }


#: What each service says, and of what.
BODIES: dict[str, dict[str, Callable[[str], Any]]] = {
    "amazon_ses": {
        "delivered": _ses("Delivery", {"recipients": [RECIPIENT], "smtpResponse": "250 ok", "timestamp": ISO}),
        "delayed": _ses(
            "DeliveryDelay",
            {"delayType": "MailboxFull", "delayedRecipients": [{"emailAddress": RECIPIENT, "diagnosticCode": FULL}]},
            "deliveryDelay",
        ),
        "hard": _ses_bounce("Permanent", "General", f"smtp; {UNKNOWN}"),
        "soft": _ses_bounce("Transient", "MailboxFull", f"smtp; {FULL}"),
        "listed": _ses_bounce("Permanent", "OnAccountSuppressionList"),
        "complained": _ses("Complaint", {"complainedRecipients": [{"emailAddress": RECIPIENT}]}),
        "opened": _ses("Open", {"userAgent": "x"}),
    },
    "brevo": {
        "delivered": _brevo("delivered"),
        "delayed": _brevo("deferred", reason=FULL),
        "hard": _brevo("hard_bounce", reason=UNKNOWN),
        "soft": _brevo("soft_bounce", reason=FULL),
        "listed": _brevo("blocked", reason="blocked : due to blacklist user"),
        "complained": _brevo("spam"),
        "opened": _brevo("unique_opened"),
    },
    "mailersend": {
        "delivered": _mailersend("delivered"),
        "hard": _mailersend("hard_bounced", {"object": "recipient_bounce", "reason": UNKNOWN}),
        "soft": _mailersend("soft_bounced", {"object": "recipient_bounce", "reason": FULL}),
        "complained": _mailersend("spam_complaint", {"object": "spam_complaint"}),
        "opened": _mailersend("opened"),
    },
    "mailgun": {
        "delivered": _mailgun("delivered"),
        "delayed": _mailgun("failed", severity="temporary", reason="generic", **{"delivery-status": {"message": FULL}}),
        "hard": _mailgun("failed", severity="permanent", reason="bounce", **{"delivery-status": {"message": UNKNOWN}}),
        "soft": _mailgun("failed", severity="permanent", reason="old", **{"delivery-status": {"message": ""}}),
        "listed": _mailgun(
            "failed",
            severity="permanent",
            reason="suppress-bounce",
            **{"delivery-status": {"message": "", "description": "Not delivering to previously bounced address"}},
        ),
        "complained": _mailgun("complained"),
        "opened": _mailgun("opened"),
    },
    "mailjet": {
        "delivered": _mailjet("sent", smtp_reply="250 ok"),
        "delayed": _mailjet("bounce", hard_bounce=False, error="greylisted"),
        "hard": _mailjet("bounce", hard_bounce=True, error_related_to="recipient", error="user unknown"),
        "soft": _mailjet("bounce", hard_bounce=False, error_related_to="recipient", error="quota exceeded"),
        "listed": _mailjet("blocked", error_related_to="recipient", error="preblocked"),
        "complained": _mailjet("spam", source="JMRPP"),
        "opened": _mailjet("open"),
    },
    "mandrill": {
        "delayed": _mandrill("deferral", diag=FULL),
        "hard": _mandrill("hard_bounce", bounce_description="bad_mailbox", diag=f"smtp;{UNKNOWN}"),
        "soft": _mandrill("soft_bounce", bounce_description="mailbox_full", diag=f"smtp;{FULL}"),
        "listed": _mandrill("reject"),
        "complained": _mandrill("spam"),
        "opened": _mandrill("open"),
    },
    "postal": {
        "delivered": _postal("MessageSent", status="Sent", output="250 2.0.0 Ok", details="Sent"),
        "delayed": _postal("MessageDelayed", status="SoftFail", output=FULL),
        "hard": _postal("MessageDeliveryFailed", status="HardFail", output=UNKNOWN),
        "soft": _postal("MessageBounced", bounce={"id": 2, "subject": "Mail delivery failed"}),
        "opened": _postal("MessageLinkClicked", url="https://desk.example.com/"),
    },
    "postmark": {
        "delivered": _postmark("Delivery", Recipient=RECIPIENT, DeliveredAt=ISO, Details="250 ok"),
        "delayed": _postmark("Bounce", "Transient", Details=FULL),
        "hard": _postmark("Bounce", "HardBounce", Details=UNKNOWN, Description="The server was unable to deliver"),
        "soft": _postmark("Bounce", "SoftBounce", Details=FULL),
        "listed": _postmark("Bounce", "ManuallyDeactivated"),
        "complained": _postmark("SpamComplaint", "SpamComplaint"),
        "opened": _postmark("Open", Recipient=RECIPIENT, ReceivedAt=ISO),
    },
    "resend": {
        "delivered": _resend("email.delivered"),
        "delayed": _resend("email.delivery_delayed"),
        "hard": _resend("email.bounced", bounce={"type": "Permanent", "subType": "General", "message": "hard bounce"}),
        "soft": _resend("email.bounced", bounce={"type": "Transient", "subType": "MailboxFull", "message": "full"}),
        "listed": _resend("email.bounced", bounce={"type": "Permanent", "subType": "Suppressed", "message": "x"}),
        "complained": _resend("email.complained"),
        "opened": _resend("email.opened"),
    },
    "sendgrid": {
        "delivered": _sendgrid("delivered", response="250 OK"),
        "delayed": _sendgrid("deferred", response=FULL, attempt="5"),
        "hard": _sendgrid("bounce", type="bounce", reason=UNKNOWN, status="5.1.1"),
        "soft": _sendgrid("bounce", type="blocked", reason="554 5.7.1 Message blocked due to spam content"),
        "listed": _sendgrid("dropped", reason="Bounced Address"),
        "complained": _sendgrid("spamreport"),
        "opened": _sendgrid("open"),
    },
    "sparkpost": {
        "delivered": _sparkpost("delivery"),
        "delayed": _sparkpost("delay", bounce_class="22", raw_reason=FULL),
        "hard": _sparkpost("bounce", bounce_class="10", raw_reason=UNKNOWN),
        "soft": _sparkpost("bounce", bounce_class="22", raw_reason=FULL),
        "listed": _sparkpost(
            "policy_rejection",
            bounce_class="25",
            raw_reason="550 5.7.1 recipient address suppressed due to customer policy",
        ),
        "complained": _sparkpost("spam_complaint"),
        "opened": _sparkpost("open"),
    },
    "unisender_go": {
        "delivered": _unisender("delivered"),
        "delayed": _unisender("soft_bounced", "err_will_retry", FULL),
        "hard": _unisender("hard_bounced", "err_user_unknown", UNKNOWN),
        "soft": _unisender("hard_bounced", "err_mailbox_full", FULL),
        "listed": _unisender("hard_bounced", "err_unsubscribed"),
        "complained": _unisender("spam"),
        "opened": _unisender("opened"),
    },
}


# --- signatures -------------------------------------------------------------------------------------------------------


@dataclass
class Signed:
    """What is posted: a body with its type, and headers."""

    body: bytes
    headers: dict[str, str]
    content_type: str = "application/json"


def _hmac(key: str, data: bytes, digest: str = "sha256") -> str:
    return hmac.new(key.encode(), data, digest).hexdigest()


def _sign_mailgun(body: Any, address: str, forged: bool) -> Signed:
    stamp, token = str(int(time.time())), hashlib.sha256(json.dumps(body).encode()).hexdigest()[:50]
    key = "another" if forged else SECRETS["mailgun"]["webhook_signing_key"]
    signature = {"timestamp": stamp, "token": token, "signature": _hmac(key, f"{stamp}{token}".encode())}
    return Signed(json.dumps({"signature": signature, **body}).encode(), {})


def _sign_mailersend(body: Any, address: str, forged: bool) -> Signed:
    data = json.dumps(body).encode()
    return Signed(data, {"Signature": _hmac("another" if forged else SECRETS["mailersend"]["signing_secret"], data)})


def _sign_mandrill(body: Any, address: str, forged: bool) -> Signed:
    events = json.dumps(body)
    key = "another" if forged else SECRETS["mandrill"]["webhook_key"]
    mac = hmac.new(key.encode(), f"{address}mandrill_events{events}".encode(), "sha1").digest()
    form = urlencode({"mandrill_events": events}).encode()
    return Signed(form, {"X-Mandrill-Signature": base64.b64encode(mac).decode()}, "application/x-www-form-urlencoded")


def _sign_postal(body: Any, address: str, forged: bool) -> Signed:
    data = json.dumps(body).encode()
    signature = _RSA.sign(data + (b"x" if forged else b""), padding.PKCS1v15(), hashes.SHA1())
    return Signed(data, {"X-Postal-Signature": base64.b64encode(signature).decode()})


def _sign_resend(body: Any, address: str, forged: bool) -> Signed:
    data, stamp = json.dumps(body).encode(), str(int(time.time()))
    id = f"msg_{hashlib.md5(data).hexdigest()}"
    key = b"another" if forged else b"resend-hush-resend-hush"
    mac = base64.b64encode(hmac.new(key, f"{id}.{stamp}.".encode() + data, "sha256").digest()).decode()
    return Signed(data, {"svix-id": id, "svix-timestamp": stamp, "svix-signature": f"v1,{mac}"})


def _sign_sendgrid(body: Any, address: str, forged: bool) -> Signed:
    data, stamp = json.dumps(body).encode(), str(int(time.time()))
    signature = _KEY.sign((stamp + ("x" if forged else "")).encode() + data, ec.ECDSA(hashes.SHA256()))
    headers = {"Signature": base64.b64encode(signature).decode(), "Timestamp": stamp}
    return Signed(data, {f"X-Twilio-Email-Event-Webhook-{name}": value for name, value in headers.items()})


def _sign_ses(body: Any, address: str, forged: bool) -> Signed:
    headers = {"x-amz-sns-message-type": "Other" if forged else body["Type"], "x-amz-sns-message-id": body["MessageId"]}
    return Signed(json.dumps(body).encode(), headers, "text/plain; charset=UTF-8")


def _sign_unisender(body: Any, address: str, forged: bool) -> Signed:
    key = "another" if forged else "k-hush"
    data = json.dumps({**body, "auth": "AUTH"}).encode()
    auth = hashlib.md5(data.replace(b"AUTH", key.encode())).hexdigest()
    return Signed(data.replace(b"AUTH", auth.encode()), {})


SIGN: dict[str, Callable[[Any, str, bool], Signed]] = {
    "amazon_ses": _sign_ses,
    "mailersend": _sign_mailersend,
    "mailgun": _sign_mailgun,
    "mandrill": _sign_mandrill,
    "postal": _sign_postal,
    "resend": _sign_resend,
    "sendgrid": _sign_sendgrid,
    "unisender_go": _sign_unisender,
}


def signed(esp: str, body: Any, address: str, *, forged: bool = False) -> Signed:
    """As the service would post it. Those that sign nothing have the secret address only."""
    return SIGN[esp](body, address, forged) if esp in SIGN else Signed(json.dumps(body).encode(), {})
