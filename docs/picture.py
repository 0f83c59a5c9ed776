#!/usr/bin/env python3
"""Draws docs/demo.svg from the output of `whtool listen --demo`.

    cargo build --release && python3 docs/picture.py
"""

import html
import os
import re
import signal
import subprocess
import tempfile

COLOURS = {"31": "#f47067", "32": "#8ddb8c", "33": "#f2cc60", "35": "#d2a8ff", "36": "#76c7f2", "90": "#8b949e"}
WIDTH, LINE, LETTER, MOST = 156, 18, 8.05, 44


def demonstration():
    """Returns the colored lines of a demonstration, up to its last delivery."""
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o700)
        environment = {"PATH": os.environ["PATH"], "WHTOOL_HOME": home, "TZ": "Atlantic/Cape_Verde"}
        command = ["target/release/whtool", "listen", "--demo", "--port", "0", "--color", "always"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "samples" in line:
                break
        process.send_signal(signal.SIGINT)
        return process.communicate()[0].splitlines()


def spans(line):
    """A line as SVG text spans."""
    color, bold, drawn = None, False, []
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if code:
            for number in code[1].split(";"):
                if number in ("", "0"):
                    color, bold = None, False
                elif number == "1":
                    bold = True
                else:
                    color = COLOURS.get(number, color)
        elif part:
            style = f' fill="{color}"' if color else ""
            style += ' font-weight="bold"' if bold else ""
            drawn.append(f"<tspan{style}>{html.escape(part, quote=False)}</tspan>")
    return "".join(drawn)


def cut(line):
    """A line no wider than the picture."""
    shown, count = "", 0
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b"):
            shown += part
        else:
            shown += part[: max(0, WIDTH - count)]
            count += len(part)
    return shown


def picture(lines):
    height = LINE * (len(lines) + 3)
    width = round(WIDTH * LETTER) + 32
    rows = "\n".join(
        f'<text x="16" y="{LINE * (number + 3)}" xml:space="preserve">{spans(cut(line))}</text>'
        for number, line in enumerate(lines)
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"
 font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="13.4" fill="#e6edf3">
<title>whtool listen --demo</title>
<rect width="100%" height="100%" rx="10" fill="#0d1117"/>
<circle cx="20" cy="18" r="6" fill="#f47067"/><circle cx="40" cy="18" r="6" fill="#f2cc60"/><circle cx="60" cy="18" r="6" fill="#8ddb8c"/>
<text x="80" y="23" fill="#8b949e">$ whtool listen --demo</text>
{rows}
</svg>
"""


def without_payloads(lines):
    """Two payloads are enough to see what they look like."""
    kept, seen = [], 0
    for line in lines:
        bare = re.sub(r"\x1b\[[0-9;]*m", "", line)
        if not bare.startswith(" "):
            seen += 1
        if not bare.startswith(" ") or seen in (1, 3) or re.match(r" +(proved|likely|fix)", bare):
            kept.append(line)
    return kept[:MOST]


if __name__ == "__main__":
    with open("docs/demo.svg", "w") as file:
        file.write(picture(without_payloads(demonstration())))
