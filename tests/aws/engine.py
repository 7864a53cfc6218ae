"""Runs ministack with six corrections that make it behave as AWS does.

- API Gateway's JWT authorizer passes every claim as text. ministack passes
  numbers and booleans as they are in the token, which AWS's own types for the
  event refuse.
- A user pool has the attribute `ProviderURL`: its issuer.
- `Ref` of a user pool's domain is the domain without a prefix.
- An alarm may calculate with several metrics. Here it watches the first of them.
- The styling of Cognito's sign-in pages is accepted, without effect.
- EventBridge invokes functions asynchronously: a failed event is retried, and
  then goes to the function's failure destination. ministack supports this, but
  not for EventBridge.
"""

import json

from ministack.services import apigateway, eventbridge, lambda_svc
from ministack.services.cloudformation import provisioners

validate = apigateway._validate_jwt_authorizer
handlers = provisioners._RESOURCE_HANDLERS
create_user_pool = handlers["AWS::Cognito::UserPool"]["create"]
create_domain = handlers["AWS::Cognito::UserPoolDomain"]["create"]
create_alarm = handlers["AWS::CloudWatch::Alarm"]["create"]


def as_text(value):
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(as_text(item) for item in value)}]"
    return json.dumps(value)


async def with_text_claims(*arguments):
    claims, scopes, refusal = await validate(*arguments)
    if claims is not None:
        claims = {name: as_text(value) for name, value in claims.items()}
    return claims, scopes, refusal


def user_pool_with_issuer(logical_id, properties, stack):
    pool, attributes = create_user_pool(logical_id, properties, stack)
    return pool, {**attributes, "ProviderURL": f"https://{attributes['ProviderName']}"}


def domain_by_its_name(logical_id, properties, stack):
    _, attributes = create_domain(logical_id, properties, stack)
    return properties["Domain"], attributes


def alarm_of_one_metric(logical_id, properties, stack):
    metrics = [one["MetricStat"] for one in properties.get("Metrics", []) if "MetricStat" in one]
    if metrics:
        rest = {name: value for name, value in properties.items() if name != "Metrics"}
        first = {"Statistic": metrics[0]["Stat"], "Period": metrics[0]["Period"]}
        properties = {**rest, **first, **metrics[0]["Metric"]}
    return create_alarm(logical_id, properties, stack)


def call_asynchronously(arn, payload):
    function, _, _ = lambda_svc._get_func_record_for_ref(arn)
    lambda_svc.invoke_async_with_retry(function, json.loads(payload))


apigateway._validate_jwt_authorizer = with_text_claims
eventbridge._dispatch_to_lambda = call_asynchronously
handlers["AWS::CloudWatch::Alarm"]["create"] = alarm_of_one_metric
handlers["AWS::Cognito::UserPool"]["create"] = user_pool_with_issuer
handlers["AWS::Cognito::UserPoolDomain"]["create"] = domain_by_its_name
handlers["AWS::Cognito::ManagedLoginBranding"] = {
    "create": lambda logical_id, _properties, stack: (f"{stack}-{logical_id}", {}),
    "delete": lambda _physical_id, _properties: None,
}

if __name__ == "__main__":
    from ministack.app import main

    main()
