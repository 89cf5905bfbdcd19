"""What the programs say of themselves: `--help` as data. Its text is made from the option tables of the programs, so that nothing is
written twice."""
import dataclasses
import re
import subprocess

OPTION = re.compile(r"(?:-(?P<short>\w) \[ --(?P<both>[\w-]+) \]|--(?P<long>[\w-]+)|-(?P<only>\w))(?: (?P<value>\S.*))?$")
INDENT = 2
COMMANDS = "Commands"


@dataclasses.dataclass
class Option:
    names: list   # "-c", "--config"
    value: str    # how the help names it; empty: a flag
    text: str

    def choices(self):
        """The words that the value may be, if the text lists them: `text (default), len32 or framed`."""
        if "(default" not in self.text:
            return []
        plain = re.sub(r" ?\([^)]*\)", "", self.text)
        listed = re.search(r"[\w-]+(?:, [\w-]+)*,? or [\w-]+", plain)
        return re.split(r",? or |, ", listed[0]) if listed and self.value not in ("TIME", "RATE", "N", "COUNT") else []


@dataclasses.dataclass
class Help:
    usage: list = dataclasses.field(default_factory=list)        # lines without "Usage: "
    paragraphs: list = dataclasses.field(default_factory=list)   # of the description
    lists: dict = dataclasses.field(default_factory=dict)        # title: [(what, text)], as that of the commands
    groups: list = dataclasses.field(default_factory=list)       # (title, [Option])
    examples: list = dataclasses.field(default_factory=list)     # lines
    exit_status: str = ""


class NotUnderstood(Exception):
    pass


def joined(lines):
    return " ".join(line.strip() for line in lines)


def column_of_texts(lines):
    """Where the texts of a group of options begin, which is where those begin that have a line of their own."""
    columns = [len(line) - len(line.lstrip()) for line in lines if not line.lstrip().startswith("-")]
    columns += [gap.end() for gap in (re.search(r"\S {2,}(?=\S)", line) for line in lines) if gap]
    if not columns:
        raise NotUnderstood("options without a text: " + lines[0])
    return max(set(columns), key=columns.count)


def options_of(lines):
    column = column_of_texts(lines)
    options = []
    for line in lines:
        left, text = (line, "") if len(line.rstrip()) > column and line[column - 1] != " " else (line[:column], line[column:])
        left = left.strip()
        if left.startswith("-"):
            found = OPTION.match(left)
            if not found:
                raise NotUnderstood("an option: " + line)
            short, name = found["short"] or found["only"], found["both"] or found["long"]
            names = ([f"-{short}"] if short else []) + ([f"--{name}"] if name else [])
            options.append(Option(names, found["value"] or "", text.strip()))
        elif left or not options:
            raise NotUnderstood("the text of an option: " + line)
        else:
            options[-1].text = (options[-1].text + " " + text.strip()).strip()
    return options


def list_of(lines):
    """What is explained, two spaces, the explanation, which may go on below."""
    entries = []
    for line in lines:
        if entries and line.startswith(" " * (INDENT + 2)):
            entries[-1] = (entries[-1][0], f"{entries[-1][1]} {line.strip()}".strip())
        else:
            what, *text = re.split(r" {2,}", line.strip(), maxsplit=1)
            entries.append((what, *text) if text else (what, ""))
    return entries


def parsed(text):
    help_ = Help()
    for block in re.split(r"\n{2,}", text.strip("\n")):
        lines = block.split("\n")
        if lines[0].startswith("Usage: "):
            help_.usage.append(lines[0].removeprefix("Usage: "))
            rest = lines[1:]
            while rest and rest[0].startswith(" "):
                help_.usage.append(rest.pop(0).strip())
            if rest:
                help_.paragraphs.append(joined(rest))
        elif re.match(r"Exit (status|codes):", lines[0]):
            help_.exit_status = joined(lines).split(": ", 1)[1]
        elif lines[0] == "Examples:":
            help_.examples += [line[INDENT:] for line in lines[1:]]
        elif len(lines) > 1 and re.match(r"\S.*:$", lines[0]) and lines[1].startswith("  -"):
            help_.groups.append((lines[0].removesuffix(":"), options_of(lines[1:])))
        elif lines[0].startswith(" "):
            help_.examples += [line[INDENT:] for line in lines]
        elif len(lines) > 1 and re.match(r"\S.*:$", lines[0]) and lines[1].startswith("  "):
            help_.lists[lines[0].removesuffix(":")] = list_of(lines[1:])
        elif re.match(r"Keys of the configuration", lines[0]):
            break  # fairleadd.conf(5) has them
        else:
            help_.paragraphs.append(joined(lines))
    if not help_.usage:
        raise NotUnderstood("no usage in: " + text)
    return help_


def help_of(program, *words):
    done = subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", check=True)
    return parsed(done.stdout)


def commands_of(client):
    """The overview, and (the words of a command, its summary, its help), in the order of the overview. A usage that refers to the help
    of a longer name, as that of `bench` does, makes that a command of its own."""
    overview = help_of(client, "--help")
    commands = []
    for name, summary in overview.lists.pop(COMMANDS):
        help_ = help_of(client, name, "--help")
        commands.append(((name,), summary, help_))
        for more in re.findall(rf"\(fairlead {name} (\w+) --help\)", " ".join(help_.usage)):
            inner = help_of(client, name, more, "--help")
            commands.append(((name, more), re.split("[.,:]", inner.paragraphs[0])[0].lower(), inner))
    return overview, commands
