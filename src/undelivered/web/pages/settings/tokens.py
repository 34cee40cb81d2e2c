"""Tokens for the API: created with scopes, the secret shown once, revoked."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from undelivered.desk import audit, tokens
from undelivered.desk.models import ApiToken
from undelivered.desk.tokens import Scope
from undelivered.web.guard import ProjectRequest, project_admin
from undelivered.web.pages.fields import DeskForm, Line
from undelivered.web.pages.settings import TABS


class TokenForm(DeskForm):
    name = Line(label="Name", max_length=100, help_text="Which program it is for.")
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )


@never_cache
@project_admin
def page(request: ProjectRequest) -> HttpResponse:
    form = TokenForm(request.POST or None, initial={"scopes": [Scope.READ]})
    token, secret = None, ""
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        # One living token a name: so a repeated POST (a reload of the answer) makes no second one.
        if ApiToken.objects.filter(project=request.project, name=name, revoked_at=None).exists():
            form.add_error("name", "There is a token of this name. Choose another name, or revoke that one.")
        else:
            token, secret = _create(request, name, form.cleaned_data["scopes"])
            form = TokenForm(initial={"scopes": [Scope.READ]})
    rows = ApiToken.objects.filter(project=request.project, revoked_at=None).select_related("created_by")
    context = {
        "tabs": TABS,
        "rows": [(row, [Scope(name) for name in row.scopes]) for row in rows.order_by("-id")],
        "form": form,
        "scopes": [(scope, scope in _chosen(form)) for scope in Scope],
        "token": token,
        "secret": secret,
    }
    return render(request, "settings/tokens.html", context, status=422 if form.errors else 200)


@transaction.atomic
def _create(request: ProjectRequest, name: str, scopes: list[str]) -> tuple[ApiToken, str]:
    made = tokens.create(request.project, name=name, scopes=tuple(scopes), by=request.user)
    audit.record("token.created", by=request.by, project=request.project, target=name, scopes=scopes)
    return made


def _chosen(form: TokenForm) -> list[str]:
    return list(form["scopes"].value() or [])


@project_admin
@require_POST
@transaction.atomic
def revoke(request: ProjectRequest, token_id: int) -> HttpResponse:
    token = ApiToken.objects.filter(project=request.project, pk=token_id, revoked_at=None).first()
    if token is None:
        raise Http404("This token is revoked already.")
    tokens.revoke(token)
    audit.record("token.revoked", by=request.by, project=request.project, target=token.name)
    messages.success(request, f"“{token.name}” opens nothing any more.")
    return redirect("settings-tokens", key=request.project.key)
