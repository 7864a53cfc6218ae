"""Checks that `sam build` ships no stale function after a change in `shared/`.

Builds all functions twice: with a changed text in each crate there, and then from
the unchanged tree. After each build, looks for the texts in the built functions.
The build that remains is that of the tree.
"""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

from samcli.yamlhelper import yaml_parse

from support import BUILT, ROOT, fail

# Texts that every function contains.
TEXTS = {
    ROOT / "shared/domain/src/refusal.rs": b"there is no such invite",
    ROOT / "shared/store/src/error.rs": b"an item of the table cannot be read",
    ROOT / "shared/mail/src/lib.rs": b"the email template failed to render",
}


def functions():
    """Yields the logical id and the binary of each function of the template."""
    template = yaml_parse((ROOT / "template.yaml").read_text())
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            yield name, resource["Metadata"]["BuildProperties"]["Binary"]


@contextlib.contextmanager
def texts_changed():
    sources = {file: file.read_bytes() for file in TEXTS}
    for file, source in sources.items():
        if source.count(TEXTS[file]) != 1:
            fail(f"{file.relative_to(ROOT)} does not have `{TEXTS[file].decode()}` once")
    try:
        for file, source in sources.items():
            file.write_bytes(source.replace(TEXTS[file], TEXTS[file].upper()))
        yield
    finally:
        # Writing updates the modification time, so that Cargo builds them again.
        for file, source in sources.items():
            file.write_bytes(source)


def build(binaries, has, has_not):
    """Builds all functions and looks for texts in them. Returns their number."""
    subprocess.run([ROOT / ".ci" / "sam-build"], check=True)
    stale, seen = [], 0
    for name, binary in functions():
        shipped = (BUILT / name / "bootstrap").read_bytes()
        made = (binaries / binary / "bootstrap").read_bytes()
        fresh = all(text in shipped for text in has)
        if shipped != made or not fresh or any(text in shipped for text in has_not):
            stale.append(name)
        seen += 1
    if stale:
        fail(f"stale functions: {', '.join(stale)}")
    return seen


def main():
    # A termination restores the sources, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    binaries = Path(sys.argv[1])
    as_they_are = TEXTS.values()
    changed = [text.upper() for text in as_they_are]
    with texts_changed():
        build(binaries, changed, as_they_are)
    seen = build(binaries, as_they_are, changed)
    print(f"{seen} functions followed two changes in `shared/`")


if __name__ == "__main__":
    main()
