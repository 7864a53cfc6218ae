"""The scenes of the samples in `events/`: what each function finds in the local stack, and
its expected answer in `tests/aws/answers`. `UPDATE_ANSWERS=1` rewrites the answers.
"""

import json
import os
import platform
import re
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import boto3
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

from support import (
    ROOT,
    TEMPLATE,
    Person,
    clean_environment,
    fail,
    link_token,
    opt_out_token,
    running,
    send,
    until,
)

ANSWERS = ROOT / "tests" / "aws" / "answers"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]

# The ids in the samples, which stand for items created for each sample.
ORGANIZATION = "01930000-0000-7000-8000-000000000001"
INVITE = "01930000-0000-7000-8000-000000000002"
API_KEY_ID = "01930000-0000-7000-8000-000000000003"
SERVER_KEY = json.loads((ROOT / "events" / "authorize-server.json").read_text())[
    "identitySource"
][0].removeprefix("Bearer ")
API_KEY = re.compile(r"osk_\w{40,}")


class Stack:
    """The local stack, in memory."""

    def __init__(self, log):
        text = Path(log).read_text()
        place = lambda name: re.search(rf"^{name} +(http://\S+)", text, re.M)
        found = {name: place(name) for name in ("API", "DynamoDB", "SES")}
        self.ready = all(found.values())
        if self.ready:
            self.api = found["API"].group(1).removesuffix("/v1")
            # A stack that containers reach listens on all addresses.
            here = lambda name: found[name].group(1).replace("0.0.0.0", "127.0.0.1")
            self.dynamodb, self.services = here("DynamoDB"), here("SES")

    def sign_in(self, email, name):
        form = f"email={email}&name={name}&verified=true".replace(" ", "%20")
        answer = send_form(f"{self.api}/local/sign-in", form)
        return Person(self.api, answer["token"])

    def emails_to(self, email):
        mails = send("GET", f"{self.api}/local/emails").body
        mails = mails["items"] if isinstance(mails, dict) else mails
        return [mail for mail in mails if email in mail["to"]]

    def table(self):
        client = boto3.resource(
            "dynamodb",
            endpoint_url=self.dynamodb,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        return client.Table("organizations")


def send_form(url, form):
    import urllib.request

    with urllib.request.urlopen(url, data=form.encode()) as answer:
        return json.loads(answer.read())


class Scene:
    """The items that a sample refers to, by the names that it has for them."""

    def __init__(self, stack, operation):
        self.stack = stack
        self.operation = operation
        self.invitee_email = f"invitee-{operation}@example.com"
        self.owner_email = f"owner-{operation}@example.com"
        self.owner = stack.sign_in(self.owner_email, "Olivia Owner")
        self.invitee = stack.sign_in(self.invitee_email, "Ivan Invitee")
        self.names = {
            "owner@example.com": self.owner_email,
            "invitee@example.com": self.invitee_email,
            "sample-owner": self.owner.user_id(),
            "sample-invitee": self.invitee.user_id(),
        }
        made = self.owner.post("/v1/organizations", {"name": "Sample Studio"}).expect("201")
        self.path = f"/v1/organizations/{made['id']}"
        self.names[ORGANIZATION] = made["id"]

    def invite(self):
        wish = {"email": self.invitee_email, "role": "user"}
        invite = self.owner.post(f"{self.path}/invites", wish).expect("201")
        self.names[INVITE] = invite["id"]
        sent = until(
            lambda: self.stack.emails_to(self.invitee_email), f"{self.operation}: the email"
        )
        self.names["sample-token"] = link_token(sent[-1]["text"])
        self.names["sample-opt-out-token"] = opt_out_token(sent[-1]["text"])

    def admit(self):
        self.invite()
        self.invitee.post(f"/v1/account/invites/{self.names[INVITE]}/accept").expect("200")

    def make_api_key(self):
        """Creates a key whose secret replaces the one in the sample."""
        event = (ROOT / "events" / f"{self.operation}.json").read_text()
        made = self.owner.post(f"{self.path}/api-keys", {"name": "Sample"}).expect("201")
        self.names[API_KEY_ID] = made["api_key"]["id"]
        for secret in API_KEY.findall(event):
            self.names[secret] = made["secret"]

    def change_invite(self, expression, names, values):
        """Changes the invite directly in the table."""
        pk, sk = f"ORG#{self.names[ORGANIZATION]}", f"INVITE#{self.names[INVITE]}"
        self.change(pk, sk, expression, names, values)

    def change_address(self, expression, names, values):
        """Changes the lock on the invite's address directly in the table."""
        pk, sk = f"EMAIL#{self.invitee_email}", f"ORG#{self.names[ORGANIZATION]}"
        self.change(pk, sk, expression, names, values)

    def change(self, pk, sk, expression, names, values):
        self.stack.table().update_item(
            Key={"pk": pk, "sk": sk},
            UpdateExpression=expression,
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )

    def event(self):
        text = (ROOT / "events" / f"{self.operation}.json").read_text()
        for name, real in self.names.items():
            text = re.sub(re.escape(name) + r'(?=["/@\\]|$)', real, text)
        event = json.loads(text)
        if self.operation == "find-organizations":
            # The list of all would have the organizations of the other scenes.
            event["rawQueryString"] = urlencode({"email": self.owner_email})
        return event

    def in_the_samples_words(self, answer):
        """Returns the response with the samples' names and without values that vary."""
        text = json.dumps(answer, indent=2, sort_keys=True, ensure_ascii=False)
        for name, real in sorted(self.names.items(), key=lambda pair: -len(pair[1])):
            text = text.replace(real, name)
        text = re.sub(
            r"(?!01930000)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>", text
        )
        text = API_KEY.sub("<secret>", text)
        text = re.sub(r"osk_…\w{4}", "osk_…<end>", text)
        # The hashes of assets change with their content.
        text = re.sub(r"(?<=-)[0-9a-f]{16}(?=\.)", "<hash>", text)
        text = re.sub(r'(?<=\\")[0-9a-f]{16}(?=\\")', "<hash>", text)
        # A member's version has the time of joining.
        text = re.sub(r'("version": "\d+-)[0-9a-f]+(?=")', r"\1<joined>", text)
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>", text)
        text = re.sub(r"\d{4}-\d\d-\d\d", "<date>", text)
        return text + "\n"


def nobody_invited(scene):
    pass


def as_member(scene):
    scene.admit()


def with_api_key(scene):
    scene.make_api_key()


def with_use(scene):
    """Uses a credit by the server, under the sample's idempotency key."""
    path = f"{scene.stack.api}/v1/server/organizations/{scene.names[ORGANIZATION]}/usage"
    headers = {"authorization": f"Bearer {SERVER_KEY}", "idempotency-key": "render-1"}
    send("POST", path, {"credits": 1}, headers).expect("200")


def long_ago(scene):
    """Makes the invite's last email more than a minute old, so that it can be resent."""
    scene.invite()
    at = "2024-11-06T05:37:44Z"
    scene.change_invite("SET #at = :at", {"#at": "sent_at"}, {":at": at})
    scene.change_address("SET #at = :at", {"#at": "sent_at"}, {":at": [at]})


def not_sent_yet(scene):
    scene.invite()
    scene.change_invite(
        "SET #delivery.#state = :queued",
        {"#delivery": "delivery", "#state": "state"},
        {":queued": "queued"},
    )


def expired(scene):
    scene.invite()
    at = "2024-11-06T05:37:44Z"
    scene.change_invite("SET #at = :at", {"#at": "expires_at"}, {":at": at})
    scene.change_address(
        "SET #holder.#at = :at, #seconds = :seconds",
        {"#holder": "holder", "#at": "expires_at", "#seconds": "expires_at_seconds"},
        {":at": at, ":seconds": 1730871464},
    )


# The scenes of samples that need more or less than an outstanding invite.
SCENES = {
    "authorize-api-key": with_api_key,
    "list-api-keys": with_api_key,
    "update-api-key": with_api_key,
    "rotate-api-key": with_api_key,
    "revoke-api-key": with_api_key,
    "get-api-key": with_api_key,
    "refund-usage": with_use,
    "create-invite": nobody_invited,
    "create-invites": nobody_invited,
    "get-member": as_member,
    "update-member": as_member,
    "remove-member": as_member,
    "resend-invite": long_ago,
    "deliver-email": not_sent_yet,
    "expire-invites": expired,
}


def functions():
    """Returns SAM's provider of the functions."""
    overrides = {"Architecture": ARCHITECTURE}
    stacks, _ = SamLocalStackProvider.get_stacks(str(TEMPLATE), parameter_overrides=overrides)
    return SamFunctionProvider(stacks)


def operation_of(function):
    return function.metadata["BuildProperties"]["Binary"]


@contextmanager
def local_stack(binary, log, *options):
    """Runs a local stack until the block ends."""
    command = [binary, "--ephemeral", "--port", "0", "--template", ROOT / "template.yaml"]
    command += ["--server-key", SERVER_KEY, *options]
    with running(command, log, cwd=ROOT, env=clean_environment()) as process:
        yield until(lambda: (found := Stack(log)).ready and found, "local stack", process)


def play(operation, stack, invoke):
    """Prepares the scene of an operation's sample, invokes the operation with it, and
    returns what is wrong with the answer."""
    scene = Scene(stack, operation)
    SCENES.get(operation, Scene.invite)(scene)
    emails = len(stack.emails_to(scene.invitee_email))
    answer = invoke(scene.event())
    if isinstance(answer, dict) and str(answer.get("body")).startswith("{"):
        answer["body"] = json.loads(answer["body"])
    if operation == "deliver-email":
        answer["emails sent"] = len(stack.emails_to(scene.invitee_email)) - emails
    problem = compare(operation, scene.in_the_samples_words(answer))
    print(f"{'FAILED' if problem else 'ok    '} {operation}", flush=True)
    return problem


def compare(operation, answer):
    file = ANSWERS / f"{operation}.json"
    if os.environ.get("UPDATE_ANSWERS"):
        file.write_text(answer)
        return None
    if not file.exists():
        return f"{operation} has no expected response in {file.relative_to(ROOT)}"
    if file.read_text() != answer:
        return f"the response of {operation} differs from {file.relative_to(ROOT)}:\n{answer}"
    return None
