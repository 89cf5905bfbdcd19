#!/usr/bin/env python3
"""The shape of the house: its top level, links between documents, and no traces of the machine it was made on."""

import pathlib
import re
import shutil
import subprocess
import sys

TOP_LEVEL = {
    "CMakeLists.txt", "server", "client", "common", "tests", "config", "docs",
    "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "CMakePresets.json", "run.sh", "test.sh",
}
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)]*)?\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def files_of(root):
    """What git tracks or would track; outside a checkout, every file but those that a build made."""
    if shutil.which("git") and (root / ".git").exists():
        listing = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                 capture_output=True, check=True).stdout
        names = [pathlib.Path(name.decode()) for name in listing.split(b"\0") if name]
        return [name for name in names if (root / name).exists()]
    files = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    return [file for file in files if file.parts[0] not in ("build", ".git") and "__pycache__" not in file.parts]


def check(root):
    problems = []
    files = files_of(root)
    for name in sorted({file.parts[0] for file in files}):
        if name not in TOP_LEVEL and not name.startswith("."):
            problems.append(f"{name}: not part of the top level")
    for file in files:
        path = root / file
        if path.stat().st_size > 1024 * 1024:
            problems.append(f"{file}: above 1 MiB")
        if file.suffix != ".md":
            continue
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        for target, _ in LINK.findall(text):
            if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
                problems.append(f"{file}: broken link to {target}")
    return problems


if __name__ == "__main__":
    found_problems = check(pathlib.Path(sys.argv[1]).resolve())
    print("\n".join(found_problems) or "the tree is in order")
    sys.exit(1 if found_problems else 0)
