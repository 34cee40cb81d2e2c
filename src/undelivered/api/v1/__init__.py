"""The REST API, version 1: one file a resource."""

from undelivered.api import errors, idempotency, queries
from undelivered.api.json_body import Json, StrictJson, of_known_length
from undelivered.api.reference import Reference
from undelivered.api.schema import DocumentedApi
from undelivered.api.v1 import (
    batches,
    comments,
    customers,
    invitations,
    notifications,
    participants,
    projects,
    requests,
    rules,
    suppressions,
)

api = DocumentedApi(
    title="Undelivered",
    version="1",
    description="Sends a service desk's customer notifications and shows every one that did not get through, and why.",
    parser=StrictJson(),
    renderer=Json(),
    docs=Reference(),
)
errors.install(api)
api.add_decorator(idempotency.once)
api.add_decorator(queries.known_only)
api.add_decorator(of_known_length, mode="view")
# `batches` has put its call on the router of `notifications`, whose path it shares.
assert batches.router is notifications.router
for resource in (
    projects,
    notifications,
    invitations,
    requests,
    comments,
    participants,
    suppressions,
    rules,
    customers,
):
    api.add_router("", resource.router)
