"""Deploys the built template on a second engine and runs the main scenario there.

The engine is ministack, which runs the real bootstraps without Docker. `sam
deploy` is AWS's own; sign-in uses the stack's user pool; requests go through its
HTTP API; emails, stream, schedule and event buses are the engine's.
docs/engines.md lists the differences between the engines and from AWS.
"""

import base64
import gzip
import json
import os
import platform
import re
import secrets
import sys
from pathlib import Path

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

from support import (
    ROOT,
    Person,
    clean_environment,
    fail,
    free_port,
    link_token,
    need_build,
    running,
    send,
    until,
)

STACK = "organizations"
REGION = "us-east-1"
ARCHITECTURE = "x86_64" if platform.machine() == "x86_64" else "arm64"
BIN = Path(sys.executable).parent
# The payment provider's bus, which exists before the stack.
BUS = "shop"
PARAMETERS = {
    # The story invites an address twice within a minute.
    "AddressEmailInterval": "0",
    "Architecture": ARCHITECTURE,
    "EmailFrom": "no-reply@example.com",
    "PublicUrl": "https://settings.example.com",
    "Plans": "trial:20:Trial,team:2000:Team",
    "EventBusName": BUS,
}


class Engine:
    """ministack, with AWS's clients for it."""

    def __init__(self, port, folder):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.environment = clean_environment(
            AWS_ENDPOINT_URL=self.url,
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
            AWS_DEFAULT_REGION=REGION,
            # Ignores the profiles in the home folder.
            AWS_CONFIG_FILE=str(folder / "none"),
            AWS_SHARED_CREDENTIALS_FILE=str(folder / "none"),
            GATEWAY_PORT=str(port),
            BIND_HOST="127.0.0.1",
            IOT_MTLS_ENABLED="0",
            SFTP_ENABLED="0",
            SAM_CLI_TELEMETRY="0",
        )

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def answers(self):
        try:
            return send("GET", f"{self.url}/_ministack/ready", timeout=2).status == 200
        except OSError:
            return False


