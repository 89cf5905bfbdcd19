"""Pages of the documents (Markdown) as parts of manual pages (mdoc)."""
import re
import textwrap

WIDTH = 78
NARROW = 14          # a table whose cells are no longer is set in columns
ALL_COLUMNS = 76
SENTENCE_END = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.) +|(?<=[.!?][)\"']) +")
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
# Pages that are manual pages as well.
MANUAL = {"operations.md": "fairleadd(8)", "configuration.md": "fairleadd.conf(5)", "client.md": "fairlead(1)",
          "bench.md": "fairlead-bench(1)"}
# What a line of text would be taken for.
CONTROL = (".", "'")


def escaped(text):
    return text.replace("\\", r"\e")


def code(text):
    """As it is typed: a hyphen is a minus sign then."""
    return escaped(text).replace("-", r"\-")


def link(found):
    """Its text; the name of a page is that of the manual page, where there is one."""
    text, target = found[1], found[2].split("#")[0]
    return MANUAL.get(target, text) if text == target else text


def inline(text):
    """Spans of code, emphasis and links, as changes of the font."""
    pieces = re.split(r"(`+)(.+?)\1", LINK.sub(link, text))
    out = []
    for index in range(0, len(pieces), 3):
        plain = re.sub(r"\*\*(.+?)\*\*", r"\\fB\1\\fP", escaped(pieces[index].replace(r"\|", "|")))
        out.append(re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])", r"\\fI\1\\fP", plain))
        if index + 2 < len(pieces):
            out.append(r"\fB" + code(pieces[index + 2].replace(r"\|", "|").strip()) + r"\fP")
    return "".join(out)


def lines_of(text):
    """A line for each sentence at least, as mdoc wants it; none of them looks like a macro."""
    lines = []
    for sentence in SENTENCE_END.split(" ".join(text.split())):
        if sentence:
            lines += textwrap.wrap(sentence, WIDTH, break_long_words=False, break_on_hyphens=False)
    return [(r"\&" if line.startswith(CONTROL) else "") + line for line in lines]


def paragraph(text):
    return lines_of(inline(text))


def literal(lines):
    """Lines as they are, which stay so."""
    return [".Bd -literal -offset indent", *((r"\&" if line.startswith(CONTROL) else "") + code(line) for line in lines), ".Ed"]


def cells_of(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().removeprefix("|").removesuffix("|"))]


def quoted(text):
    """An argument of a macro that is one word to it."""
    text = inline(text) or r"\&"
    return '"' + text.replace('"', r"\(dq") + '"'


def table(rows):
    """The first column names what the others tell of. Of more than two the longest is the text, and the others stand behind it with
    their headings."""
    heads, body = rows[0], rows[2:]
    plain = [[re.sub(r"\\f[BIP]", "", inline(cell)) for cell in row] for row in [heads, *body]]
    widths = [max(len(row[column]) for row in plain) for column in range(len(heads))]
    if len(heads) > 2 and max(widths) <= NARROW and sum(widths) + 2 * len(widths) <= ALL_COLUMNS:
        out = [".Bl -column -offset indent " + " ".join('"' + "x" * width + '"' for width in widths)]
        for row in [heads, *body]:
            out.append(".It " + " Ta ".join(quoted(cell) for cell in row))
        return [*out, ".El"]
    if len(heads) > 2:
        text = max(range(1, len(heads)), key=lambda column: sum(len(row[column]) for row in body))
        others = [column for column in range(1, len(heads)) if column != text]
    else:
        text, others = 1, []
    out = [".Bl -tag -width Ds"]
    for row in body:
        out += [".It " + quoted(row[0]), *paragraph(row[text])]
        notes = [f"{heads[column]}: {row[column]}" for column in others if row[column]]
        if notes:
            out += [".br", *paragraph("; ".join(notes) + ".")]
    return [*out, ".El"]


def items(lines):
    """A list: each item with the lines that are indented below it."""
    texts = []
    for line in lines:
        begins = re.match(r"(?:[*-]|\d+\.) +(.*)", line)
        if begins:
            texts.append(begins[1])
        else:
            texts[-1] += " " + line.strip()
    kind = "-enum" if lines[0][0].isdigit() else "-bullet"
    out = [f".Bl {kind}"]
    for text in texts:
        out += [".It", *paragraph(text)]
    return [*out, ".El"]


def blocks_of(text):
    """(kind, lines): fence, heading, table, list or text."""
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    kind, block = None, []
    for line in [*text.split("\n"), ""]:
        if kind == "fence":
            if line.startswith("```"):
                yield kind, block
                kind, block = None, []
            else:
                block.append(line)
            continue
        begins = ("fence" if line.startswith("```") else "heading" if line.startswith("#") else "table" if line.startswith("|") else
                  "list" if re.match(r"(?:[*-]|\d+\.) ", line) else None)
        if kind and (not line.strip() or begins and begins != kind or kind == "table" and begins != "table"):
            yield kind, block
            kind, block = None, []
        if begins == "heading":
            yield "heading", [line]
        elif begins == "fence":
            kind, block = "fence", []
        elif line.strip():
            kind = kind or begins or "text"
            block.append(line)


def title_of(heading):
    return inline(heading.lstrip("# ")).replace(r"\fB", "").replace(r"\fP", "").replace(r"\-", "-")


def converted(text, top=".Sh", below=".Ss"):
    """Headings of the second level become `top`, those below it `below`; one of the first level is left out."""
    out = []
    for kind, lines in blocks_of(text):
        if kind == "heading":
            level = len(lines[0]) - len(lines[0].lstrip("#"))
            title = title_of(lines[0])
            if level == 2:
                out.append(f"{top} {title.upper() if top == '.Sh' else title}")
            elif level > 2:
                out.append(f"{below} {title}")
        elif kind == "text":
            if out and not out[-1].startswith((".Sh", ".Ss")):
                out.append(".Pp")
            out += paragraph(" ".join(lines))
        elif kind == "table":
            out += table([cells_of(line) for line in lines])
        elif kind == "list":
            out += items(lines)
        else:
            out += literal(lines)
    return out


def sections_of(text):
    """{heading: its text} of the second level, in order; what stands before the first has the key ''."""
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2]))}
