"""Checks each environment of samconfig.toml as `sam deploy` reads it: it has the settings of
`default`, of which SAM takes nothing for it, and its parameters fit the template.
"""

import re

from samcli.cli.types import CfnParameterOverridesType
from samcli.lib.config.samconfig import SamConfig
from samcli.yamlhelper import yaml_parse

from support import ROOT, fail

ENVIRONMENTS = ("dev", "prod")


def problems(environment, config, parameters):
    """Yields what is wrong with an environment."""
    settings = config.get_all(["deploy"], "parameters", environment)
    default = config.get_all(["deploy"], "parameters")
    for name in sorted(default.keys() - settings.keys()):
        yield f"lacks {name}"
    values = CfnParameterOverridesType().convert(settings["parameter_overrides"], None, None)
    # SAM passes over the rest of a value that has a space and no quotes.
    if len(values) != len(settings["parameter_overrides"]):
        yield f"SAM reads {sorted(values)} only"
    for name in sorted(name for name, parameter in parameters.items() if "Default" not in parameter):
        if name not in values:
            yield f"lacks {name}, which has no default"
    for name, value in values.items():
        parameter = parameters.get(name)
        if parameter is None:
            yield f"{name} is no parameter of the template"
        elif not re.fullmatch(parameter.get("AllowedPattern", ".*"), value):
            yield f"{name}: {value} {parameter.get('ConstraintDescription', 'is invalid')}"
        elif value not in map(str, parameter.get("AllowedValues", [value])):
            yield f"{name}: {value} is none of {parameter['AllowedValues']}"


def main():
    config = SamConfig(str(ROOT))
    parameters = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]
    wrong = [
        f"samconfig.toml, {environment}: {problem}"
        for environment in ENVIRONMENTS
        for problem in problems(environment, config, parameters)
    ]
    if wrong:
        fail("\n".join(wrong))
    print(f"the environments {', '.join(ENVIRONMENTS)} of samconfig.toml fit the template")


if __name__ == "__main__":
    main()
