"""Rows into the tables of docs/performance.md, between their markers."""
import re

# The goals of each row: (must, aim).
ECHO_GOALS, PIPELINED_GOALS = (1.25, 1.10), (1.6, 1.25)
ECHO_GOALS_FROM = 50  # connections
CALL_GOALS = {1: (2.5, 2.25), 16: (0.20, 0.14)}
IDLE_GOALS = (1024, 700)
ACCEPT_GOALS = (1.35, 1.15)
LOAD_TEST_GOALS = (1 / 0.7, 1 / 0.9)

NAMES = {"line": "text, `line`", "len32": "len32", "framed": "framed"}


def verdict(value, goals):
    must, aim = goals
    return "**missed**" if value > must else "must" if value > aim else "aim"


def table(head, rows):
    alignment = ["---"] + ["---:"] * (len(head) - 2) + ["---"]
    return "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in (head, alignment, *rows))


def load_name(row):
    name = f"{row['connections']:,}"
    return name if row["depth"] == 1 else f"{name} × depth {row['depth']}"


def server_name(row):
    """As our own rows are named: by their protocol."""
    return NAMES[row["protocol"]] if row["server"] == "fairleadd" else row["server"]


def ratio_cells(row):
    return f"{row['ratio']:.2f}", f"{row['lowest']:.2f}–{row['highest']:.2f}"


def goal_cells(row, goals, value):
    """Of our own rows."""
    judged = goals and row["server"] == "fairleadd"
    return (*(f"{goal:,}" for goal in goals), verdict(value, goals)) if judged else ("", "", "")


def echo_table(rows):
    lines = []
    for row in rows:
        goals = PIPELINED_GOALS if row["depth"] > 1 else ECHO_GOALS if row["connections"] >= ECHO_GOALS_FROM else None
        lines.append((f"{server_name(row)}, {load_name(row)}", f"{row['reference_us']:.2f}", f"{row['ours_us']:.2f}",
                      f"{row['user_us']:.2f}" if "user_us" in row else "", *ratio_cells(row),
                      *goal_cells(row, goals, row["ratio"])))
    return table(("protocol or server, connections", "floor µs", "µs", "of it user µs", "ratio", "rounds", "must ≤", "aim ≤",
                  "reached"), lines)


def calls_table(rows):
    lines = []
    for row in rows:
        by_name = [f"{name} {number:.2f}" for name, number in sorted(row["by_name"].items(), key=lambda one: -one[1])
                   if number >= 0.005]
        goals = CALL_GOALS[row["depth"]]
        ours = row["server"] != "floor"
        lines.append((f"{NAMES[row['protocol']] if ours else 'floor'}, {load_name(row)}", f"{row['total']:.3f}",
                      ", ".join(by_name), goals[0] if ours else "", goals[1] if ours else "",
                      verdict(row["total"], goals) if ours else ""))
    return table(("protocol, connections", "calls", "by name", "must ≤", "aim ≤", "reached"), lines)


def counts_table(rows):
    lines = [(f"{NAMES[row['protocol']]}, {load_name(row)}", f"{row['allocations']:.4f}", f"{row['locks']:.4f}", 0,
              "aim" if passes_counts(row) else "**missed**") for row in rows]
    return table(("protocol, connections", "allocations", "lock operations", "allocations must", "reached"), lines)


# A timer's tick and the log's own thread allocate now and then, and belong to no message. Locks are Asio's own, which
# nobody contends: how many depends on how many messages share a wake-up, so they are told and not judged.
def passes_counts(row):
    return row["allocations"] < 0.01


def idle_table(rows):
    lines = []
    for row in rows:
        exchange = f"{row['size']} B" if row["size"] else "none"
        lines.append((f"{server_name(row)}, {exchange}" if row["server"] == "fairleadd" else row["server"],
                      f"{row['connections']:,}", f"{row['private']:,.0f}", f"{row['heap']:,.0f}" if "heap" in row else "",
                      *goal_cells(row, IDLE_GOALS, row["private"])))
    return table(("protocol or server, the exchange", "sessions", "bytes", "of it heap", "must ≤", "aim ≤", "reached"), lines)


