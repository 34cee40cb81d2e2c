"""Signing in and out. Guessing is limited by django-axes: after ten failures in a row an account pauses for a while."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from undelivered.desk import audit
from undelivered.desk.actors import By


class SignInForm(AuthenticationForm):
    """The field is called `username` because the limit on guessing looks for that name."""

    username = forms.EmailField(
        label="Email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
        error_messages={"invalid": "Enter an email address, such as name@example.com."},
    )
    password = forms.CharField(
        label="Password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    remember = forms.BooleanField(label="Stay signed in on this device", required=False)

    error_messages = {
        "invalid_login": "Email and password do not belong together.",
        "inactive": "This account is switched off. Ask a site admin.",
    }

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).strip().lower()


class SignIn(LoginView):
    template_name = "sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True
    extra_context = {"site_name": settings.ENV.site_name}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_valid(form)
        if not form.cleaned_data.get("remember"):
            self.request.session.set_expiry(0)  # until the browser is closed
        person = form.get_user()
        audit.record("person.signed_in", by=By(person=person), target=person.email)
        return answer


sign_in = SignIn.as_view()


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign-in")


def locked_out(request: HttpRequest, response: Any = None, credentials: Any = None) -> HttpResponse:
    """What axes answers once an account's failures are used up."""
    minutes = round(60 * settings.AXES_COOLOFF_TIME)
    page = render(request, "locked_out.html", {"minutes": minutes, "failures": settings.AXES_FAILURE_LIMIT}, status=429)
    page["Retry-After"] = str(60 * minutes)
    return page
