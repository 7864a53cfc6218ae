"""A deployed stack, by AWS's API and its own: for the second engine and for AWS."""

import secrets


class Stack:
    """A stack, its outputs and its resources. `client` returns AWS's client of a service."""

    def __init__(self, name, client):
        self.name = name
        self.client = client
        cloudformation = client("cloudformation")
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        resources = [r for page in pages for r in page["StackResourceSummaries"]]
        self.ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
        self.kinds = {r["LogicalResourceId"]: r["ResourceType"] for r in resources}

    def person(self, email, name, verified=True):
        """Signs a person in with an account in the stack's user pool."""
        cognito, pool = self.client("cognito-idp"), self.ids["UserPool"]
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
        password = f"{secrets.token_urlsafe(24)}-aA1"
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

    def let_expire(self, organization_id, invite_id):
        """Moves the invite's expiry into the past, as the clock cannot be moved."""
        table, at = self.outputs["TableName"], {"S": "2024-11-06T05:37:44Z"}
        dynamodb = self.client("dynamodb")
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

    def make_room(self):
        """Makes room for more emails to the recipient, where all people share one."""

    def server_secret(self):
        """Returns the secret of the server key."""
        client = self.client("secretsmanager")
        secret = client.get_secret_value(SecretId=self.outputs["ServerKeySecretArn"])
        return secret["SecretString"]

    def nothing_is_given_up(self):
        sqs = self.client("sqs")
        queues = [name for name in self.outputs if name.endswith("DeadLettersUrl")]
        assert queues, self.outputs
        for name in queues:
            url = self.outputs[name]
            attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
            count = attributes["Attributes"]["ApproximateNumberOfMessages"]
            assert count == "0", f"{name} holds {count}"
