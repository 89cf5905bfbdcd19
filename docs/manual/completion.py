"""Completions for bash, from the options of the programs."""
import re

import helps

FUNCTION = """\
# Completion of {program} for bash, made from its option table.
{name}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} words= files=
  if [[ $word == "=" ]]; then
    word=
  elif [[ $before == "=" ]]; then
    before=${{COMP_WORDS[COMP_CWORD - 2]}}
  fi
{cases}
  if [[ $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "$files" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  fi
}}
complete -F {name} {program}
"""


def value_case(option):
    """What may stand behind that option; nothing is known of most values."""
    names = "|".join(option.names)
    if option.value.startswith("FILE"):
        return f"{names}) files=-f ;;"
    if option.value == "DIR":
        return f"{names}) files=-d ;;"
    return f"{names}) words='{' '.join(option.choices())}' ;;" if option.value else None


def cases_of(groups, indent, behind):
    """A word that begins with - is an option; otherwise what stands behind an option with a value, or `behind`."""
    options = [option for _, group in groups for option in group]
    names = " ".join(name for option in options for name in option.names)
    cases = [case for option in options if (case := value_case(option))]
    lines = ["case $before in", *("  " + case for case in cases),
             f"  *) if [[ $word == -* ]]; then words='{names}'; else {behind}; fi ;;", "esac"]
    return [" " * indent + line for line in lines]


def of_client(overview, commands):
    """Commands stand first; names of files of this machine are no arguments of theirs."""
    names = " ".join(words[0] for words, _, _ in commands if len(words) == 1)
    lines = ["  local command=${COMP_WORDS[1]}",
             *(f"  [[ ${{COMP_WORDS[*]:1:2}} == '{' '.join(words)}' ]] && (( COMP_CWORD > 2 )) && command='{' '.join(words)}'"
               for words, _, _ in commands if len(words) > 1),
             f"  if (( COMP_CWORD == 1 )); then\n    words='{names} help --help --version'",
             f"  elif [[ $command == help ]]; then\n    words='{names}'",
             "  else\n    case $command in"]
    for words, _, help_ in commands:
        inner = [more[len(words)] for more, _, _ in commands if more[:-1] == words]
        inner += [what.split()[0] for what, _ in help_.lists.get(helps.COMMANDS, ())]
        behind = f"(( COMP_CWORD == 2 )) && words='{' '.join(inner)}'" if inner else ":"
        lines += [f"    '{' '.join(words)}')", *cases_of(help_.groups, 6, behind), "      ;;"]
    return FUNCTION.format(program="fairlead", name="_fairlead", cases="\n".join([*lines, "    esac", "  fi"]))


def of_daemon(help_, configuration):
    """`--set` takes the keys of sections that have one name."""
    keys = []
    for section, text in re.findall(r"^## \[(\w+)\]\n(.*?)(?=^## )", configuration, flags=re.MULTILINE | re.DOTALL):
        keys += [f"{section}.{key}=" for key in re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)]
    cases = cases_of(help_.groups, 2, ":")
    cases = [f"    --set) compopt -o nospace 2>/dev/null; words='{' '.join(keys)}' ;;" if line.strip().startswith("--set)") else line
             for line in cases]
    return FUNCTION.format(program="fairleadd", name="_fairleadd", cases="\n".join(cases))
