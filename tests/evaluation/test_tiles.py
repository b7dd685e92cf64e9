from __future__ import annotations

import io

import numpy as np
from PIL import Image

from pipeline.evaluation.tiles import DPI, Sheet, fitting


def test_an_image_lies_where_it_was_placed_with_its_first_row_at_the_bottom():
    sheet = Sheet(width_inches=3, height_inches=2)
    values = np.array([[0.0, 1.0], [1.0, 1.0]])
    sheet.image(values, box_inches=(1, 0.5, 1, 1), colours="gray", limits=(0, 1))
    pixels = np.asarray(Image.open(io.BytesIO(sheet.png())).convert("L"))
    assert pixels.shape == (2 * DPI, 3 * DPI)

    def at(x, y):
        return int(pixels[int(y * DPI), int(x * DPI)])

    assert at(1.25, 1.25) < 20  # lower left: row 0, column 0
    assert min(at(1.75, 1.25), at(1.25, 0.75), at(1.75, 0.75)) > 235
    assert max(at(0.5, 1.0), at(2.5, 1.0)) < 40  # paper on both sides


def test_long_text_is_cut_and_short_text_is_left():
    assert fitting("Prelude", width_inches=2, points=6.5) == "Prelude"
    cut = fitting("A very long title of a very short piece", width_inches=1, points=6.5)
    assert cut.endswith("…")
    assert len(cut) < 20


def test_a_dollar_sign_and_an_unfinished_formula_are_drawn_as_they_stand():
    sheet = Sheet(width_inches=1, height_inches=1)
    sheet.text(r"$\frac{", x=0.1, y=0.1)
    assert sheet.png().startswith(b"\x89PNG")
