"""Who may submit mail by SMTP: credentials, whose password is shown once, trusted networks, and how to point another
help desk here."""

from __future__ import annotations

import re
import shlex

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from undelivered.inbound import credentials
from undelivered.inbound.models import SmtpCredential, TrustedNetwork
from undelivered.web.guard import ProjectRequest, project_admin
from undelivered.web.pages.fields import DeskForm, Line
from undelivered.web.pages.settings import TABS

_PARTS = re.compile(r"[\s,;]+")
#: Hosts that the door may listen on and that mean every one of the machine's names.
ANY_HOST = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on


class Domains(Line):
    """Several domains in one line."""

    def __init__(self) -> None:
        super().__init__(label="From domains", max_length=2000, required=False)

    def clean(self, value: object) -> list[str]:
        return [one for one in _PARTS.split(str(super().clean(value) or "")) if one]


class CredentialForm(DeskForm):
    name = Line(label="Name", max_length=100, help_text="Which program it is for.")
    from_domains = Domains()


class NetworkForm(DeskForm):
    network = Line(label="Address or network", max_length=50)
    from_domains = Domains()


@never_cache
@project_admin
def page(request: ProjectRequest) -> HttpResponse:
    """A POST makes a credential. Its password is on this answer alone: nothing that is stored could show it again."""
    form = CredentialForm(request.POST or None)
    made, password = None, ""
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        # One living credential a name: so a repeated POST (a reload of the answer) makes no second one.
        if request.project.smtp_credentials.filter(name=data["name"], revoked_at=None).exists():
            form.add_error("name", "There is a credential of this name. Choose another name, or revoke that one.")
        else:
            try:
                made, password = credentials.create(
                    request.project, by=request.by, name=data["name"], from_domains=data["from_domains"]
                )
            except ValueError as error:
                form.add_error("from_domains", str(error))
    if made:
        form = CredentialForm()
    return _show(request, form, NetworkForm(), made=made, password=password)


@project_admin
@require_POST
def trust(request: ProjectRequest) -> HttpResponse:
    form = NetworkForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            made = credentials.trust(request.project, data["network"], by=request.by, from_domains=data["from_domains"])
        except ValueError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{made.network} may submit mail within seconds.")
            return redirect("settings-credentials", key=request.project.key)
    return _show(request, CredentialForm(), form)


@project_admin
@require_POST
def revoke(request: ProjectRequest, credential_id: int) -> HttpResponse:
    found = SmtpCredential.objects.filter(project=request.project, pk=credential_id).select_related("project").first()
    if found is None or not credentials.revoke(found, by=request.by):
        raise Http404("This credential is revoked already.")
    messages.success(request, f"“{found.name or found.username}” is refused within seconds.")
    return redirect("settings-credentials", key=request.project.key)


@project_admin
@require_POST
def distrust(request: ProjectRequest, network_id: int) -> HttpResponse:
    found = TrustedNetwork.objects.filter(project=request.project, pk=network_id).select_related("project").first()
    if found is None:
        raise Http404("This network is not trusted any more.")
    credentials.distrust(found, by=request.by)
    messages.success(request, f"{found.network} has to log in from now on.")
    return redirect("settings-credentials", key=request.project.key)


def _show(
    request: ProjectRequest,
    form: CredentialForm,
    network_form: NetworkForm,
    *,
    made: SmtpCredential | None = None,
    password: str = "",
) -> HttpResponse:
    own = request.project
    context = {
        "tabs": TABS,
        "form": form,
        "network_form": network_form,
        "made": made,
        "password": password,
        "rows": own.smtp_credentials.filter(revoked_at=None).select_related("created_by").order_by("-id"),
        "networks": own.trusted_networks.select_related("created_by").order_by("id"),
        "own_domain": own.from_address.rpartition("@")[2],
        "door": _door(),
        "trial": _trial(request, made.username if made else "USER"),
    }
    failed = form.errors or network_form.errors
    return render(request, "settings/credentials.html", context, status=422 if failed else 200)


def _door() -> dict[str, object]:
    """Where programs find the door."""
    env = settings.ENV
    return {
        "host": env.smtp_name if env.smtp_host in ANY_HOST else env.smtp_host,
        "port": env.smtp_port,
        "tls_port": env.smtp_tls_port,
        "encrypted": bool(env.tls_cert),
        "in_clear": env.smtp_auth_without_tls,
        "here_alone": env.smtp_host in ("127.0.0.1", "::1", "localhost"),
    }


def _trial(request: ProjectRequest, user: str) -> str:
    """A line for the shell that sends a mail through the door."""
    door = _door()
    words = ["swaks", "--server", f"{door['host']}:{door['port']}", "--auth-user", user]
    words += ["--from", request.project.from_address, "--to", request.user.email]
    return shlex.join([*words, *(["--tls"] if door["encrypted"] else [])])
