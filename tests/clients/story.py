"""Plays the story with openapi-python-client's client. URL is a local stack."""

import os

import httpx
from client import AuthenticatedClient
from client.api.account import accept_invite, get_account
from client.api.invites import create_invite, list_invites
from client.api.members import update_member
from client.api.organizations import create_organization
from client.models import (
    CreateInviteBody,
    CreateOrganizationBody,
    InviteView,
    ListOfInviteView,
    OrganizationView,
    Role,
    UpdatedMemberView,
    UpdateMemberBody,
)

URL = os.environ["URL"]


def sign_in(email: str) -> tuple[AuthenticatedClient, str]:
    answer = httpx.post(f"{URL}/local/sign-in", json={"email": email, "name": email.split("@")[0]})
    person = answer.json()
    return AuthenticatedClient(base_url=URL, token=person["token"]), person["user_id"]


ada, _ = sign_in("ada@example.com")
ben, ben_id = sign_in("ben@example.com")
organization = create_organization.sync(client=ada, body=CreateOrganizationBody(name="Acme"))
assert isinstance(organization, OrganizationView), organization
assert organization.role == Role.OWNER

wish = CreateInviteBody(email="ben@example.com", role=Role.ADMIN, receives_billing_emails=True)
invite = create_invite.sync(organization.id, client=ada, body=wish)
assert isinstance(invite, InviteView), invite
assert invite.role == Role.ADMIN
again = create_invite.sync_detailed(organization.id, client=ada, body=wish)
assert again.status_code == 409, again
page = list_invites.sync(organization.id, client=ada)
assert isinstance(page, ListOfInviteView), page
assert [item.role for item in page.items] == [Role.ADMIN]

accepted = accept_invite.sync_detailed(invite.id, client=ben)
assert accepted.status_code == 200, accepted
changed = update_member.sync(organization.id, ben_id, client=ada, body=UpdateMemberBody(role=Role.OWNER))
assert isinstance(changed, UpdatedMemberView), changed
assert changed.role == Role.OWNER

refused = get_account.sync_detailed(client=AuthenticatedClient(base_url=URL, token="x"))
assert refused.status_code == 401, refused
