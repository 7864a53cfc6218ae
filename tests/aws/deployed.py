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

import smoke
import steps
from stack import Stack
from steps import step
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


class Deployment(Stack):
    """The stack that `sam deploy` has created."""

    def __init__(self, engine):
        self.engine = engine
        super().__init__(STACK, engine.client)
        cloudformation = engine.client("cloudformation")
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

    def address(self, name):
        return f"{name}@example.com"

    def nobody(self):
        return Person(self.engine.url, headers={"host": f"{self.api_id}.execute-api.localhost"})

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

    def link(self, email, _invite=None, _organization=None, mails=1):
        """Waits for emails to an address and returns the path of the newest one's link."""
        return f"/v1/invites/{link_token(self.mails(email, sent=mails)[-1]['BodyText'])}"

    def clean_up(self):
        """Has the schedules run within a minute."""
        self.fire_schedules_soon()

    def put_event(self, source, kind, detail, bus="default"):
        event = {
            "Source": source,
            "DetailType": kind,
            "Detail": json.dumps(detail),
            "EventBusName": bus,
        }
        put = self.engine.client("events").put_events(Entries=[event])
        assert put["FailedEntryCount"] == 0, put

    def rotate_link_key(self):
        """Rotates the link key as docs/operations.md describes. No function has cached it."""
        self.engine.client("secretsmanager").put_secret_value(
            SecretId=self.outputs["LinkKeySecretArn"], SecretString=secrets.token_urlsafe(48)
        )

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


def story(stack):
    nobody = stack.nobody()
    assert nobody.get("/v1/account").status == 401, "an anonymous request gets 401"

    told = steps.members(stack)
    ada, bob, dana = told.ada, told.bob, told.dana
    acme, path, franks = told.acme, told.path, told.franks
    kinds, expected = told.kinds, told.expected

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
        stack.mails(email, "“Acme Images” has used 80% of its image credits")
        stack.mails(email, "“Acme Images” is out of image credits")

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
    stack.link("grace@example.com")

    def delivery(person):
        invites = person.get(f"{path}/invites").expect("200")["items"]
        (found,) = (invite["delivery"] for invite in invites if invite["id"] == graces)
        return found

    until(lambda: delivery(ada)["state"] == "sent", "the delivery state `sent`")
    report = json.loads((ROOT / "events" / "record-email-delivery.json").read_text())
    tags = report["detail"]["mail"]["tags"]
    tags |= {"organization_id": [acme], "invite_id": [graces], "times_sent": ["1"], "stack": [STACK]}
    stack.put_event("aws.ses", report["detail-type"], report["detail"])
    until(lambda: delivery(bob)["state"] == "bounced", "the delivery state `bounced`")
    assert delivery(ada)["reason"], delivery(ada)

    step("13. The link key is rotated: earlier links stay valid until the next rotation")
    link = stack.link("grace@example.com")
    stack.rotate_link_key()
    nobody.get(link).expect("200")
    wish = {"email": "heidi@example.com", "role": "user"}
    bob.post(f"{path}/invites", wish).expect("201")
    newer = stack.link("heidi@example.com")
    stack.rotate_link_key()
    nobody.get(link).expect("404 invite_not_found")
    nobody.get(newer).expect("200")

    step("14. The audit log records all of that, too")
    since = kinds()[len(expected) :]
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
    assert since == also_expected, since

    step("15. The pages and their assets are served")
    pages(stack, nobody)

    step("16. The product acts by its own backend, and all has an end")
    steps.backend(stack, told)
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
        step("the smoke test of a deployed stack")
        smoke.smoke(smoke.Deployed(STACK, engine.client, stack.nobody))
    print("the main scenario passed on the second engine")


if __name__ == "__main__":
    main()
