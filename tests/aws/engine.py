"""ministack, with two things as AWS has them.

API Gateway's JWT authorizer gives every claim as text. ministack gives numbers
and booleans as they stand in the token, which AWS's own types for the event
refuse. And it does not know how Cognito's sign-in pages are styled: that is
taken, and without effect.
"""

import json

from ministack.services import apigateway
from ministack.services.cloudformation import provisioners

validate = apigateway._validate_jwt_authorizer


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


apigateway._validate_jwt_authorizer = with_text_claims
provisioners._RESOURCE_HANDLERS["AWS::Cognito::ManagedLoginBranding"] = {
    "create": lambda logical_id, _properties, stack: (f"{stack}-{logical_id}", {}),
    "delete": lambda _physical_id, _properties: None,
}

if __name__ == "__main__":
    from ministack.app import main

    main()
