"""Plays the story with openapi-generator's Python client. URL is a local stack."""

import os

import httpx
from openapi_client import ApiClient, Configuration
from openapi_client.api import AccountApi, InvitesApi, MembersApi, OrganizationsApi
from openapi_client.exceptions import ConflictException, UnauthorizedException
from openapi_client.models import CreateInviteRequest, CreateOrganizationRequest, Role, UpdateMemberRequest

URL = os.environ["URL"]


def client(token: str) -> ApiClient:
    return ApiClient(Configuration(host=URL, access_token=token))


def sign_in(email: str) -> tuple[ApiClient, str]:
    answer = httpx.post(f"{URL}/local/sign-in", json={"email": email, "name": email.split("@")[0]})
    person = answer.json()
    return client(person["token"]), person["user_id"]


ada, _ = sign_in("ada@example.com")
ben, ben_id = sign_in("ben@example.com")
organization = OrganizationsApi(ada).create_organization(CreateOrganizationRequest(name="Acme"))
assert organization.role == Role.OWNER

invites = InvitesApi(ada)
wish = CreateInviteRequest(email="ben@example.com", role=Role.ADMIN, receives_billing_emails=True)
invite = invites.create_invite(organization.id, wish)
assert invite.role == Role.ADMIN
try:
    raise AssertionError(invites.create_invite(organization.id, wish))
except ConflictException as conflict:
    assert conflict.data and conflict.data.code == "invite_outstanding", conflict
page = invites.list_invites(organization.id)
assert [item.role for item in page.items] == [Role.ADMIN]

accepted = AccountApi(ben).accept_invite(invite.id)
assert accepted.organization.id == organization.id
changed = MembersApi(ada).update_member(organization.id, ben_id, UpdateMemberRequest(role=Role.OWNER))
assert changed.role == Role.OWNER

try:
    raise AssertionError(AccountApi(client("x")).get_account())
except UnauthorizedException as refused:
    assert refused.status == 401, refused
