"""Sending domains: where the bounces of each go, which records to publish in DNS, how they stand, and what follows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from undelivered.delivery import dns, mail_domains, probe, providers, return_path
from undelivered.delivery.dns import Asked, Check, Look
from undelivered.delivery.models import MailDomain, Provider, ReturnPath
from undelivered.delivery.transports.esp_url import is_esp
from undelivered.inbound import from_domains
from undelivered.web.guard import PageRequest, ProjectRequest, project_admin, site_admin
from undelivered.web.pages.fields import DeskForm, Line
from undelivered.web.pages.settings import TABS
from undelivered.web.pages.settings.return_path_shown import Tested, test_of

_PARTS = re.compile(r"[\s,;]+")


class DomainForm(DeskForm):
    bounce_domain = Line(label="Bounce domain", max_length=253, required=False)
    selectors = Line(
        label="DKIM selectors",
        max_length=1000,
        required=False,
        help_text="What s= says in the DKIM-Signature of a mail that was sent. Several with a comma between.",
    )
    addresses = Line(
        label="Addresses that mail leaves from",
        max_length=1000,
        required=False,
        help_text="IP addresses of the server that delivers, where your provider is not known here.",
    )


@dataclass(frozen=True, slots=True)
class Card:
    """A domain as the page shows it."""

    row: MailDomain
    asked: Asked
    look: Look
    looked: bool  # else `look` is only what is to be published
    form: DomainForm
    suggested: ReturnPath
    why: str
    may_change: bool
    opened: bool
    tested: Tested | None

    @property
    def checks(self) -> list[Check]:
        """Before anybody has looked: what there is to publish."""
        return [check for check in self.look.checks if self.looked or check.wanted]

    @property
    def outdated(self) -> bool:
        """Whether mail is sent in another way than when it was looked at."""
        return self.looked and (self.look.mode, self.look.provider) != (self.asked.mode.value, self.asked.who)

    @property
    def proposed(self) -> str:
        return return_path.site_bounce_domain() or mail_domains.proposed(self.row.domain)


@project_admin
@require_safe
def page(request: ProjectRequest) -> HttpResponse:
    return _show(request)


@project_admin
@require_POST
def save(request: ProjectRequest, domain: str) -> HttpResponse:
    """Sets where the domain's bounces go, and looks at its records."""
    domain = _own(request, domain)
    if not _may_change(request, domain):
        raise PermissionDenied(
            "Other projects send from this domain, too: only site admins may change where bounces go."
        )
    form = DomainForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            mail_domains.change(
                domain,
                by=request.by,
                project=request.project,
                bounce_domain=data["bounce_domain"],
                selectors=_PARTS.split(data["selectors"]),
                addresses=_PARTS.split(data["addresses"]),
                taken=from_domains.everywhere(),
            )
        except ValueError as error:
            form.refuse(error)
        else:
            mail_domains.check(_asked(request, mail_domains.find(domain)))
            messages.success(request, f"{domain} is saved.")
            return _back(request, domain)
    return _show(request, (domain, form), status=422)


@project_admin
@require_POST
def check(request: ProjectRequest, domain: str) -> HttpResponse:
    domain = _own(request, domain)
    if mail_domains.check(_asked(request, mail_domains.find(domain))) is None:
        messages.info(request, f"{domain} was looked at a moment ago. What DNS says is remembered for minutes anyway.")
    return _back(request, domain)


@project_admin
@require_POST
def test(request: ProjectRequest, domain: str) -> HttpResponse:
    """Sends a mail through the provider to this site itself, to see where its bounces would go."""
    domain = _own(request, domain)
    provider = providers.provider_for(request.project)
    if provider and request.POST.get("rank") == str(providers.FALLBACK):
        provider = providers.fallback_of(provider)
    own = request.project.from_address
    sender = own if own.lower().endswith(f"@{domain}") else f"postmaster@{domain}"
    if provider is None:
        messages.error(request, "There is no provider yet.")
    else:
        try:
            probe.start(provider, sender, by=request.by)
        except ValueError as error:
            messages.error(request, str(error))
    if request.POST.get("back") == "provider":
        return redirect(
            reverse("settings-provider", args=[request.project.key]) + (f"#bounces-{provider.pk}" if provider else "")
        )
    return _back(request, domain)


@site_admin
@require_safe
def everywhere(request: PageRequest) -> HttpResponse:
    """All domains that mail is sent from, of all projects."""
    stored = {row.domain: row for row in MailDomain.objects.all()}
    rows = []
    for domain, projects in from_domains.everywhere().items():
        row = stored.get(domain) or MailDomain(domain=domain)
        rows.append((row, projects, mail_domains.last_look(row)))
    context = {"rows": rows, "site_bounce_domain": return_path.site_bounce_domain()}
    return render(request, "system/domains.html", context)


def _show(request: ProjectRequest, bound: tuple[str, DomainForm] | None = None, status: int = 200) -> HttpResponse:
    provider = providers.provider_for(request.project)
    rows = [mail_domains.find(domain) for domain in from_domains.of_project(request.project) if domain]
    cards = [_card(request, row, provider, bound[1] if bound and bound[0] == row.domain else None) for row in rows]
    context = {
        "tabs": TABS,
        "cards": cards,
        "provider": provider,
        "sender": dns.sender(provider) if provider else None,
        "mode": ReturnPath(provider.return_path) if provider else None,
        "site_bounce_domain": return_path.site_bounce_domain(),
        "smtp_name": settings.ENV.smtp_name,
    }
    return render(request, "settings/dns.html", context, status=status)


def _card(request: ProjectRequest, row: MailDomain, provider: Provider | None, form: DomainForm | None) -> Card:
    asked = _asked(request, row, provider)
    last = mail_domains.last_look(row)
    suggested, why = dns.follows(asked, last)
    found = {name: ", ".join(row.found.get(name, ())) for name in ("selectors", "addresses")}
    return Card(
        row,
        asked,
        last or dns.plan(asked),
        last is not None,
        form or DomainForm(initial={"bounce_domain": row.bounce_domain, **found}),
        suggested,
        why,
        _may_change(request, row.domain),
        form is not None or not asked.bounce_domain,
        test_of(row.domain, provider) if provider and not is_esp(provider.url) else None,
    )


def _asked(request: ProjectRequest, row: MailDomain, provider: Provider | None = None) -> Asked:
    provider = provider or providers.provider_for(request.project)
    return mail_domains.asked(row, provider)


def _own(request: ProjectRequest, domain: str) -> str:
    if domain not in from_domains.of_project(request.project):
        raise Http404("The project does not send from this domain any more.")
    return domain


def _may_change(request: ProjectRequest, domain: str) -> bool:
    return request.user.is_site_admin or not from_domains.is_shared(domain, request.project)


def _back(request: ProjectRequest, domain: str) -> HttpResponse:
    return redirect(reverse("settings-domains", args=[request.project.key]) + f"#{quote(domain)}")
