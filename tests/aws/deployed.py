"""Deploys the built template on a second engine, and tells the story on it.

The engine is ministack: it runs the real bootstraps, without Docker. `sam
deploy` is AWS's own; sign-in is the stack's user pool; requests take the way
of its HTTP API; mails, stream and schedule are the engine's. What differs
between the engines, and from AWS, is in docs/engines.md.
"""

import json
import os
import platform
import re
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


class Engine:
    """ministack, and AWS's clients for it."""

    def __init__(self, port, folder):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.environment = clean_environment(
            AWS_ENDPOINT_URL=self.url,
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
            AWS_DEFAULT_REGION=REGION,
            # Its own, and not the home's: no profile may play a part.
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
    """What `sam deploy` has made."""

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
        """What the intrinsic functions in the API's definition give."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        match next(iter(value.items())):
            # The stack is deployed without an issuer, so it has a user pool.
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
        """Where API Gateway calls a function."""
        arn = f"arn:aws:lambda:{REGION}:000000000000:function:{self.ids[function]}"
        return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"

    def make_routes(self):
        """Makes the routes and authorizers that SAM puts into the API's `Body`,
        which is the one thing of the template that this engine passes over."""
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
        """Somebody with an account in the stack's user pool, who has just signed in."""
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

    def link_to(self, email, sent=1):
        """The path of the link in the newest mail to an address, once there are so many."""

        def mails():
            accounts = send("GET", f"{self.engine.url}/_ministack/ses/messages").body["messages"]
            found = [
                mail
                for account in accounts.values()
                for mail in account
                if email.lower() in [to.lower() for to in mail["To"]]
            ]
            return found if len(found) >= sent else None

        return f"/v1/invites/{link_token(until(mails, f'mail to {email}')[-1]['BodyText'])}"

    def let_expire(self, organization_id, invite_id):
        """The engine's clock cannot be moved: the invite's end is moved instead."""
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

    def fire_schedules_soon(self):
        """Every minute instead of every hour; the engine does the rest."""
        events = self.engine.client("events")
        for rule in events.list_rules()["Rules"]:
            if rule.get("ScheduleExpression"):
                events.put_rule(Name=rule["Name"], ScheduleExpression="rate(1 minute)")

    def nothing_is_given_up(self):
        sqs = self.engine.client("sqs")
        for name, url in self.outputs.items():
            if name.endswith("DeadLettersUrl"):
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
        # SAM leaves the list as it is in the template.
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
    assert nobody.get("/v1/account").status == 401, "whoever is not signed in gets 401"

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

    step("3. Bob invites: Carol declines from the link, Dana's address is taken in any case")
    bob.post(f"{path}/invites", {"email": "carol@example.com", "role": "user"}).expect("201")
    nobody.post(stack.link_to("carol@example.com") + "/decline").expect("204")
    wish = {"email": "dana@example.com", "role": "user"}
    first = bob.post(f"{path}/invites", wish).expect("201")["id"]
    again = {"email": " DANA@example.COM ", "role": "user"}
    refusal = bob.post(f"{path}/invites", again).expect("409 invite_outstanding")
    assert refusal["invite_id"] == first, refusal
    bob.delete(f"{path}/invites/{first}").expect("204")
    second = bob.post(f"{path}/invites", again).expect("201")["id"]

    step("4. Nobody takes power that is not theirs")
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

    step("5. Dana joins, sees, changes nothing, and leaves")
    dana = stack.person("dana@example.com", "Dana")
    dana.post(f"/v1/account/invites/{second}/accept").expect("200")
    settings = dana.get(f"{path}/settings").expect("200")
    assert settings["may"]["update_organization"]["allowed"] is False, settings
    assert settings["may"]["invite"]["roles"] == [], settings
    dana.patch(path, {"name": "Dana's"}).expect("403 owner_required")
    dana.delete(f"{path}/members/{dana.user_id()}").expect("200")
    dana.get(path).expect("404 organization_not_found")

    step("6. What nobody answered expires, and the schedule tidies up")
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

    step("7. The audit log tells all of it")
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
    stack.nothing_is_given_up()


def main():
    need_build()
    folder = ROOT / "target" / "deployed"
    folder.mkdir(parents=True, exist_ok=True)
    engine = Engine(free_port(), folder)
    with running(
        [sys.executable, Path(__file__).with_name("engine.py")], folder / "engine.log", env=engine.environment, cwd=folder
    ) as process:
        until(engine.answers, "ministack", process)
        step("sam deploy")
        deploy = [
            BIN / "sam",
            "deploy",
            "--no-confirm-changeset",
            "--no-progressbar",
            "--parameter-overrides",
            f"Architecture={ARCHITECTURE}",
            "MailFrom=no-reply@example.com",
        ]
        log = folder / "deploy.log"
        with running(deploy, log, env=engine.environment, cwd=ROOT) as deploying:
            if deploying.wait(600) != 0:
                fail(f"sam deploy failed:\n{log.read_text()}")
        stack = Deployment(engine)
        stack.make_routes()
        story(stack)
    print("the story is true on the second engine")


if __name__ == "__main__":
    main()
