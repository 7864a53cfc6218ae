"""The steps of the main scenario that run on the second engine and on AWS."""

import json
import time
from types import SimpleNamespace

from support import until


def step(text):
    print(text, flush=True)


def invite_again(stack, person, path, wish):
    """Invites an address that has had an invite, as soon as the limit of emails allows it."""
    stack.make_room()
    reply = person.post(path, wish)
    # Another limit than that of the interval may last for a day.
    if reply.status == 429 and int(reply.headers["retry-after"]) <= 120:
        time.sleep(int(reply.headers["retry-after"]))
        reply = person.post(path, wish)
    return reply.expect("201")


def until_sent(reader, path):
    """Waits until the email of an organization's only pending invite has left."""

    def sent():
        (listed,) = reader.get(f"{path}/invites").expect("200")["items"]
        return listed["delivery"]["state"] == "sent"

    until(sent, "the delivery state `sent`")


def members(stack):
    """Plays the story of members and invites, and returns what the later steps use."""
    at, nobody = stack.address, stack.nobody()
    stack.make_room()
    step("1. Ada creates an organization and invites Bob as admin, with billing emails")
    ada = stack.person(at("ada"), "Ada")
    acme = ada.post("/v1/organizations", {"name": "Acme Images"}).expect("201")["id"]
    path = f"/v1/organizations/{acme}"
    wish = {"email": at("bob").title(), "role": "admin", "receives_billing_emails": True}
    invite = ada.post(f"{path}/invites", wish).expect("201")
    bobs_link = stack.link(at("bob"), invite["id"], acme)
    preview = nobody.get(bobs_link).expect("200")
    assert preview["organization_name"] == "Acme Images", preview
    assert preview["inviter_name"] == "Ada", preview
    assert preview["role"] == "admin", preview
    masked = f"{at('bob')[0]}…@{at('bob').split('@')[1]}"
    assert preview["masked_email"] == masked, preview

    until_sent(ada, path)

    step("2. Bob accepts, once his address is verified")
    accept = f"/v1/account/invites/{invite['id']}/accept"
    bob = stack.person(at("bob"), "Bob", verified=False)
    refusal = bob.post(accept).expect("403 email_not_verified")
    assert "verify your email address" in refusal["detail"], refusal
    bob = stack.person(at("bob"), "Bob")
    accepted = bob.post(accept).expect("200")["member"]
    assert accepted["role"] == "admin" and accepted["receives_billing_emails"], accepted
    account = bob.get("/v1/account").expect("200")
    assert account["current_organization"]["name"] == "Acme Images", account
    nobody.get(bobs_link).expect("410 invite_accepted")

    step("3. Carol declines from the link; Dana's address is one address in any letter case")
    stack.make_room()
    wish = {"email": at("carol"), "role": "user"}
    carols = bob.post(f"{path}/invites", wish).expect("201")["id"]
    nobody.post(stack.link(at("carol"), carols, acme) + "/decline").expect("204")
    wish = {"email": at("dana"), "role": "user"}
    first = bob.post(f"{path}/invites", wish).expect("201")["id"]
    again = {"email": f" {at('dana').upper()} ", "role": "user"}
    refusal = bob.post(f"{path}/invites", again).expect("409 invite_outstanding")
    assert refusal["invite_id"] == first, refusal
    bob.delete(f"{path}/invites/{first}").expect("204")
    second = invite_again(stack, bob, f"{path}/invites", again)["id"]

    step("4. Bob can neither raise his own role nor touch the creator")
    bobs, adas = f"{path}/members/{bob.user_id()}", f"{path}/members/{ada.user_id()}"
    bob.patch(bobs, {"role": "owner"}).expect("403 owner_required")
    wish = {"email": at("eve"), "role": "owner"}
    bob.post(f"{path}/invites", wish).expect("403 owner_required")
    bob.patch(path, {"name": "Bob's"}).expect("403 owner_required")
    bob.delete(adas).expect("403 creator_protected")
    ada.patch(bobs, {"role": "owner"}).expect("200")
    bob.patch(adas, {"role": "admin"}).expect("403 creator_protected")
    bob.patch(adas, {"receives_billing_emails": False}).expect("403 creator_protected")
    bob.delete(adas).expect("403 creator_protected")
    ada.delete(adas).expect("403 creator_protected")

    step("5. Dana joins, reads the settings, can change nothing, and leaves")
    dana = stack.person(at("dana"), "Dana")
    dana.post(f"/v1/account/invites/{second}/accept").expect("200")
    settings = dana.get(f"{path}/settings").expect("200")
    assert settings["may"]["update_organization"]["allowed"] is False, settings
    assert settings["may"]["invite"]["roles"] == [], settings
    dana.patch(path, {"name": "Dana's"}).expect("403 owner_required")
    dana.delete(f"{path}/members/{dana.user_id()}").expect("200")
    dana.get(path).expect("404 organization_not_found")

    step("6. An unanswered invite expires, and the schedule cleans up")
    stack.make_room()
    wish = {"email": at("frank"), "role": "user"}
    franks = ada.post(f"{path}/invites", wish).expect("201")["id"]
    link = stack.link(at("frank"), franks, acme)
    stack.let_expire(acme, franks)
    assert ada.get(f"{path}/invites").expect("200")["items"] == []
    nobody.get(link).expect("410 invite_expired")
    stack.clean_up()

    def kinds():
        log = ada.get(f"{path}/audit-events?limit=100").expect("200")["items"]
        return [event["kind"] for event in reversed(log)]

    until(lambda: "invite.expired" in kinds(), "the hourly cleanup", seconds=180)
    nobody.get(link).expect("410 invite_expired")
    renewed = invite_again(stack, bob, f"{path}/invites", wish)["id"]
    nobody.get(stack.link(at("frank"), renewed, acme, mails=2)).expect("200")

    step("7. The audit log records all of it")
    told = kinds()
    expected = [
        "organization.created",
        "member.added",
        "invite.created",
        "invite.accepted",
        "member.added",
        "invite.created",
        "invite.declined",
        "invite.created",
        "invite.cancelled",
        "invite.created",
        "member.role_changed",
        "invite.accepted",
        "member.added",
        "member.removed",
        "invite.created",
        "invite.expired",
        "invite.created",
    ]
    assert told == expected, told

    return SimpleNamespace(
        ada=ada,
        bob=bob,
        dana=dana,
        acme=acme,
        path=path,
        franks=franks,
        kinds=kinds,
        expected=expected,
    )


