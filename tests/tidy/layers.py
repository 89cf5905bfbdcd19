#!/usr/bin/env python3
"""Holds what ships against the layers of docs/architecture.md: which folder may include which, where sockets are read and
written, how long a file may be, and how a comment begins."""

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
    "server/services/file": [*COMMON_PURE, "common/net", "server/api"],
    "server/handover": [*COMMON_PURE, "common/net"],
    "server/core": [*SHELL_FREE, "server/api", "server/handover"],
    "server/conversation": [*SHELL_FREE, "server/api", "server/core", "server/handover"],
    "server/app": ["common/", "server/"],
    "server/app/upgrade": ["common/", "server/"],
    "server": ["common/", "server/"],
    "client/api": SHELL_FREE,
    "client/fetch": [*SHELL_FREE, "common/hash", "client/api"],
    "client/cli": [*COMMON_PURE, "common/net", "common/config", "client/api"],
    "client/cli/progress": [*COMMON_PURE, "client/cli"],
    "client/bench/stats": COMMON_PURE,
    "client/bench/workload": [*SHELL_FREE, "common/config", "common/hash", "client/api", "client/bench/stats"],
    "client/bench/engine": [*SHELL_FREE, "common/hash", "client/api", "client/bench/stats", "client/bench/workload"],
    "client/bench/judge": [*COMMON_PURE, "common/config", "client/bench/stats", "client/bench/workload"],
    "client/bench/report": [*COMMON_PURE, "client/cli", "client/bench/stats", "client/bench/workload", "client/bench/judge"],
    "client/commands": ["common/", "client/"],
    "client/commands/get": ["common/", "client/"],
    "client/commands/bench": ["common/", "client/"],
    "client": ["common/", "client/"],
}

# Libraries that are seen by one folder (or one file) only.
LIBRARY_HOMES = {
    r"boost/asio": ["common/io"],
    r"boost/program_options": ["server/app", "client/cli", "client/commands", "client/commands/bench", "client/commands/get"],
    r"kainjow/": ["client/bench/report"],
    r"nlohmann/": ["client/bench/report"],
    r"openssl/": ["common/hash"],
    r"re2/": ["client/bench/workload"],
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

# Sockets are read, written and waited for in common/io only.
SOCKET_CALL = re.compile(r"(?<!\w)::(recv|send|read|write|readv|writev)\s*\(|"
                         r"\b(recvfrom|recvmsg|recvmmsg|sendto|sendmsg|sendmmsg|sendfile|accept4|epoll_\w+)\s*\(")
SOCKETS_HOME = "common/io"
# No sockets of clients: the file, and what it reads or writes.
NOT_A_CLIENT = {
    "common/config/files.cpp": "configuration files",
    "common/log/line_file.cpp": "where the log goes: a file, a terminal, a pipe or the socket of a service manager",
    "client/cli/options.cpp": "files that options name, and the standard input",
    "server/app/crash_report.cpp": "the standard error",
    "server/app/upgrade/program.cpp": "a pipe from the process that is started",
    "client/commands/term.cpp": "the standard input",
    "client/cli/line_editor.cpp": "the terminal",
    "client/cli/output.cpp": "the standard output",
}

# A file is read in one sitting, or one of its first lines says `// Longer than 400 lines: why`.
LINES_MAX = 400
LONGER = re.compile(r"^// Longer than 400 lines: \S+")

# A comment begins with a noun, not with a clause that has none. The folders that keep to it; one that has come so far is added.
SUBJECTLESS = re.compile(r"^//\s*(Of|As of|Who|Whom|Whose|To whom|By whom)\b")
PLAIN_COMMENTS = {
    "client", "common/config", "common/hash", "common/net", "common/protocol", "common/text", "server", "server/handover",
    "server/services",
}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def folder_of(path):
    return str(path.parent)


def is_allowed(folder, target):
    target_folder = target.rsplit("/", 1)[0]
    if target_folder == folder:
        return True
    return any(target_folder == use or (use.endswith("/") and target.startswith(use)) for use in MAY_USE[folder])


def includes(relative, number, line):
    folder, found = folder_of(relative), INCLUDE.match(line)
    if found and found[1] == '"' and not is_allowed(folder, found[2]):
        yield f"{relative}:{number}: {folder} may not use {found[2]}"
    if found and found[1] == "<":
        for library, homes in LIBRARY_HOMES.items():
            if re.match(library, found[2]) and folder not in homes:
                yield f"{relative}:{number}: <{found[2]}> belongs to {', '.join(homes)}"


def calls(relative, number, code):
    for pattern, why in BANNED.items():
        exempt = any(str(relative).startswith(part) for part in BANNED_EXCEPT.get(pattern, []))
        if not exempt and re.search(pattern, code):
            yield f"{relative}:{number}: banned ({why}): {code.strip()}"
    if folder_of(relative) != SOCKETS_HOME and str(relative) not in NOT_A_CLIENT and SOCKET_CALL.search(code):
        yield f"{relative}:{number}: sockets belong to {SOCKETS_HOME}: {code.strip()}"


def comments(relative, lines):
    if folder_of(relative) not in PLAIN_COMMENTS:
        return
    for number, (before, line) in enumerate(zip(["", *lines], lines), 1):
        begins = not before.strip().startswith("//")
        if begins and SUBJECTLESS.match(line.strip()):
            yield f"{relative}:{number}: a comment without a subject: {line.strip()}"


def shape(relative, lines):
    if relative.suffix == ".hpp" and "#pragma once" not in lines:
        yield f"{relative}: no #pragma once"
    if relative.suffix == ".hpp" and not lines[0].startswith("//"):
        yield f"{relative}: a header begins with a sentence on what it is for"
    excused = any(LONGER.match(line) for line in lines[:10])
    if len(lines) > LINES_MAX and not excused:
        yield f"{relative}: {len(lines)} lines: divide it, or say why not (// Longer than {LINES_MAX} lines: why)"


def check(root):
    problems = []
    for path in sorted(root.glob("*/**/*.?pp")):
        relative = path.relative_to(root)
        if relative.parts[0] not in ("common", "server", "client"):
            continue
        if folder_of(relative) not in MAY_USE:
            problems.append(f"{relative}: the folder {folder_of(relative)} has no place in the layers")
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            problems += includes(relative, number, line)
            problems += calls(relative, number, line.split("//", 1)[0])
        problems += comments(relative, lines)
        problems += shape(relative, lines)
    return problems


if __name__ == "__main__":
    found_problems = check(pathlib.Path(sys.argv[1]))
    print("\n".join(found_problems) or "layers hold")
    sys.exit(1 if found_problems else 0)
