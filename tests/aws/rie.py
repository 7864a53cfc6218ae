"""Runs every built function under AWS's Lambda Runtime Interface Emulator.

Each function gets its sample event from `events/` and uses the local stack's
database, mail catcher and secret. SAM derives its environment from the template
and from `events/env.json`. The script compares the responses with those in
`tests/aws/answers`; `UPDATE_ANSWERS=1` rewrites them.
"""

import json
import sys
from pathlib import Path

import samcli

import items
from samcli.commands.local.lib.local_lambda import LocalLambdaRunner

from scenes import ANSWERS, ARCHITECTURE, functions, local_stack, operation_of, play
from support import BUILT, ROOT, fail, free_port, listens, need_build, running, send, until

EMULATOR = Path(samcli.__file__).parent / "local" / "rapid" / f"aws-lambda-rie-{ARCHITECTURE}"


def environments():
    """Yields the operation, logical id and environment of each function."""
    overrides = json.loads((ROOT / "events" / "env.json").read_text())
    provider = functions()
    # Resolving the environment starts no container.
    root = str(ROOT)
    runner = LocalLambdaRunner(None, provider, root, root, env_vars_values=overrides)
    for function in provider.get_all():
        environment = runner._make_env_vars(function).resolve()
        yield operation_of(function), function.name, environment


def reach(environment, stack):
    """Points the endpoints at this process's stack, as no container is involved."""
    def local(value):
        value = value.replace("http://host.docker.internal:8000", stack.dynamodb)
        return value.replace("http://host.docker.internal:8001", stack.services)

    return {name: local(value) for name, value in environment.items()}


def invoke(operation, logical_id, environment, logs, event):
    """Invokes a function under an emulator of its own."""
    port, runtime_port = free_port(), free_port()
    command = [
        EMULATOR,
        "--runtime-interface-emulator-address",
        f"127.0.0.1:{port}",
        "--runtime-api-address",
        f"127.0.0.1:{runtime_port}",
        BUILT / logical_id / "bootstrap",
    ]
    with running(command, logs / f"{operation}.log", env=environment) as emulator:
        until(lambda: listens(port), operation, emulator)
        url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        reply = send("POST", url, event)
        if reply.body is None and reply.text != "null":
            fail(f"{operation} answered {reply.status}: {reply.text}")
    return reply.body


def main():
    need_build()
    EMULATOR.chmod(0o755)
    logs = ROOT / "target" / "rie"
    logs.mkdir(parents=True, exist_ok=True)
    wrong, seen = [], []
    with local_stack(sys.argv[1], logs / "stack.log") as stack:
        for operation, logical_id, environment in environments():
            seen.append(operation)
            environment = reach(environment, stack)
            invoked = lambda event: invoke(operation, logical_id, environment, logs, event)
            wrong.append(play(operation, stack, invoked))
        misfits, kinds = items.problems(stack.table())
        wrong += misfits
    for file in sorted(ANSWERS.glob("*.json")):
        if file.stem not in seen:
            wrong.append(f"{file.relative_to(ROOT)} belongs to no function")
    if wrong := list(filter(None, wrong)):
        fail("\n".join(wrong))
    print(f"{len(kinds)} kinds of items are as docs/data-model.md says: {', '.join(sorted(kinds))}")
    print(f"{len(seen)} functions responded as expected under the Runtime Interface Emulator")


if __name__ == "__main__":
    main()
