#!/usr/bin/env python3
"""Every header compiles by itself. One that a source includes before anything else has been compiled so by the build; the others
are compiled here, with the flags of their folder."""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys


PARTS = ("common", "server", "client")
FIRST_INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<)', re.MULTILINE)


def compiled_sources(build, root):
    entries = [(pathlib.Path(entry["file"]), entry["command"])
               for entry in json.loads((build / "compile_commands.json").read_text())]
    return [(source, command) for source, command in entries if root in source.parents and build not in source.parents]


def compiled_first(sources, root):
    """The headers that the build has compiled with nothing before them."""
    found = (FIRST_INCLUDE.search(source.read_text(encoding="utf-8")) for source, _ in sources)
    return {root / first[1] for first in found if first and first[1]}


def flags_by_folder(sources, root):
    """The compile command of one source of each folder, without its input and output."""
    flags = {}
    for source, command in sources:
        words = shlex.split(command)
        keep, skip = [], False
        for word in words:
            if skip or word == "env" or word.startswith("CCACHE_") or word.endswith("ccache"):
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
    sources = [(source, command) for source, command in compiled_sources(build, root)
               if source.relative_to(root).parts[0] in PARTS]
    flags, compiled = flags_by_folder(sources, root), compiled_first(sources, root)
    jobs = []
    for part in PARTS:
        for header in sorted(set((root / part).rglob("*.hpp")) - compiled):
            folder = header.parent.relative_to(root)
            if folder in flags:
                jobs.append((header, flags[folder]))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [problem for problem in pool.map(lambda job: compile_alone(*job), jobs) if problem]
    print("\n".join(problems) or f"{len(jobs)} headers compile alone, and {len(compiled)} have been compiled first by a source")
    return 1 if problems or not jobs or not compiled else 0


if __name__ == "__main__":
    sys.exit(main())