class Deployment:
    """The stack that `sam deploy` has created."""

    def __init__(self, engine):
        self.engine = engine
        cloudformation = engine.client("cloudformation")
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        resources = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        self.ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
        self.template = yaml_parse(
            cloudformation.get_template(StackName=STACK)["TemplateBody"]
        )
        self.api_id = self.ids["Api"]

    def issuer(self):
        return f"https://cognito-idp.{REGION}.amazonaws.com/{self.ids['UserPool']}"

    def resolve(self, value):
        """Evaluates the intrinsic functions in the API's definition."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        match next(iter(value.items())):
            # The stack has no issuer parameter, so it has a user pool.
            case ("Fn::If", ["MakesUserPool", then, _]):
                return self.resolve(then)
            case ("Fn::GetAtt", ["UserPool", "ProviderURL"]):
                return self.issuer()
            case ("Ref", name):
                return self.ids[name]
            case ("Fn::Sub", [_, {"__FunctionArn__": {"Fn::GetAtt": [function, "Arn"]}}]):
                return self.invocations(function)
            case ("Fn::Sub", text):
                return self.invocations(re.search(r"\$\{(\w+)\.Arn\}", text).group(1))
        return {name: self.resolve(item) for name, item in value.items()}

    def invocations(self, function):
        """Returns the URI by which API Gateway invokes a function."""
        arn = f"arn:aws:lambda:{REGION}:000000000000:function:{self.ids[function]}"
        return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"

    def make_routes(self):
        """Creates the routes and authorizers that SAM puts into the API's `Body`,
        the only part of the template that this engine ignores."""
        gateway = self.engine.client("apigatewayv2")
        no_policies = type("Loader", (), {"load": staticmethod(dict)})
        os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
        processed = transform(self.template, {}, no_policies)
        body = processed["Resources"]["Api"]["Properties"]["Body"]
        authorizers = {}
        for name, scheme in body["components"]["securitySchemes"].items():
            wish = self.resolve(scheme["x-amazon-apigateway-authorizer"])
            authorizers[name] = (
                wish["type"],
                gateway.create_authorizer(ApiId=self.api_id, Name=name, **authorizer(wish))[
                    "AuthorizerId"
                ],
            )
        routes = 0
        for path, methods in body["paths"].items():
            for method, operation in methods.items():
                wish = operation["x-amazon-apigateway-integration"]
                integration = gateway.create_integration(
                    ApiId=self.api_id,
                    IntegrationType="AWS_PROXY",
                    IntegrationUri=self.resolve(wish["uri"]),
                    PayloadFormatVersion=wish["payloadFormatVersion"],
                )["IntegrationId"]
                security = {}
                for name in (name for one in operation.get("security", []) for name in one):
                    if name == "NONE":
                        continue
                    kind, authorizer_id = authorizers[name]
                    security = {
                        "AuthorizationType": "JWT" if kind == "jwt" else "CUSTOM",
                        "AuthorizerId": authorizer_id,
                    }
                gateway.create_route(
                    ApiId=self.api_id,
                    RouteKey="$default" if path == "$default" else f"{method.upper()} {path}",
                    Target=f"integrations/{integration}",
                    **security,
                )
                routes += 1
        print(f"{routes} routes, {len(authorizers)} authorizers")

    def nobody(self):
        return Person(self.engine.url, headers={"host": f"{self.api_id}.execute-api.localhost"})

    def person(self, email, name, verified=True):
        """Signs a person in with an account in the stack's user pool."""
        cognito, pool = self.engine.client("cognito-idp"), self.ids["UserPool"]
        attributes = [
            {"Name": "email", "Value": email},
            {"Name": "email_verified", "Value": str(verified).lower()},
            {"Name": "name", "Value": name},
        ]
        try:
            cognito.admin_create_user(
                UserPoolId=pool,
                Username=email,
                MessageAction="SUPPRESS",
                UserAttributes=attributes,
            )
        except cognito.exceptions.UsernameExistsException:
            cognito.admin_update_user_attributes(
                UserPoolId=pool, Username=email, UserAttributes=attributes[1:]
            )
        password = "Only-for-this-run-1"
        cognito.admin_set_user_password(
            UserPoolId=pool, Username=email, Password=password, Permanent=True
        )
        signed_in = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=self.ids["UserPoolClient"],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password},
        )
        token = signed_in["AuthenticationResult"]["IdToken"]
        person = self.nobody()
        person.headers["authorization"] = f"Bearer {token}"
        return person

    def machine(self, authorization):
        machine = self.nobody()
        machine.headers["authorization"] = authorization
        return machine

    def mails(self, email, subject="", sent=1):
        """Waits for a number of emails to an address, by a text in the subject."""

        def found():
            accounts = send("GET", f"{self.engine.url}/_ministack/ses/messages").body["messages"]
            mails = [
                mail
                for account in accounts.values()
                for mail in account
                if email.lower() in [to.lower() for to in mail["To"]] and subject in mail["Subject"]
            ]
            return mails if len(mails) >= sent else None

        return until(found, f"email to {email}")

    def link_to(self, email, sent=1):
        """Waits for emails to an address and returns the path of the newest one's link."""
        return f"/v1/invites/{link_token(self.mails(email, sent=sent)[-1]['BodyText'])}"

    def put_event(self, source, kind, detail, bus="default"):
        event = {
            "Source": source,
            "DetailType": kind,
            "Detail": json.dumps(detail),
            "EventBusName": bus,
        }
        put = self.engine.client("events").put_events(Entries=[event])
        assert put["FailedEntryCount"] == 0, put

    def let_expire(self, organization_id, invite_id):
        """Moves the invite's expiry into the past, as the engine's clock cannot be moved."""
        table, at = self.outputs["TableName"], {"S": "2024-11-06T05:37:44Z"}
        dynamodb = self.engine.client("dynamodb")
        organization = {"S": f"ORG#{organization_id}"}
        invite = dynamodb.update_item(
            TableName=table,
            Key={"pk": organization, "sk": {"S": f"INVITE#{invite_id}"}},
            UpdateExpression="SET expires_at = :at",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":at": at},
            ReturnValues="ALL_NEW",
        )["Attributes"]
        address = invite["email"]["S"].lower()
        dynamodb.update_item(
            TableName=table,
            Key={"pk": {"S": f"EMAIL#{address}"}, "sk": organization},
            UpdateExpression="SET holder.expires_at = :at, expires_at_seconds = :seconds",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":at": at, ":seconds": {"N": "1730871464"}},
        )

    def rotate_link_key(self):
        """Rotates the link key as docs/operations.md describes. No function has cached it."""
        self.engine.client("secretsmanager").put_secret_value(
            SecretId=self.outputs["LinkKeySecretArn"], SecretString=secrets.token_urlsafe(48)
        )

    def server_secret(self):
        """Returns the secret of the server key."""
        client = self.engine.client("secretsmanager")
        secret = client.get_secret_value(SecretId=self.outputs["ServerKeySecretArn"])
        return secret["SecretString"]

    def fire_schedules_soon(self):
        """Sets the schedules to every minute instead of every hour."""
        events = self.engine.client("events")
        for rule in events.list_rules()["Rules"]:
            if rule.get("ScheduleExpression"):
                events.put_rule(Name=rule["Name"], ScheduleExpression="rate(1 minute)")

    def dead_letter(self, queue):
        """Waits for a message in a dead-letter queue, deletes it and returns it."""
        sqs, url = self.engine.client("sqs"), self.outputs[queue]

        def found():
            return sqs.receive_message(QueueUrl=url).get("Messages")

        (message,) = until(found, f"a message in {queue}")
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(message["Body"])

    def nothing_is_given_up(self):
        sqs = self.engine.client("sqs")
        queues = [name for name in self.outputs if name.endswith("DeadLettersUrl")]
        assert queues, self.outputs
        for name in queues:
            url = self.outputs[name]
            attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
            count = attributes["Attributes"]["ApproximateNumberOfMessages"]
            assert count == "0", f"{name} holds {count}"


