"""The REST API, version 1: one file a resource."""

from ninja import NinjaAPI

api = NinjaAPI(title="Undelivered", version="1")