def backend(stack, told):
    """Has the product's backend act, and ends all that the story has made."""
    at, ada, bob, acme, path = stack.address, told.ada, told.bob, told.acme, told.path
    step("The product's own backend acts, and everything has an end")
    server = stack.machine(f"Bearer oss_{stack.server_secret()}")
    managed = f"/v1/server/organizations/{acme}"
    stack.machine("Bearer oss_wrong").get(managed).expect("403")
    server.patch(managed, {"external_id": f"team_{acme}"}).expect("200")
    (found,) = server.get(f"/v1/server/organizations?external_id=team_{acme}").expect("200")["items"]
    assert found["id"] == acme, found
    assert server.get(f"{managed}/members/{bob.user_id()}").expect("200")["role"] == "owner"
    erin = stack.person(at("erin"), "Erin")
    row = {"user_id": erin.user_id(), "email": at("erin"), "name": "Erin", "role": "user"}
    (added,) = server.post(f"{managed}/members", {"members": [row]}).expect("200")["items"]
    assert added["outcome"] == "added", added
    erin.get(path).expect("200")
    plan = ada.get(f"{path}/billing").expect("200")["plans"][-1]
    wish = {"plan": plan["id"], "when": "now"}
    assert server.patch(f"{managed}/billing", wish).expect("200")["plan"] == plan
    click = {"idempotency-key": "click"}
    server.post(f"{managed}/usage", {"credits": 2}, click).expect("200")
    server.post(f"{managed}/usage/refunds", {"idempotency_key": "click"}).expect("200")
    ada.put(f"{path}/creator", {"user_id": bob.user_id()}).expect("200")
    ada.delete(f"{path}/members/{ada.user_id()}").expect("200")
    ada.get(path).expect("404 organization_not_found")
    bob.delete(path).expect("200")
    erin.get(path).expect("404 organization_not_found")
    bob.post(f"{path}/restore").expect("200")
    erin.get(path).expect("200")
    server.delete(f"/v1/server/people/{erin.user_id()}").expect("204")
    log = json.dumps(bob.get(f"{path}/audit-events?limit=100").expect("200"))
    assert erin.user_id() in log and "Erin" not in log and "erin@" not in log, log