def authorizer(wish):
    if wish["type"] == "jwt":
        return {
            "AuthorizerType": "JWT",
            "IdentitySource": [wish["identitySource"]],
            "JwtConfiguration": {
                "Issuer": wish["jwtConfiguration"]["issuer"],
                "Audience": wish["jwtConfiguration"]["audience"],
            },
        }
    return {
        "AuthorizerType": "REQUEST",
        # SAM copies the list from the template.
        "IdentitySource": wish["identitySource"],
        "AuthorizerUri": wish["authorizerUri"],
        "AuthorizerPayloadFormatVersion": wish["authorizerPayloadFormatVersion"],
        "EnableSimpleResponses": wish["enableSimpleResponses"],
        "AuthorizerResultTtlInSeconds": wish.get("authorizerResultTtlInSeconds", 0),
    }


def step(text):
    print(text, flush=True)


def story(stack):
    nobody = stack.nobody()
    assert nobody.get("/v1/account").status == 401, "an anonymous request gets 401"

    step("1. Ada creates an organization and invites Bob as admin, with billing emails")
    ada = stack.person("ada@example.com", "Ada")
    acme = ada.post("/v1/organizations", {"name": "Acme Images"}).expect("201")["id"]
    path = f"/v1/organizations/{acme}"
    wish = {"email": "Bob@Example.com", "role": "admin", "receives_billing_emails": True}
    invite = ada.post(f"{path}/invites", wish).expect("201")
    bobs_link = stack.link_to("bob@example.com")
    preview = nobody.get(bobs_link).expect("200")
    assert preview["organization_name"] == "Acme Images", preview
    assert preview["inviter_name"] == "Ada", preview
    assert preview["role"] == "admin", preview
    assert preview["masked_email"] == "b…@example.com", preview
    (listed,) = ada.get(f"{path}/invites").expect("200")["items"]
    assert listed["delivery"]["state"] == "sent", listed

    step("2. Bob accepts, once his address is verified")
    accept = f"/v1/account/invites/{invite['id']}/accept"
    bob = stack.person("bob@example.com", "Bob", verified=False)
    refusal = bob.post(accept).expect("403 email_not_verified")
    assert "verify your email address" in refusal["detail"], refusal
    bob = stack.person("bob@example.com", "Bob")
    accepted = bob.post(accept).expect("200")["member"]
    assert accepted["role"] == "admin" and accepted["receives_billing_emails"], accepted
    account = bob.get("/v1/account").expect("200")
    assert account["current_organization"]["name"] == "Acme Images", account
    nobody.get(bobs_link).expect("410 invite_accepted")

    step("3. Carol declines from the link; Dana's address is one address in any letter case")
    bob.post(f"{path}/invites", {"email": "carol@example.com", "role": "user"}).expect("201")
    nobody.post(stack.link_to("carol@example.com") + "/decline").expect("204")
    wish = {"email": "dana@example.com", "role": "user"}
    first = bob.post(f"{path}/invites", wish).expect("201")["id"]
    again = {"email": " DANA@example.COM ", "role": "user"}
    refusal = bob.post(f"{path}/invites", again).expect("409 invite_outstanding")
    assert refusal["invite_id"] == first, refusal
    bob.delete(f"{path}/invites/{first}").expect("204")
    second = bob.post(f"{path}/invites", again).expect("201")["id"]

    step("4. Bob can neither raise his own role nor touch the creator")
    bobs, adas = f"{path}/members/{bob.user_id()}", f"{path}/members/{ada.user_id()}"
    bob.patch(bobs, {"role": "owner"}).expect("403 owner_required")
    wish = {"email": "eve@example.com", "role": "owner"}
    bob.post(f"{path}/invites", wish).expect("403 owner_required")
    bob.patch(path, {"name": "Bob's"}).expect("403 owner_required")
    bob.delete(adas).expect("403 creator_protected")
    ada.patch(bobs, {"role": "owner"}).expect("200")
    bob.patch(adas, {"role": "admin"}).expect("403 creator_protected")
    bob.patch(adas, {"receives_billing_emails": False}).expect("403 creator_protected")
    bob.delete(adas).expect("403 creator_protected")
    ada.delete(adas).expect("403 creator_protected")

    step("5. Dana joins, reads the settings, can change nothing, and leaves")
    dana = stack.person("dana@example.com", "Dana")
    dana.post(f"/v1/account/invites/{second}/accept").expect("200")
    settings = dana.get(f"{path}/settings").expect("200")
    assert settings["may"]["update_organization"]["allowed"] is False, settings
    assert settings["may"]["invite"]["roles"] == [], settings
    dana.patch(path, {"name": "Dana's"}).expect("403 owner_required")
    dana.delete(f"{path}/members/{dana.user_id()}").expect("200")
    dana.get(path).expect("404 organization_not_found")

    step("6. An unanswered invite expires, and the schedule cleans up")
    wish = {"email": "frank@example.com", "role": "user"}
    franks = ada.post(f"{path}/invites", wish).expect("201")["id"]
    link = stack.link_to("frank@example.com")
    stack.let_expire(acme, franks)
    assert ada.get(f"{path}/invites").expect("200")["items"] == []
    nobody.get(link).expect("410 invite_expired")
    stack.fire_schedules_soon()

    def kinds():
        log = ada.get(f"{path}/audit-events?limit=100").expect("200")["items"]
        return [event["kind"] for event in reversed(log)]

    until(lambda: "invite.expired" in kinds(), "the hourly cleanup", seconds=180)
    nobody.get(link).expect("410 invite_expired")
    bob.post(f"{path}/invites", wish).expect("201")
    stack.link_to("frank@example.com", sent=2)

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

    step("8. An API client uses credits, once per idempotency key, up to the plan's limit")
    wish = {"name": "Rendering"}
    dana.post(f"{path}/api-keys", wish).expect("404 organization_not_found")
    made = bob.post(f"{path}/api-keys", wish).expect("201")
    secret, key = made["secret"], made["api_key"]["id"]
    (listed,) = ada.get(f"{path}/api-keys").expect("200")["items"]
    assert listed["id"] == key, listed
    assert secret not in json.dumps(listed), "a secret is shown once"
    shop = stack.machine(f"Bearer {secret}")
    assert nobody.get("/v1/usage").expect("401") == {"message": "Unauthorized"}
    for wrong in (f"Bearer {secret[:-1]}", basic(franks, secret), ada.headers["authorization"]):
        refusal = stack.machine(wrong).get("/v1/usage").expect("403")
        assert refusal == {"message": "Forbidden"}, refusal
    shop.get(path).expect("401")
    for _ in range(2):
        used = render(shop, "first", 16)
        answer = used.expect("200")
        assert counted(answer) == usage(allowed=20, consumed=16, used=16), used.text
        assert (answer["organization_id"], answer["api_key_id"]) == (acme, key), answer
        assert used.headers["x-renders-used"] == "16", used.headers
    render(shop, "first", 15).expect("422 idempotency_key_reused")
    refusal = render(shop, "second", 5)
    assert "16 of your 20 image credits" in refusal.expect("429 credits_used_up")["detail"]
    assert int(refusal.headers["retry-after"]) > 0, refusal.headers
    render(shop, "second", 4).expect("200")
    refusal = render(shop, "third", 1).expect("429 credits_used_up")
    assert refusal["detail"] == "You've used 20 of your 20 image credits.", refusal
    shop.post("/v1/usage", {"credits": 1}).expect("400 invalid_request")
    for person in (ada, bob):
        assert person.get(f"{path}/usage").expect("200") == shop.get("/v1/usage").expect("200")
    (period,) = shop.get("/v1/usage").expect("200")["per_billing_period"]
    assert period["total_images"] == 20, period
    for email in ("ada@example.com", "bob@example.com"):
        stack.mails(email, "80% of the image credits of “Acme Images” are used")
        stack.mails(email, "All image credits of “Acme Images” are used")

    step("9. Bob changes the plan, and more credits are available")
    billing = ada.get(f"{path}/billing").expect("200")
    trial = {"id": "trial", "name": "Trial", "monthly_credits": 20, "price": None}
    team = {"id": "team", "name": "Team", "monthly_credits": 2000, "price": None}
    assert billing["plan"] == trial and billing["plans"] == [trial, team], billing
    wish = {"plan": "team", "company_name": "Acme Ltd"}
    billing = bob.patch(f"{path}/billing", wish).expect("200")
    assert billing["plan"] == team and billing["details"]["company_name"] == "Acme Ltd", billing
    used = render(shop, "third", 1).expect("200")
    assert counted(used) == usage(allowed=2000, consumed=1, used=21), used
    render(shop, "failed", 7).expect("200")
    for _ in range(2):
        given_back = shop.post("/v1/usage/refunds", {"idempotency_key": "failed"}).expect("200")
        assert given_back["refunded"] == 7, given_back
    seen = shop.get("/v1/api-key").expect("200")
    assert seen["organization"] == {"id": acme, "name": "Acme Images"}, seen
    assert seen["credits"]["remaining"] == 1979, seen
    billing = ada.patch(f"{path}/billing", {"plan": "trial", "when": "period_end"}).expect("200")
    assert billing["next_plan"] == {**trial, "from": billing["period"]["end"]}, billing
    ada.patch(f"{path}/billing", {"plan": "team"}).expect("200")

    step("10. The key is rotated and revoked")
    wish = {"grace_period_seconds": 3600}
    rotated = bob.post(f"{path}/api-keys/{key}/rotate", wish).expect("200")["secret"]
    # The gateway caches by the header, so another scheme invokes the authorizer again.
    for good in (secret, rotated):
        stack.machine(basic(acme, good)).get("/v1/usage").expect("200")
    wish = {"grace_period_seconds": 0}
    last = ada.post(f"{path}/api-keys/{key}/rotate", wish).expect("200")["secret"]
    stack.machine(f"Bearer {rotated}").get("/v1/usage").expect("403")
    stack.machine(f"Bearer {last}").get("/v1/usage").expect("200")
    bob.delete(f"{path}/api-keys/{key}").expect("204")
    stack.machine(basic(acme, last)).get("/v1/usage").expect("403")
    until(lambda: shop.get("/v1/usage").status == 403, "the end of the 30 s that the gateway caches")
    assert bob.get(f"{path}/api-keys").expect("200")["items"] == []

    step("11. The payment provider's events about invoices arrive on its own bus")
    news = "billing.payment_failed"
    invoice = {
        "organization_id": acme,
        "invoice_number": "INV-0042",
        "amount": 4900,
        "currency": "usd",
        "hosted_invoice_url": "https://pay.example.com/i/INV-0042",
    }
    stack.put_event("shop", news, {**invoice, "invoice_number": "INV-0041"})
    stack.put_event("shop", news, invoice, BUS)
    for email in ("ada@example.com", "bob@example.com"):
        (mail,) = stack.mails(email, "Payment failed: invoice")
        assert "INV-0042" in mail["Subject"], mail["Subject"]
        assert invoice["hosted_invoice_url"] in mail["BodyText"], mail["BodyText"]

    stack.put_event("shop", news, {**invoice, "organization_id": franks}, BUS)
    refused = stack.dead_letter("EventDeadLettersUrl")["requestPayload"]
    assert refused["detail"]["organization_id"] == franks, refused

    step("12. An email bounces")
    wish = {"email": "grace@example.com", "role": "user"}
    graces = bob.post(f"{path}/invites", wish).expect("201")["id"]
    stack.link_to("grace@example.com")

    def delivery(person):
        invites = person.get(f"{path}/invites").expect("200")["items"]
        (found,) = (invite["delivery"] for invite in invites if invite["id"] == graces)
        return found

    until(lambda: delivery(ada)["state"] == "sent", "the delivery state `sent`")
    report = json.loads((ROOT / "events" / "record-email-delivery.json").read_text())
    tags = report["detail"]["mail"]["tags"]
    tags |= {"organization_id": [acme], "invite_id": [graces], "times_sent": ["1"]}
    stack.put_event("aws.ses", report["detail-type"], report["detail"])
    until(lambda: delivery(bob)["state"] == "bounced", "the delivery state `bounced`")
    assert delivery(ada)["reason"], delivery(ada)

    step("13. The link key is rotated: earlier links stay valid until the next rotation")
    link = stack.link_to("grace@example.com")
    stack.rotate_link_key()
    nobody.get(link).expect("200")
    wish = {"email": "heidi@example.com", "role": "user"}
    bob.post(f"{path}/invites", wish).expect("201")
    newer = stack.link_to("heidi@example.com")
    stack.rotate_link_key()
    nobody.get(link).expect("404 invite_not_found")
    nobody.get(newer).expect("200")

    step("14. The audit log records all of that, too")
    told = kinds()[len(expected) :]
    also_expected = [
        "api_key.created",
        "usage.threshold_reached",
        "usage.threshold_reached",
        "billing.plan_changed",
        "billing.details_updated",
        "billing.plan_change_scheduled",
        "billing.plan_change_cancelled",
        "api_key.rotated",
        "api_key.rotated",
        "api_key.revoked",
        "billing.payment_failed",
        "invite.created",
        "invite.email_bounced",
        "invite.created",
    ]
    assert told == also_expected, told

    step("15. The pages and their assets are served")
    pages(stack, nobody)

    step("16. The product's own backend acts, and everything has an end")
    server = stack.machine(f"Bearer oss_{stack.server_secret()}")
    managed = f"/v1/server/organizations/{acme}"
    stack.machine("Bearer oss_wrong").get(managed).expect("403")
    server.patch(managed, {"external_id": "team_42"}).expect("200")
    (found,) = server.get("/v1/server/organizations?external_id=team_42").expect("200")["items"]
    assert found["id"] == acme, found
    assert server.get(f"{managed}/members/{bob.user_id()}").expect("200")["role"] == "owner"
    erin = stack.person("erin@example.com", "Erin")
    row = {"user_id": erin.user_id(), "email": "erin@example.com", "name": "Erin", "role": "user"}
    (added,) = server.post(f"{managed}/members", {"members": [row]}).expect("200")["items"]
    assert added["outcome"] == "added", added
    erin.get(path).expect("200")
    wish = {"plan": "team", "when": "now"}
    assert server.patch(f"{managed}/billing", wish).expect("200")["plan"] == team
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
    stack.nothing_is_given_up()


