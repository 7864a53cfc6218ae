"""Scans the processed template with checkov, and its IAM policies with parliament and
cloudsplaining. `scanners.yaml` has the findings that are accepted, each with its reason; one
that no longer occurs fails too.
"""

import contextlib
import io
import json
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import yaml
from cloudsplaining.command.scan_policy_file import scan_policy
from parliament import analyze_policy_string, enhance_finding

from support import ROOT, clean_environment, fail

TEMPLATE = ROOT / "tests" / "aws" / "processed-template.json"
ACCEPTED = ROOT / "tests" / "aws" / "scanners.yaml"

# What stands in for the values that only a deployment knows.
VALUES = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "EmailFrom": "Example <no-reply@example.com>",
    "AuditEventBusName": "events",
}
ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:us-east-1:123456789012:table/",
    "AWS::Events::ApiDestination": "events:us-east-1:123456789012:api-destination/",
    "AWS::Lambda::Function": "lambda:us-east-1:123456789012:function:",
    "AWS::SecretsManager::Secret": "secretsmanager:us-east-1:123456789012:secret:",
    "AWS::SQS::Queue": "sqs:us-east-1:123456789012:",
}


class Resolver:
    """Replaces the intrinsic functions of the template's policies by values."""

    def __init__(self, template):
        self.resources = template["Resources"]

    def arn(self, name, attribute="Arn"):
        arn = f"arn:aws:{ARNS[self.resources[name]['Type']]}{name}"
        return f"{arn}/stream/2026" if attribute == "StreamArn" else arn

    def ref(self, name):
        if name in VALUES:
            return VALUES[name]
        # The reference to a secret is its ARN, and to others their name.
        is_secret = name in self.resources and "Secret" in self.resources[name]["Type"]
        return self.arn(name) if is_secret else name

    def sub(self, text, values):
        def value(match):
            name = match[1]
            if name in values:
                return self.resolve(values[name])
            return self.arn(*name.split(".")) if "." in name else self.ref(name)

        return re.sub(r"\$\{([^}]+)\}", value, text)

    def resolve(self, value):
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        [(name, argument), *others] = value.items()
        if others or not (name == "Ref" or name.startswith("Fn::")):
            return {key: self.resolve(item) for key, item in value.items()}
        match name:
            case "Ref":
                return self.ref(argument)
            case "Fn::GetAtt":
                return self.arn(*argument)
            case "Fn::If":
                return self.resolve(argument[1])
            case "Fn::Sub":
                text, values = argument if isinstance(argument, list) else (argument, {})
                return self.sub(text, values)
            case "Fn::Join":
                return argument[0].join(self.resolve(argument[1]))
            case "Fn::Split":
                return self.resolve(argument[1]).split(argument[0])
            case "Fn::Select":
                return self.resolve(argument[1])[int(argument[0])]
        fail(f"{name} is unknown to the scan of policies")


def policies():
    """Yields the role, and the policy as IAM gets it, of each inline policy."""
    template = json.loads(TEMPLATE.read_text())
    resolver = Resolver(template)
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"].get("Policies", []):
                yield name, resolver.resolve(policy["PolicyDocument"])


def checkov():
    """Yields the scanner, the check, the resource and the name of each finding."""
    command = [Path(sys.executable).parent / "checkov", "--framework", "cloudformation"]
    command += ["--skip-download", "--quiet", "--compact", "-o", "json", "-f", TEMPLATE]
    done = subprocess.run(command, capture_output=True, text=True, env=clean_environment())
    if not done.stdout.startswith("{"):
        fail(f"checkov: {done.stdout}{done.stderr}")
    report = json.loads(done.stdout)
    if not report["summary"].get("passed") or report["summary"]["parsing_errors"]:
        fail(f"checkov could not read the template: {report['summary']}")
    for finding in report["results"]["failed_checks"]:
        yield "checkov", finding["check_id"], finding["resource"], finding["check_name"]


def parliament(role, policy):
    for finding in analyze_policy_string(json.dumps(policy)).findings:
        detail = f"{enhance_finding(finding).title} {finding.detail or ''}"
        yield "parliament", finding.issue, role, detail


def cloudsplaining(role, policy):
    # It prints to the standard output what it cannot expand.
    with contextlib.redirect_stdout(io.StringIO()):
        results = scan_policy(policy, flag_conditional_statements=True)
    for kind, result in results.items():
        if isinstance(result, dict) and result.get("findings"):
            yield "cloudsplaining", kind, role, json.dumps(result["findings"], default=str)


def check_scanners():
    """Fails if a scanner of policies is silent about one that allows everything."""
    statement = {"Effect": "Allow", "Action": ["iam:PassRole", "s3:*"], "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    for scanner in (parliament, cloudsplaining):
        if not list(scanner("role", policy)):
            fail(f"{scanner.__name__} finds nothing in a policy that allows everything")


def main():
    check_scanners()
    findings = list(checkov())
    count = 0
    for role, policy in policies():
        count += 1
        findings += [*parliament(role, policy), *cloudsplaining(role, policy)]
    accepted = [
        (scanner, kind, resource)
        for scanner, kinds in yaml.safe_load(ACCEPTED.read_text()).items()
        for kind, exception in kinds.items()
        for resource in exception["resources"]
    ]
    used, wrong = set(), []
    for scanner, kind, resource, detail in findings:
        matching = [one for one in accepted if one[:2] == (scanner, kind) and fnmatchcase(resource, one[2])]
        used.update(matching)
        if not matching:
            wrong.append(f"{scanner} {kind} of {resource}: {detail}")
    place = ACCEPTED.relative_to(ROOT)
    wrong += [f"{' '.join(one)} of {place} no longer occurs" for one in accepted if one not in used]
    if wrong:
        fail("\n".join(wrong) + f"\nMend each, or accept it with a reason in {place}")
    print(f"{count} policies and the template have the {len(findings)} findings that {place} accepts")


if __name__ == "__main__":
    main()
