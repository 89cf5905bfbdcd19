#!/usr/bin/env python3
"""Writes the manual pages and the completions of the two programs, from what their --help says (which is made from their option
tables) and from the documents. Nothing is written here that stands elsewhere.

    make.py DAEMON CLIENT VERSION OUTPUT
"""
import datetime
import os
import pathlib
import re
import sys

import completion
import helps
import mdoc

DOCS = pathlib.Path(__file__).resolve().parents[1]
DAEMON_PAGE = "operations.md"
CONFIGURATION_PAGE = "configuration.md"
CLIENT_PAGE = "client.md"
LIBRARY = "The library"  # a section of the client's page that is for programmers


def document(name):
    return (DOCS / name).read_text(encoding="utf-8")


def divided(text):
    """What stands before the first section, and the sections."""
    begin = text.index("\n## ")
    return text[:begin], text[begin:]


def date_of_sources():
    """Of the newest document, or what whoever builds reproducibly says."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or max(path.stat().st_mtime for path in DOCS.glob("*.md"))
    day = datetime.datetime.fromtimestamp(float(epoch), datetime.timezone.utc)
    return f"{day:%B} {day.day}, {day.year}"


def word_of_usage(word):
    """A word in brackets may be left out; one in capitals stands for something."""
    if word.startswith("["):
        return "Op " + word_of_usage(word.strip("[]"))
    name = word.removesuffix("...").removesuffix("…")
    dots = " ..." if name != word else ""
    if name.isupper() or name == "options":
        return f"Ar {name}{dots}"
    return f"Fl {mdoc.code(name[1:])}{dots}" if name.startswith("-") else f"Cm {mdoc.code(name)}{dots}"


def synopsis(program, usage):
    out = [".Sh SYNOPSIS"]
    for line in usage:
        words = re.findall(r"\[[^\]]*\](?:\.\.\.)?|\S+", re.sub(r"\(.*\)", "", line).removeprefix(program))
        macros = [f"Op {' '.join(word_of_usage(part) for part in word.strip('[]').split())}" if word.startswith("[") else
                  word_of_usage(word) for word in words]
        out += [f".Nm {program}", *("." + macro for macro in macros)]
    return out


def options(help_):
    out = []
    if help_.groups:
        out.append(".Sh OPTIONS")
    for title, group in help_.groups:
        if len(help_.groups) > 1:
            out.append(f".Ss {mdoc.escaped(title)}")
        out.append(".Bl -tag -width Ds")
        for option in group:
            names = " , ".join("Fl " + mdoc.code(name[1:]) for name in option.names)
            out += [f".It {names}" + (f" Ar {mdoc.escaped(option.value)}" if option.value else ""), *plain(option.text)]
        out.append(".El")
    return out


def plain(text):
    """Sentences of a program: names and signs are as they are typed, and the only marks are those of a command."""
    return mdoc.lines_of(re.sub(r"`([^`]+)`", r"\\fB\1\\fP", mdoc.code(text)))


def page(name, section, brief, parts, see_also):
    """A page as text. What refers to it stands behind it."""
    others = sorted(set(see_also) - {(name, section)}, key=lambda other: (other[1], other[0]))
    lines = [f".Dd {date_of_sources()}", f".Dt {name.upper()} {section}", f".Os Fairlead {VERSION}",
             ".Sh NAME", f".Nm {name}", f".Nd {mdoc.escaped(brief)}", *parts, ".Sh SEE ALSO",
             *(f".Xr {other} {number}" + (" ," if (other, number) != others[-1] else "") for other, number in others)]
    return "\n".join(lines) + "\n"


def examples(help_):
    return [".Sh EXAMPLES", *mdoc.literal(help_.examples)] if help_.examples else []


def exit_status(help_):
    return [".Sh EXIT STATUS", *plain(help_.exit_status[0].upper() + help_.exit_status[1:].rstrip(".") + ".")] if help_.exit_status else []


def description(help_, more=()):
    out = [".Sh DESCRIPTION"]
    for text in help_.paragraphs:
        out += ([".Pp"] if len(out) > 1 else []) + plain(text)
    for title, entries in help_.lists.items():
        out += [".Pp", *plain(f"{title}:"), ".Bl -tag -width Ds"]
        for what, text in entries:
            out += [".It " + mdoc.quoted(f"`{what}`"), *plain(text)]
        out.append(".El")
    return [*out, *more]


def daemon_page(daemon, all_pages):
    help_ = helps.help_of(daemon, "--help")
    _, more = divided(document(DAEMON_PAGE))
    brief = help_.paragraphs[0].split(".")[0]
    return page("fairleadd", 8, brief[0].lower() + brief[1:],
                [*synopsis("fairleadd", help_.usage), *description(help_), *options(help_), *mdoc.converted(more), *exit_status(help_)],
                all_pages)


def configuration_page(all_pages):
    intro, rest = divided(document(CONFIGURATION_PAGE))
    return page("fairleadd.conf", 5, "configuration of fairleadd",
                [".Sh DESCRIPTION", *mdoc.converted(intro), *mdoc.converted(rest)], all_pages)


def client_page(overview, commands, all_pages):
    sections = mdoc.sections_of(document(CLIENT_PAGE))
    taken = {name for words, _, _ in commands for name in words}
    list_ = [".Pp", "The commands are:", ".Bl -tag -width Ds"]
    for words, summary, _ in commands:
        list_ += [f".It Xr fairlead-{'-'.join(words)} 1", *plain(summary)]
    list_.append(".El")
    parts = [*synopsis("fairlead", overview.usage), *description(overview, list_)]
    for title, text in sections.items():
        if title and title not in taken and title != LIBRARY:
            parts += mdoc.converted(f"## {title}\n{text}")
    return page("fairlead", 1, "talk to Fairlead, or to any other TCP server", parts, all_pages)


def command_page(words, summary, help_, all_pages):
    name = "fairlead-" + "-".join(words)
    told, rest = [], []
    if len(words) == 1:
        told = mdoc.converted(mdoc.sections_of(document(CLIENT_PAGE)).get(words[0], ""))
        if (DOCS / f"{words[0]}.md").exists():
            begin, more = divided(document(f"{words[0]}.md"))
            told, rest = [*told, *mdoc.converted(begin)], mdoc.converted(more)
    return page(name, 1, summary, [*synopsis(" ".join(("fairlead", *words)), help_.usage),
                                   *description(help_, [".Pp", *told] if told else []), *options(help_), *rest, *exit_status(help_),
                                   *examples(help_)], all_pages)


def main():
    daemon, client, output = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[4])
    overview, commands = helps.commands_of(client)
    names = {words: "fairlead-" + "-".join(words) for words, _, _ in commands}
    all_pages = [("fairlead", 1), *((name, 1) for name in names.values()), ("fairleadd.conf", 5), ("fairleadd", 8)]
    made = {"fairleadd.8": daemon_page(daemon, all_pages), "fairleadd.conf.5": configuration_page(all_pages),
            "fairlead.1": client_page(overview, commands, all_pages)}
    for words, summary, help_ in commands:
        made[f"{names[words]}.1"] = command_page(words, summary, help_, all_pages)
    made["completion-fairlead"] = completion.of_client(overview, commands)
    made["completion-fairleadd"] = completion.of_daemon(helps.help_of(daemon, "--help"), document(CONFIGURATION_PAGE))
    output.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (output / name).write_text(text, encoding="utf-8")


VERSION = sys.argv[3] if len(sys.argv) == 5 else sys.exit(__doc__)
if __name__ == "__main__":
    main()
