"""The pages' addresses, one line each. `key` names a project, and `guard` decides who may open it.

The menu (`shell.PLACES`) and other pages rely on these names: log-invitations, log-requests, notification, requests,
request, customers, suppressions, settings, settings-rule, audit.
"""

from django.urls import URLPattern, path

from undelivered.delivery.models import Kind
from undelivered.web.pages import (
    arrivals,
    audit,
    customers,
    home,
    invite,
    log,
    notification,
    request,
    requests,
    settings,
    sign_in,
    suppression_files,
    suppressions,
    system,
)
from undelivered.web.pages.portal import invitation as portal_invitation
from undelivered.web.pages.portal import request as portal_request
from undelivered.web.pages.settings import credentials, dns, general, mailboxes, members, provider, rule, rules, tokens

INVITATIONS, REQUESTS = {"kind": Kind.INVITATION}, {"kind": Kind.REQUEST}

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("theme", home.theme, name="theme"),
    path("projects", home.create_project, name="create-project"),
    # the site's health, for its admins
    path("system", system.page, name="system"),
    path("system/domains", dns.everywhere, name="system-domains"),
    path("system/arrivals", arrivals.nobodys, name="system-arrivals"),
    path("system/arrivals/<uuid:id>", arrivals.nobodys_page, name="system-arrival"),
    path("system/providers/<int:provider_id>/resume", system.resume, name="system-resume"),
    # the log
    path("p/<str:key>/log/invitations", log.log, INVITATIONS, name="log-invitations"),
    path("p/<str:key>/log/invitations/resend", log.resend_selected, INVITATIONS, name="log-invitations-resend"),
    path("p/<str:key>/log/requests", log.log, REQUESTS, name="log-requests"),
    path("p/<str:key>/log/requests/resend", log.resend_selected, REQUESTS, name="log-requests-resend"),
    path("p/<str:key>/notifications/<uuid:id>", notification.notification, name="notification"),
    path("p/<str:key>/notifications/<uuid:id>/mail", notification.mail, name="notification-mail"),
    path("p/<str:key>/notifications/<uuid:id>/resend", notification.resend, name="notification-resend"),
    path("p/<str:key>/notifications/<uuid:id>/correct", notification.correct, name="notification-correct"),
    path("p/<str:key>/notifications/<uuid:id>/cancel", notification.cancel, name="notification-cancel"),
    path("p/<str:key>/notifications/<uuid:id>/release", notification.release, name="notification-release"),
    # requests
    path("p/<str:key>/requests", requests.listing, name="requests"),
    path("p/<str:key>/requests/new", requests.new, name="requests-new"),
    path("p/<str:key>/requests/<str:issue_key>", request.detail, name="request"),
    path("p/<str:key>/requests/<str:issue_key>/reply", request.reply, name="request-reply"),
    path("p/<str:key>/requests/<str:issue_key>/plan", request.plan, name="request-plan"),
    path("p/<str:key>/requests/<str:issue_key>/comments/<int:comment_id>", request.edit, name="request-comment"),
    # customers
    path("p/<str:key>/customers", customers.listing, name="customers"),
    path("p/<str:key>/customers/invite", invite.page, name="customers-invite"),
    path("p/<str:key>/customers/invite/look", invite.look, name="customers-invite-look"),
    path("p/<str:key>/customers/invited", invite.sent, name="customers-invited"),
    path("p/<str:key>/customers/<int:customer_id>", customers.page, name="customer"),
    path("p/<str:key>/customers/<int:customer_id>/resend", customers.resend, name="customer-resend"),
    # the suppression list
    path("p/<str:key>/suppressions", suppressions.listing, name="suppressions"),
    path("p/<str:key>/suppressions/add", suppressions.add, name="suppression-add"),
    path("p/<str:key>/suppressions/import", suppression_files.page, name="suppression-import"),
    path("p/<str:key>/suppressions/import/<uuid:id>", suppression_files.look, name="suppression-import-look"),
    path("p/<str:key>/suppressions/export", suppression_files.export, name="suppression-export"),
    path("p/<str:key>/suppressions/skipped", suppressions.send_skipped, name="suppression-skipped"),
    path("p/<str:key>/suppressions/<int:entry_id>/lift", suppressions.lift, name="suppression-lift"),
    # what came in
    path("p/<str:key>/arrivals", arrivals.listing, name="arrivals"),
    path("p/<str:key>/arrivals/<uuid:id>", arrivals.page, name="arrival"),
    # settings
    path("p/<str:key>/settings", settings.first, name="settings"),
    path("p/<str:key>/settings/rules", rules.page, name="settings-rules"),
    path("p/<str:key>/settings/rules/<slug:event>", rule.page, name="settings-rule"),
    path("p/<str:key>/settings/rules/<slug:event>/switch", rules.switch, name="settings-rule-switch"),
    path("p/<str:key>/settings/rules/<slug:event>/preview", rule.preview, name="settings-rule-preview"),
    path("p/<str:key>/settings/rules/<slug:event>/mail", rule.mail, name="settings-rule-mail"),
    path("p/<str:key>/settings/rules/<slug:event>/test", rule.test, name="settings-rule-test"),
    path("p/<str:key>/settings/rules/<slug:event>/reset", rule.reset, name="settings-rule-reset"),
    path("p/<str:key>/settings/general", general.page, name="settings-general"),
    path("p/<str:key>/settings/general/held", general.send_held, name="settings-held"),
    path("p/<str:key>/settings/provider", provider.page, name="settings-provider"),
    path("p/<str:key>/settings/provider/resume", provider.resume, name="settings-provider-resume"),
    path("p/<str:key>/settings/provider/remove", provider.remove, name="settings-provider-remove"),
    path("p/<str:key>/settings/provider/bounces", provider.let_bounces_go, name="settings-provider-bounces"),
    path("p/<str:key>/settings/provider/try", provider.try_it, name="settings-provider-try"),
    path("p/<str:key>/settings/mailboxes", mailboxes.page, name="settings-mailboxes"),
    path("p/<str:key>/settings/mailboxes/<int:mailbox_id>/look", mailboxes.look, name="settings-mailbox-look"),
    path("p/<str:key>/settings/mailboxes/<int:mailbox_id>/remove", mailboxes.remove, name="settings-mailbox-remove"),
    path("p/<str:key>/settings/domains", dns.page, name="settings-domains"),
    path("p/<str:key>/settings/domains/<str:domain>", dns.save, name="settings-domain"),
    path("p/<str:key>/settings/domains/<str:domain>/check", dns.check, name="settings-domain-check"),
    path("p/<str:key>/settings/domains/<str:domain>/test", dns.test, name="settings-domain-test"),
    path("p/<str:key>/settings/smtp", credentials.page, name="settings-credentials"),
    path("p/<str:key>/settings/smtp/networks", credentials.trust, name="settings-network-add"),
    path(
        "p/<str:key>/settings/smtp/networks/<int:network_id>/remove",
        credentials.distrust,
        name="settings-network-remove",
    ),
    path("p/<str:key>/settings/smtp/<int:credential_id>/revoke", credentials.revoke, name="settings-credential-revoke"),
    path("p/<str:key>/settings/members", members.page, name="settings-members"),
    path("p/<str:key>/settings/members/<int:membership_id>/remove", members.remove, name="settings-member-remove"),
    path("p/<str:key>/settings/tokens", tokens.page, name="settings-tokens"),
    path("p/<str:key>/settings/tokens/<int:token_id>/revoke", tokens.revoke, name="settings-token-revoke"),
    path("p/<str:key>/audit", audit.page, name="audit"),
    # what customers see, by the signed links of their mails (desk/links.py)
    path("portal/invitation/<str:token>", portal_invitation.page, name="portal-invitation"),
    path("portal/request/<str:token>", portal_request.page, name="portal-request"),
    path("portal/request/<str:token>/notifications", portal_request.notifications, name="portal-notifications"),
    path("portal/off/<str:token>", portal_request.off, name="portal-off"),
]
