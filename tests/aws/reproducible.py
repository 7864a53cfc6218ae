"""Checks that builds are reproducible: the same sources give the same bytes, so that a
deployment from a fresh clone replaces only the functions that have changed.

A clean build of a function takes minutes, most of them for other crates. So this builds the
smallest one in another folder, without what is built already, and looks for the folder and
the date in all built functions: the ways by which a build gets into its result.
"""

import datetime
import os
import shutil
import subprocess
import sys
from pathlib import Path

from support import ROOT, fail

SMALLEST = "hello"


def copy_of_the_sources(folder):
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def traces(content):
    """Yields what a built function shows of its build."""
    if str(ROOT).encode() in content:
        yield f"the folder {ROOT}"
    today = datetime.datetime.now(datetime.timezone.utc)
    for day in (today, today - datetime.timedelta(days=1)):
        # As C's `__DATE__` has it.
        date = f"{day:%b} {day.day:2} {day:%Y}"
        if date.encode() in content:
            yield f"the date {date}"


def main():
    binaries = Path(sys.argv[1])
    built = sorted(binaries.glob("*/bootstrap"))
    if len(built) < 2:
        fail("nothing is built: run `.ci/sam-build` first")
    wrong = [
        f"{path.parent.name} has {trace}" for path in built for trace in traces(path.read_bytes())
    ]
    if wrong:
        fail("\n".join(wrong))
    folder = ROOT / "target" / "reproducible" / "elsewhere"
    shutil.rmtree(folder, ignore_errors=True)
    copy_of_the_sources(folder)
    environment = {k: v for k, v in os.environ.items() if k != "CARGO_TARGET_DIR"}
    subprocess.run(
        ["cargo", "lambda", "build", "--locked", "--release", "--package", SMALLEST],
        cwd=folder,
        env=environment,
        check=True,
    )
    one = (binaries / SMALLEST / "bootstrap").read_bytes()
    other = (folder / "target" / "lambda" / SMALLEST / "bootstrap").read_bytes()
    if one != other:
        fail(f"{SMALLEST} differs when it is built in {folder}")
    shutil.rmtree(folder)
    print(f"{len(built)} functions show neither folder nor date; {SMALLEST} is the same elsewhere")


if __name__ == "__main__":
    main()
