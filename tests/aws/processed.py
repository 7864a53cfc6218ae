"""Compares the template that CloudFormation gets, after SAM's transform, with the kept one,
so that a review shows each change of the deployment: also those that a new version of SAM
makes. `UPDATE_TEMPLATE=1` rewrites the kept one.
"""

import difflib
import json
import os

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

from support import ROOT, fail

TEMPLATE = ROOT / "template.yaml"
KEPT = ROOT / "tests" / "aws" / "processed-template.json"


class NoPolicies:
    """The managed policies of an account; the template names none."""

    def load(self):
        return {}


def processed():
    template = yaml_parse(TEMPLATE.read_text())
    del template["Globals"]["Function"]["CodeUri"]
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # `sam deploy` fills in the place of the upload.
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    parameters = template["Parameters"].items()
    values = {name: parameter.get("Default", "no-reply@example.com") for name, parameter in parameters}
    made = transform(template, values, NoPolicies())
    return json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main():
    # The transform asks for a region, and reaches none.
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    made = processed()
    if os.environ.get("UPDATE_TEMPLATE"):
        KEPT.write_text(made)
    kept = KEPT.read_text()
    if made != kept:
        place = str(KEPT.relative_to(ROOT))
        lines = difflib.unified_diff(kept.splitlines(), made.splitlines(), place, "now", lineterm="")
        fail("\n".join(lines) + "\nUPDATE_TEMPLATE=1 python3 tests/aws/processed.py takes this over")
    print(f"{len(json.loads(made)['Resources'])} resources are as in {KEPT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
