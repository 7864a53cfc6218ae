"""What a new process costs, from its start to its first answer and after.

    python3 benches/cold.py LOCAL [ROUNDS]

The functions that `.ci/sam-build` has built are started in alternation with the
least that a function can be (`benches/hello`), which the same
command builds. LOCAL is the local stack's binary, for the database. Processor
time of the process alone, the least of all rounds; wall time for comparison.
"""

import statistics
import subprocess
import sys
import time
from urllib.parse import urlsplit

from scene import Scene
from lambda_side import (
    FOLDER,
    Front,
    Lambda,
    bootstrap,
    certificate,
    clean_environment,
    cpu_ms,
    environment,
    local_stack,
)

WARM = 20


def start(binary, front, event, **more):
    """One process, from its start to some answers."""
    runtime = Lambda()
    seen = {}
    process = None

    def connected():
        seen["connects"] = cpu_ms(process.pid)

    if front:
        front.on_connection = connected
    began = time.perf_counter()
    process = subprocess.Popen(
        [binary],
        env=environment(runtime, front.url if front else "http://127.0.0.1:9", **more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        runtime.wait_for_poll(process)
        seen["polls"] = cpu_ms(process.pid)
        seen["polls, wall"] = (time.perf_counter() - began) * 1000
        rest = []
        for number in range(WARM + 1):
            wish = event(number)
            before, at = cpu_ms(process.pid), time.perf_counter()
            runtime.give(wish)
            runtime.wait_for_poll(process)
            took = (cpu_ms(process.pid) - before, (time.perf_counter() - at) * 1000)
            if number == 0:
                seen["first"], seen["first, wall"] = took
            else:
                rest.append(took)
        # The first of these still touches memory for the first time.
        seen["warm"] = statistics.median(cpu for cpu, _ in rest)
        seen["warm, wall"] = statistics.median(wall for _, wall in rest)
        kinds = {kind for kind, _ in runtime.answers}
        assert kinds == {"response"}, runtime.answers
        return seen
    finally:
        process.kill()
        process.wait()
        runtime.close()


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    chain, key = certificate()
    nowhere = FOLDER / "no-certificates"
    nowhere.mkdir(exist_ok=True)
    trust = {"SSL_CERT_FILE": str(chain), "SSL_CERT_DIR": str(nowhere)}
    with local_stack(sys.argv[1]) as stack:
        scene = Scene(stack["API"])
        place = urlsplit(stack["DynamoDB"])
        target = (place.hostname, place.port)
        plain, secure = Front(target), Front(target, (chain, key))
        hello = bootstrap("hello")
        kinds = {"hello": lambda: start(hello, None, lambda n: {"n": n})}
        for operation in ["get-account", "create-invite"]:
            binary = bootstrap(operation)
            count = iter(range(10**9))
            fresh = lambda _, o=operation, c=count: scene.event(o, next(c))
            kinds[operation] = lambda b=binary, f=fresh: start(b, plain, f)
            kinds[f"{operation}, TLS"] = lambda b=binary, f=fresh: start(b, secure, f, **trust)
        least = {}
        for _ in range(rounds):
            for kind, run in kinds.items():
                for name, value in run().items():
                    known = least.setdefault(kind, {})
                    known[name] = min(known.get(name, value), value)
    columns = ["connects", "polls", "first", "warm", "polls, wall", "first, wall", "warm, wall"]
    print(f"milliseconds, least of {rounds} rounds; processor time unless it says wall")
    print(f"{'':22}" + "".join(f"{name:>13}" for name in columns))
    for kind, values in least.items():
        cells = (f"{values[name]:13.2f}" if name in values else f"{'':13}" for name in columns)
        print(f"{kind:22}" + "".join(cells))
    base = least["hello"]["polls"]
    for operation in ["get-account", "create-invite"]:
        connects = least[operation]["connects"] / base
        secure = least[f"{operation}, TLS"]
        first = secure["first"] / secure["warm"]
        print(f"{operation}: {connects:.2f} of hello's time before it connects (at most 1.5);")
        print(f"  first answer over TLS {first:.2f} of a warm one (at most 1.5)")


if __name__ == "__main__":
    main()