def accept_table(rows):
    what = {"info": "a line per session in the log", "warn": "no line per session"}
    lines = [(what[row["log"]] if row["server"] == "fairleadd" else row["server"], f"{row['reference_us']:.1f}",
              f"{row['ours_us']:.1f}", *ratio_cells(row), *goal_cells(row, ACCEPT_GOALS, row["ratio"])) for row in rows]
    return table(("log, or server", "floor µs", "µs", "ratio", "rounds", "must ≤", "aim ≤", "reached"), lines)


def load_test_table(rows):
    lines = [(f"{NAMES[row['protocol']]}, {load_name(row)}", f"{row['reference_us']:.2f}", f"{row['ours_us']:.2f}",
              *ratio_cells(row), f"{row['server_ratio']:.2f}", f"{row['allocations']:.4f}",
              *(f"{goal:.2f}" for goal in LOAD_TEST_GOALS),
              verdict(row["ratio"], LOAD_TEST_GOALS) if passes_counts(row) else "**missed**") for row in rows]
    return table(("protocol, connections", "C generator µs", "fairlead bench µs", "ratio", "rounds", "the server's µs, ratio",
                  "allocations", "must ≤", "aim ≤", "reached"), lines)


READERS = {"drain": "C program", "bench": "`fairlead bench`"}
FILE_GOALS = {"text": ("to_floor", (1.25, 1.10)), "framed": ("to_nginx", (1.4, 1.4))}


def files_table(rows):
    lines = []
    for row in rows:
        to, goals = FILE_GOALS.get(row["server"], (None, None))
        judged = to in row
        lines.append((row["server"], row["connections"], READERS[row["reader"]], f"{row['seconds']:.3f}",
                      *(f"{row[key]:.2f}" if key in row else "" for key in ("to_floor", "to_nginx")),
                      f"{goals[0]} of {to[3:]}" if judged else "", goals[1] if judged else "",
                      verdict(row[to], goals) if judged else ""))
    return table(("server", "downloads", "to", "s a GiB", "to the floor", "to nginx", "must ≤", "aim ≤", "reached"), lines)


def hashes_table(rows):
    lines = [(f"{row['bytes'] >> 20} MiB, {row['asked']}", f"{1000 * row['seconds']:.3f}",
              f"{row['seconds'] * (1 << 30) / row['bytes']:.4f}") for row in rows]
    return table(("hashes of a file", "ms a request", "s a GiB"), lines)


def mib(bytes_):
    return f"{bytes_ / (1 << 20):.2f}"


def file_memory_table(rows):
    lines = [(f"{row['connections']} × {row['bytes'] >> 20:,} MiB", *(mib(row[key]) for key in ("before", "most", "after")),
              "flat" if row["most"] - row["before"] < 64 * 1024 * row["connections"] else "**grows**") for row in rows]
    return table(("framed downloads", "MiB before", "at most", "after", ""), lines)


def small_files_table(rows):
    lines = [(row["server"], f"{row['connections']:,}", row["depth"], f"{row['us']:.1f}",
              f"{row['to_nginx']:.2f}" if "to_nginx" in row else "") for row in rows]
    return table(("server", "connections", "at a time", "µs a download", "to nginx"), lines)


TABLES = {"echo": echo_table, "calls": calls_table, "counts": counts_table, "idle": idle_table, "accept": accept_table,
          "load_test": load_test_table, "files": files_table, "hashes": hashes_table, "file_memory": file_memory_table,
          "small_files": small_files_table}


def with_tables(document, tables):
    """The document with what stands between `<!-- measured: NAME -->` and `<!-- end -->` replaced."""
    for name, text in tables.items():
        pattern = rf"(<!-- measured: {name} -->\n).*?(<!-- end -->)"
        document, found = re.subn(pattern, lambda marks: f"{marks[1]}\n{text}\n\n{marks[2]}", document, flags=re.DOTALL)
        if found != 1:
            raise ValueError(f"the document has {found} places for the table `{name}`")
    return document
