"""The pages' addresses, one line each. `key` names a project, and `guard` decides who may open it.

The menu (`shell.PLACES`) and other pages rely on these names: log-invitations, log-requests, notification, requests,
request, customers, suppressions, settings, settings-rule, audit.
"""

from django.urls import URLPattern, path

from undelivered.web.pages import home, sign_in

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("theme", home.theme, name="theme"),
    path("projects", home.create_project, name="create-project"),
]