def basic(user, password):
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def render(machine, key, credits):
    return machine.post("/v1/usage", {"credits": credits}, {"idempotency-key": key})


def counted(answer):
    return {name: answer[name] for name in ("allowed", "consumed", "used", "remaining")}


def usage(allowed, consumed, used):
    return {"allowed": allowed, "consumed": consumed, "used": used, "remaining": allowed - used}


def pages(stack, nobody):
    for path in ("/", "/dashboard/organization-settings", "/dashboard/organization-settings/billing", "/account/settings", "/invites/x"):
        page = nobody.get(path)
        page.expect("200")
        assert page.headers["content-type"] == "text/html; charset=utf-8", page.headers
        assert page.headers["cache-control"] == "no-cache", page.headers
        assert f'data-issuer="{stack.issuer()}"' in page.text, page.text
        assert f'data-client-id="{stack.ids["UserPoolClient"]}"' in page.text, page.text
        policy = page.headers["content-security-policy"]
        origin = f"https://{stack.ids['UserPoolDomain']}.auth.{REGION}.amazoncognito.com"
        assert policy.startswith("default-src 'none'") and origin in policy, policy
        kept = nobody.get(path, {"if-none-match": page.headers["etag"]})
        assert (kept.status, kept.content) == (304, b""), kept.text
    assets = re.findall(r'"(/assets/[^"]+)"', page.text)
    assert sorted(Path(asset).suffix for asset in assets) == [".css", ".js", ".svg"], assets
    for asset in assets:
        plain = nobody.get(asset)
        plain.expect("200")
        assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
        packed = nobody.get(asset, {"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip", packed.headers
        assert gzip.decompress(packed.content) == plain.content, asset
        packed = nobody.get(asset, {"accept-encoding": "gzip, br"})
        assert packed.headers["content-encoding"] == "br", packed.headers
        assert len(packed.content) < len(plain.content), asset
    missing = nobody.get("/nowhere", {"accept": "text/html"})
    assert missing.status == 404 and "<!doctype html>" in missing.text, missing.text
    assert nobody.get("/nowhere").expect("404") == {"message": "Not Found"}


def main():
    need_build()
    folder = ROOT / "target" / "deployed"
    folder.mkdir(parents=True, exist_ok=True)
    engine = Engine(free_port(), folder)
    with running(
        [sys.executable, Path(__file__).with_name("engine.py")], folder / "engine.log", env=engine.environment, cwd=folder
    ) as process:
        until(engine.answers, "ministack", process)
        engine.client("events").create_event_bus(Name=BUS)
        step("sam deploy")
        deploy = [
            BIN / "sam",
            "deploy",
            "--no-confirm-changeset",
            "--no-progressbar",
            "--parameter-overrides",
            *(f"{name}={value}" for name, value in PARAMETERS.items()),
        ]
        log = folder / "deploy.log"
        with running(deploy, log, env=engine.environment, cwd=ROOT) as deploying:
            if deploying.wait(600) != 0:
                fail(f"sam deploy failed:\n{log.read_text()}")
        stack = Deployment(engine)
        stack.make_routes()
        story(stack)
    print("the main scenario passed on the second engine")


if __name__ == "__main__":
    main()
