"""Plays the main scenario against a deployed stack, checks it, and cleans up.

    python3 tests/aws/smoke.py organizations

It needs boto3, and the credentials and the region of the AWS CLI. The emails go to SES's
mailbox simulator, which takes them also in the sandbox. The people are accounts in the stack's
user pool; without one, or with MFA, the server key acts for them. What remains are two deleted
organizations with their creators, which the stack purges after 30 days. docs/operations.md has more.
"""

import base64
import hashlib
import hmac
import sys
import time
import uuid

import boto3

import steps
from stack import Stack
from steps import step
from support import ROOT, Person, fail


class Deployed(Stack):
    """A stack on AWS, with people of this run."""

    def __init__(self, name, client, nobody=None):
        super().__init__(name, client)
        self.began = int(time.time() * 1000)
        self.run = uuid.uuid4().hex[:8]
        self.anybody = nobody or (lambda: Person(self.outputs["ApiUrl"]))
        self.people = []

    def nobody(self):
        return self.anybody()

    def address(self, name):
        return f"success+smoke-{self.run}-{name}@simulator.amazonses.com"

    def make_room(self):
        """Forgets the emails to the simulator: addresses that differ in a tag are one recipient."""
        mailbox = hashlib.sha256(b"success@simulator.amazonses.com").digest()
        recipient = base64.urlsafe_b64encode(mailbox).decode().rstrip("=")
        self.client("dynamodb").delete_item(
            TableName=self.outputs["TableName"],
            Key={"pk": {"S": f"RECIPIENT#{recipient}"}, "sk": {"S": "RECIPIENT"}},
        )

    def has_people(self):
        """Returns whether the stack's user pool signs people in by a password alone."""
        if "UserPool" not in self.ids:
            return False
        pool = self.client("cognito-idp").describe_user_pool(UserPoolId=self.ids["UserPool"])
        return pool["UserPool"].get("MfaConfiguration", "OFF") == "OFF"

    def person(self, email, name, verified=True):
        person = super().person(email, name, verified)
        if email not in [known for known, _ in self.people]:
            self.people.append((email, person))
        return person

    def server(self):
        return self.machine(f"Bearer oss_{self.server_secret()}")

    def link(self, email, invite, organization, mails=1):
        """Signs the path of an invite's link, as nobody reads the mailbox simulator's emails."""
        secret = self.client("secretsmanager").get_secret_value(
            SecretId=self.outputs["LinkKeySecretArn"]
        )
        sending = uuid.UUID(organization).bytes + uuid.UUID(invite).bytes + (1).to_bytes(4, "big")
        signed = b"invite-link/1" + sending + email.lower().encode()
        mac = hmac.digest(secret["SecretString"].encode(), signed, hashlib.sha256)
        token = base64.urlsafe_b64encode(b"\x01" + sending + mac).decode().rstrip("=")
        return f"/v1/invites/{token}"

    def clean_up(self):
        """Runs the hourly cleanup now."""
        # The index follows the table within seconds.
        time.sleep(2)
        event = (ROOT / "events" / "expire-invites.json").read_bytes()
        self.client("lambda").invoke(FunctionName=self.ids["ExpireInvites"], Payload=event)

    def no_alarm_rings(self):
        kind = "AWS::CloudWatch::Alarm"
        names = [self.ids[name] for name, found in self.kinds.items() if found == kind]
        assert names, "the stack has no alarms"
        alarms = self.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
        assert len(alarms) == len(names), f"{len(alarms)} of {len(names)} alarms"
        ringing = [alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"]
        assert not ringing, f"in alarm: {ringing}"

    def no_error_is_logged(self):
        pages = self.client("logs").get_paginator("filter_log_events").paginate(
            logGroupName=self.outputs["FunctionLogGroup"],
            startTime=self.began,
            filterPattern='{ $.level = "ERROR" }',
        )
        messages = [event["message"] for page in pages for event in page["events"]]
        # The second engine's filter knows no JSON.
        errors = [message for message in messages if '"level":"ERROR"' in message]
        assert not errors, "\n".join(errors)


def by_server(stack):
    """Has the server key act for people, and returns the organization."""
    step("The product's backend makes an organization with a creator and a member")
    server, at = stack.server(), stack.address
    server.get("/v1/server/organizations?external_id=none").expect("200")
    ada, bob = (f"smoke-{stack.run}-{name}" for name in ("ada", "bob"))
    creator = {"user_id": ada, "email": at("ada"), "name": "Ada"}
    made = server.post("/v1/server/organizations", {"name": "Acme Images", "creator": creator})
    acme = made.expect("201")["id"]
    path = f"/v1/server/organizations/{acme}"
    rows = [{"user_id": bob, "email": at("bob"), "name": "Bob", "role": "admin"}]
    (added,) = server.post(f"{path}/members", {"members": rows}).expect("200")["items"]
    assert added["outcome"] == "added", added
    server.patch(f"{path}/members/{ada}", {"role": "user"}).expect("403 creator_protected")

    step("An invite leaves, shows by its link, and is declined")
    stack.make_room()
    wish = {"email": at("carol-b"), "role": "user"}
    invite = server.post(f"{path}/invites", wish).expect("201")["id"]

    steps.until_sent(server, path)
    link = stack.link(at("carol-b"), invite, acme)
    assert stack.nobody().get(link).expect("200")["organization_name"] == "Acme Images"
    stack.nobody().post(f"{link}/decline").expect("204")

    step("The backend uses credits and gives them back")
    used = {"idempotency-key": stack.run}
    server.post(f"{path}/usage", {"credits": 1}, used).expect("200")
    server.post(f"{path}/usage/refunds", {"idempotency_key": stack.run}).expect("200")
    return acme, [ada, bob]


def end(stack, organization, people):
    """Deletes what the run has made."""
    server = stack.server()
    if organization:
        server.delete(f"/v1/server/organizations/{organization}").expect("200")
    for person in people:
        erased = server.delete(f"/v1/server/people/{person}")
        # The creator of a deleted organization stays with it, until it is purged.
        erased.expect("204" if erased.status == 204 else "409 creator_of_organizations")


def delete_accounts(stack):
    cognito = stack.client("cognito-idp")
    for email, _ in stack.people:
        pool = {"UserPoolId": stack.ids["UserPool"]}
        # The pool has a name of its own for an account whose address signs in.
        account = cognito.admin_get_user(**pool, Username=email)
        cognito.admin_delete_user(**pool, Username=account["Username"])


def smoke(stack):
    nobody = stack.nobody()
    assert nobody.get("/v1/account").status == 401, "an anonymous request gets 401"
    assert "<!doctype html>" in nobody.get("/").text, "the pages are served"
    stack.machine("Bearer oss_wrong").get("/v1/server/organizations?external_id=x").expect("403")
    organization, people = None, []
    try:
        if stack.has_people():
            story = steps.members(stack)
            organization = story.acme
            steps.backend(stack, story)
        # Also where people can sign in: these routes are the backend's own.
        made, people = by_server(stack)
        end(stack, made, people)
        people = []
    finally:
        step("Cleaning up")
        people += [person.user_id() for _, person in stack.people]
        end(stack, organization, people)
        delete_accounts(stack)
    step("Alarms, dead letters and logs")
    stack.no_alarm_rings()
    stack.nothing_is_given_up()
    # A log line takes some seconds.
    time.sleep(5)
    stack.no_error_is_logged()


def main():
    if len(sys.argv) != 2:
        fail("usage: smoke.py <stack name>")
    stack = Deployed(sys.argv[1], boto3.client)
    smoke(stack)
    print(f"{sys.argv[1]} passed at {stack.outputs['ApiUrl']}")


if __name__ == "__main__":
    main()
