"""What the service desk knows: the site, its projects, the people of both sides, and the requests."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone


class PersonManager(BaseUserManager["Person"]):
    def create_user(self, email: str, password: str | None = None, **extra: Any) -> Person:
        person = self.model(email=email.strip().lower(), **extra)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(email=(username or "").strip().lower())


class Person(AbstractBaseUser):
    """Someone of the team who signs in: a site admin, a project admin or an agent (the last two by `Membership`)."""

    email = models.EmailField(unique=True, max_length=254)
    name = models.CharField(max_length=200, blank=True)
    is_site_admin = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    objects = PersonManager()

    def __str__(self) -> str:
        return self.name or self.email


class AtLimit(models.TextChoices):
    """What happens to a mail when the daily limit is used up."""

    FAIL = "fail", "Fail it"  # the mail fails with "Email notifications limit reached"
    HOLD = "hold", "Hold it until tomorrow"  # the mail waits and goes out when the next day begins


class Project(models.Model):
    """A service project."""

    key = models.CharField(max_length=10, unique=True)
    name = models.CharField(max_length=200)
    from_name = models.CharField(max_length=200, blank=True)
    from_address = models.CharField(max_length=254)
    daily_limit = models.PositiveIntegerField(null=True, blank=True)  # mails a day; None: only the site's limit
    at_limit = models.CharField(max_length=4, choices=AtLimit.choices, default=AtLimit.FAIL)
    size_limit = models.PositiveIntegerField(null=True, blank=True)  # bytes of the mail as sent; None: the site's limit
    last_request_number = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.key


class Role(models.TextChoices):
    """What a member of a project may do. Site admins may do everything without a membership."""

    ADMIN = "admin", "Project admin"  # log, settings, suppression list, resend
    AGENT = "agent", "Agent"  # requests and customers; sees on a request who was notified, never the log page


class Membership(models.Model):
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=5, choices=Role.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "project"], name="one_role_a_project")]

    def __str__(self) -> str:
        return f"{self.person} in {self.project}: {self.role}"


class Customer(models.Model):
    """A person outside the team who asks for help. One row an address, whatever the number of projects.

    `address` is kept as it was given, even if no mail can reach it: the log is where that shows.
    `address_key` is its canonical form (`delivery.addresses.canonical`).
    """

    address = models.CharField(max_length=1000)
    address_key = models.CharField(max_length=1000, unique=True)
    name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=35, blank=True)  # RFC 5646 tag
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name or self.address

    @property
    def called(self) -> str:
        """How the customer is called where a name is wanted: the name, else what stands before the @."""
        return self.name or self.address.split("@", 1)[0] or self.address


class ProjectCustomer(models.Model):
    """That a customer may ask for help in a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="project_customers")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="project_customers")
    invited_at = models.DateTimeField(null=True, blank=True)  # when the last invitation was asked for
    accepted_at = models.DateTimeField(null=True, blank=True)  # when the link in an invitation was followed
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "customer"], name="once_a_project")]

    def __str__(self) -> str:
        return f"{self.customer} in {self.project}"


class Status(models.TextChoices):
    """Where a request stands, as customers see it."""

    OPEN = "open", "Open"  # nobody has taken it up
    IN_PROGRESS = "in_progress", "In progress"  # an agent works on it
    WAITING = "waiting", "Waiting for customer"  # the customer is asked for something
    RESOLVED = "resolved", "Resolved"  # has a resolution


class Request(models.Model):
    """One thing that a customer asked for. A request of another help desk carries its `url` there."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="requests")
    number = models.PositiveIntegerField()
    issue_key = models.CharField(max_length=20, unique=True)
    summary = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    reporter = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="reported")
    participants = models.ManyToManyField(Customer, through="Participant", related_name="participates")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.OPEN)
    resolution = models.CharField(max_length=200, blank=True)
    url = models.URLField(max_length=2000, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_number_a_project")]
        indexes = [models.Index(fields=["project", "-id"], name="request_newest_first")]

    def __str__(self) -> str:
        return self.issue_key


class Participant(models.Model):
    request = models.ForeignKey(Request, on_delete=models.CASCADE)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "customer"], name="once_a_request")]

    def __str__(self) -> str:
        return f"{self.customer} on {self.request}"


class Comment(models.Model):
    """Written by a person of the team or by a customer; internal ones are never mailed to customers."""

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="comments")
    person = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True)
    customer = models.ForeignKey(Customer, on_delete=models.SET_NULL, null=True, blank=True)
    body = models.TextField()
    public = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    action = models.UUIDField(null=True, blank=True)  # its writing or last edit: what its notifications share

    class Meta:
        indexes = [models.Index(fields=["request", "id"], name="comments_in_order")]

    def __str__(self) -> str:
        return f"comment {self.pk} on {self.request}"

    @property
    def author(self) -> str:
        """The name to show."""
        return str(self.person or (self.customer.called if self.customer else "") or "Service desk")


class OptOut(models.Model):
    """A customer who turned a request's notifications off."""

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="opt_outs")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="opt_outs")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "customer"], name="opt_out_once")]

    def __str__(self) -> str:
        return f"{self.customer} off {self.request}"


class ProjectOptOut(models.Model):
    """A customer who turned off all mail of a project that can be turned off. Only the customer turns it on again."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="opt_outs")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="project_opt_outs")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "customer"], name="project_opt_out_once")]

    def __str__(self) -> str:
        return f"{self.customer} off {self.project}"


class Upload(models.Model):
    """A file that somebody gave, and that is looked at before it is taken over. Kept for an hour."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=200, blank=True)  # the file's; empty: it was pasted
    body = models.BinaryField()  # compressed (zlib)
    options = models.JSONField(default=dict)  # what was chosen beside it
    at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.name or str(self.id)


class ApiToken(models.Model):
    """A program's key to one project. Only the SHA-256 of the generated secret is stored."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    scopes = models.JSONField(default=list)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.project})"


class AuditEntry(models.Model):
    """One action of a person or a program. Written by `desk.audit` alone, never changed."""

    at = models.DateTimeField(default=timezone.now)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True)
    person = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True)
    actor = models.CharField(max_length=254)  # as shown: a name, `token <name>`, or `Undelivered`
    action = models.CharField(max_length=60)  # a slug: `notification.resent`
    target = models.CharField(max_length=1000, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["project", "-id"], name="audit_newest_first")]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.actor}: {self.action} {self.target}"
