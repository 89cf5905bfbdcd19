"""The page of a load test in a real browser, in both themes: what ctest runs with the label `long`, and only with
FAIRLEAD_LONG=1."""
import collections
import os
import pathlib
import unittest

from support.bench_page import CHROMIUM, pixels, screenshot
from support.runner import main, needs_long
from test_bench_reports import SAMPLES, write_samples


def brightness(colour):
    return sum(colour) / 3


@needs_long
@unittest.skipUnless(CHROMIUM, "chromium is not installed")
class Rendered(unittest.TestCase):
    def test_each_page_is_drawn_in_both_themes(self):
        folder = write_samples(self)
        kept = pathlib.Path(os.environ.get("FAIRLEAD_SEEN_DIR", folder))  # to be looked at
        kept.mkdir(exist_ok=True)
        for name in SAMPLES:
            for scheme in ("light", "dark"):
                with self.subTest(f"{name}, {scheme}"):
                    picture = kept / f"bench-{name}-{scheme}.png"
                    screenshot(folder / f"{name}.html", picture, scheme, 900, 900)
                    colours = collections.Counter(pixel for row in pixels(picture) for pixel in row[::3])
                    ground = colours.most_common(1)[0][0]
                    self.assertGreater(len(colours), 30, "it is blank")
                    self.assertTrue(brightness(ground) > 200 if scheme == "light" else brightness(ground) < 60, ground)


if __name__ == "__main__":
    main()
