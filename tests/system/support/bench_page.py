"""The page that a load test writes: what it may hold, and how it looks in a real browser."""
import html.parser
import re
import shutil
import struct
import subprocess
import tempfile
import xml.etree.ElementTree
import zlib

CHROMIUM = shutil.which("chromium")
# Pages of this kind hold no element but these: nothing that loads, runs or is sent.
ELEMENTS = set("""html head meta title style body main header section h1 h2 p ul li dl dt dd div table thead tbody tr th td code pre
                  details summary svg desc line rect text polyline polygon""".split())


class Reader(html.parser.HTMLParser):
    """What a browser's parser meets."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.attributes, self.texts, self.ids, self.open = set(), set(), [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attributes}
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise ValueError(f"</{tag}> ends something else")

    def handle_data(self, data):
        self.texts.append(data)


def check(test, path):
    """Well-formed for both kinds of parser, complete in itself, inert, and told to those who cannot see its charts. Returns what
    the browser's parser met."""
    text = path.read_text(encoding="utf-8")  # it is UTF-8, whatever a peer sent
    tree = xml.etree.ElementTree.fromstring(text)
    reader = Reader(text)
    test.assertEqual([], reader.open, path)
    test.assertEqual(set(), reader.elements - ELEMENTS, path)
    loading = {"src", "href", "xlink:href", "action", "data", "srcset", "style"}
    test.assertEqual(set(), {name for name in reader.attributes if name in loading or name.startswith("on")}, path)
    styles = "".join(tree.find("head/style").itertext())
    test.assertNotRegex(styles, r"url\(|@import|expression")
    policy = tree.find("head/meta[@http-equiv='Content-Security-Policy']").get("content")
    test.assertEqual("default-src 'none'; style-src 'unsafe-inline'", policy)
    test.assertEqual(len(reader.ids), len(set(reader.ids)), "an id is given twice")
    for chart in tree.iter("svg"):
        test.assertEqual("img", chart.get("role"))
        for name in chart.get("aria-labelledby").split():
            test.assertTrue(chart.find(f"*[@id='{name}']").text)
    test.assertIsNone(re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", text))
    return reader


def screenshot(path, picture, scheme, width=1000, height=1200):
    """Renders the page as a PNG, in the theme `light` or `dark`."""
    with tempfile.TemporaryDirectory(prefix="fairlead-chromium-") as profile:
        subprocess.run([CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                        f"--user-data-dir={profile}", f"--window-size={width},{height}",
                        f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
                        f"--screenshot={picture}", path.resolve().as_uri()],
                       check=True, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def pixels(picture):
    """The pixels of a PNG as browsers write them (8 bits a channel, not interlaced), row by row, as (red, green, blue)."""
    data = picture.read_bytes()
    place, packed = 8, b""
    while place < len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        chunk = data[place + 8:place + 8 + size]
        if kind == b"IHDR":
            width, _, depth, colour, *_, interlaced = struct.unpack(">IIBBBBB", chunk)
            if depth != 8 or colour not in (2, 6) or interlaced:
                raise ValueError("a PNG of another kind")
            step = 3 if colour == 2 else 4
        elif kind == b"IDAT":
            packed += chunk
        place += 12 + size
    raw = zlib.decompress(packed)
    before = bytearray(width * step)
    for start in range(0, len(raw), width * step + 1):
        row = bytearray(raw[start + 1:start + 1 + width * step])
        undo_filter(raw[start], row, before, step)
        yield list(zip(row[0::step], row[1::step], row[2::step]))
        before = row


def undo_filter(kind, row, before, step):
    """PNG, section 9.2."""
    for i in range(len(row) if kind else 0):
        left = row[i - step] if i >= step else 0
        corner = before[i - step] if i >= step else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = before[i]
        elif kind == 3:
            guess = (left + before[i]) // 2
        else:
            estimate = left + before[i] - corner
            guess = min((left, before[i], corner), key=lambda value: abs(estimate - value))
        row[i] = (row[i] + guess) & 0xFF
