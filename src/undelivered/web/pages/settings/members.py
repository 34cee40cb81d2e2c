"""Who works in the project: admins and agents. A new person gets an initial password, which is shown once."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from undelivered.desk import members
from undelivered.desk.models import Membership, Person, Role
from undelivered.web.guard import ProjectRequest, project_admin
from undelivered.web.pages.fields import Address, DeskForm, Line
from undelivered.web.pages.settings import TABS


class MemberForm(DeskForm):
    email = Address(label="Email address")
    name = Line(label="Name", max_length=200, required=False)
    role = forms.ChoiceField(label="Role", choices=Role.choices, initial=Role.AGENT)


@never_cache
@project_admin
def page(request: ProjectRequest) -> HttpResponse:
    form = MemberForm(request.POST or None)
    added = None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            added = members.add(
                request.project, email=data["email"], name=data["name"], role=Role(data["role"]), by=request.by
            )
        except ValueError as error:
            form.refuse(error)
    if added and not added.password:
        messages.success(request, f"{added.membership.person} is a member now.")
        return redirect("settings-members", key=request.project.key)
    if added:
        form = MemberForm()  # the password is on this answer alone: it is stored nowhere that could show it again
    rows = Membership.objects.filter(project=request.project).select_related("person").order_by("role", "person__email")
    context = {
        "tabs": TABS,
        "rows": list(rows),
        "site_admins": list(Person.objects.filter(is_site_admin=True, is_active=True).order_by("email")),
        "form": form,
        "added": added,
    }
    return render(request, "settings/members.html", context, status=422 if form.errors else 200)


@project_admin
@require_POST
def remove(request: ProjectRequest, membership_id: int) -> HttpResponse:
    found = Membership.objects.filter(project=request.project, pk=membership_id).select_related("person", "project")
    membership = found.first()
    if membership is None:
        raise Http404("That person is not a member any more.")
    try:
        members.remove(membership, by=request.by)
    except ValueError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{membership.person} is not a member any more.")
    if membership.person == request.user:
        return redirect("home")
    return redirect("settings-members", key=request.project.key)
