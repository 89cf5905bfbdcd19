#!/usr/bin/env python3
"""Holds every #include against the layers of docs/architecture.md: a folder may use itself and what stands here."""

import pathlib
import re
import sys

COMMON_PURE = ["common/base", "common/text", "common/protocol"]
SHELL_FREE = [*COMMON_PURE, "common/net", "common/log"]

MAY_USE = {
    "common/base": [],
    "common/hash": ["common/base"],
    "common/text": ["common/base"],
    "common/protocol": ["common/base", "common/text"],
    "common/config": ["common/base", "common/text"],
    "common/log": ["common/base", "common/text"],
    "common/net": COMMON_PURE,
    "common/io": [*COMMON_PURE, "common/net"],
    "server/api": [*COMMON_PURE, "common/net"],
    "server/services": [*COMMON_PURE, "common/net", "server/api"],
    "server/files": [*SHELL_FREE, "common/hash", "common/io", "server/api"],
    "server/core": [*SHELL_FREE, "server/api"],
    "server/app": ["common/", "server/"],
    "server": ["common/", "server/"],
    "client/api": SHELL_FREE,
    "client/fetch": [*SHELL_FREE, "common/hash", "client/api"],
    "client/terminal": [*COMMON_PURE, "common/net"],
    "client/progress": [*COMMON_PURE, "client/fetch", "client/terminal"],
    "client/bench": [*SHELL_FREE, "common/config", "common/hash", "client/api"],
    "client/bench_report": [*COMMON_PURE, "client/bench", "client/api", "client/terminal", "client/progress"],
    "client/commands": ["common/", "client/"],
    "client": ["common/", "client/"],
}

# Libraries that are seen by one folder (or one file) only.
LIBRARY_HOMES = {
    r"boost/asio": ["common/io"],
    r"boost/program_options": ["common/config", "server/app", "client/commands"],
    r"nlohmann/": ["client/bench_report"],
    r"openssl/": ["common/hash"],
    r"re2/": ["client/bench"],
    r"spdlog/": ["common/log"],
}

# Calls that block a loop, hide an owner or ask the locale.
BANNED = {
    r"\bshared_from_this\b": "an object owns itself",
    r"\bco_spawn\b.*\bdetached\b": "nobody waits for it",
    r"\bsetlocale\s*\(": "the locale is the client's terminal's business",
    r"\bSO_LINGER\b": "endings are FIN and linger, or connect(AF_UNSPEC)",
    r"\bstrerror\s*\(": "not thread-safe; use std::generic_category().message()",
    r"\busing namespace std\b": "names",
    r"\bTODO\b|\bFIXME\b|\bXXX\b": "finish it or say it in an issue",
}
BANNED_EXCEPT = {r"\bsetlocale\s*\(": ["client/"]}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def folder_of(path):
    return str(path.parent)


def is_allowed(folder, target):
    target_folder = target.rsplit("/", 1)[0]
    if target_folder == folder:
        return True
    return any(target_folder == use or (use.endswith("/") and target.startswith(use)) for use in MAY_USE[folder])


def check(root):
    problems = []
    for path in sorted(root.glob("*/**/*.?pp")):
        relative = path.relative_to(root)
        if relative.parts[0] not in ("common", "server", "client"):
            continue
        folder = folder_of(relative)
        if folder not in MAY_USE:
            problems.append(f"{relative}: the folder {folder} has no place in the layers")
            continue
        in_comment_free = []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            code = line.split("//", 1)[0]
            in_comment_free.append(code)
            found = INCLUDE.match(line)
            if found and found[1] == '"' and not is_allowed(folder, found[2]):
                problems.append(f"{relative}:{number}: {folder} may not use {found[2]}")
            if found and found[1] == "<":
                for library, homes in LIBRARY_HOMES.items():
                    if re.match(library, found[2]) and folder not in homes:
                        problems.append(f"{relative}:{number}: <{found[2]}> belongs to {', '.join(homes)}")
            for pattern, why in BANNED.items():
                exempt = any(str(relative).startswith(part) for part in BANNED_EXCEPT.get(pattern, []))
                if not exempt and re.search(pattern, code):
                    problems.append(f"{relative}:{number}: banned ({why}): {code.strip()}")
        if path.suffix == ".hpp" and "#pragma once" not in in_comment_free:
            problems.append(f"{relative}: no #pragma once")
        if not path.read_text(encoding="utf-8").startswith("//") and path.suffix == ".hpp":
            problems.append(f"{relative}: a header begins with a sentence on what it is for")
    return problems


if __name__ == "__main__":
    found_problems = check(pathlib.Path(sys.argv[1]))
    print("\n".join(found_problems) or "layers hold")
    sys.exit(1 if found_problems else 0)
