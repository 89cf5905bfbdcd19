#!/usr/bin/env python3
"""Compiles every header by itself, with the flags that its folder is compiled with."""

import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys


def flags_by_folder(build, root):
    """The compile command of one source of each folder, without its input and output."""
    flags = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"])
        if root not in source.parents:
            continue
        words = shlex.split(entry["command"])
        keep, skip = [], False
        for word in words:
            if skip or word.endswith("ccache"):
                skip = False
            elif word in ("-o", "-c", "-MF", "-MT"):
                skip = True
            elif word != "-MD":
                keep.append(word)
        flags.setdefault(source.parent.relative_to(root), keep)
    return flags


def compile_alone(header, command):
    done = subprocess.run([*command, "-fsyntax-only", "-x", "c++", "-include", str(header), "/dev/null"],
                          capture_output=True, text=True)
    return None if done.returncode == 0 else f"{header}: does not compile alone\n{done.stderr[:600]}"


def main():
    root, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    flags = flags_by_folder(build, root)
    jobs = []
    for part in ("common", "server", "client"):
        for header in sorted((root / part).rglob("*.hpp")):
            folder = header.parent.relative_to(root)
            if folder in flags:
                jobs.append((header, flags[folder]))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [problem for problem in pool.map(lambda job: compile_alone(*job), jobs) if problem]
    print("\n".join(problems) or f"{len(jobs)} headers compile alone")
    return 1 if problems or not jobs else 0


if __name__ == "__main__":
    sys.exit(main())
