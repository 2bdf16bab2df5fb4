"""A web page as a picture, taken by a Chromium without a window."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
#: Where a picture says what it is of, and how many colours it may have.
TOLD, COLOURS = "Description", 128
_TIMEOUT_S = 120


class Missing(Exception):
    """There is no such browser here."""


def find_browser() -> str:
    """The browser's path; `Missing`, with what helps, where none is installed."""
    for name in NAMES:
        path = shutil.which(name)
        if path is not None:
            return path
    raise Missing("no Chromium is installed (on Debian: `apt-get install chromium`)")


def screenshot(page: Path, width: int, height: int, told: str, folder: Path) -> bytes:
    """The upper part of a page, as PNG.

    told : kept in the picture, so that a test can see what it is of
    folder : for the browser's own files
    """
    shot = folder / "shot.png"
    options = ["--headless=new", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--no-sandbox")  # root cannot have Chromium's own; the page is ours
    subprocess.run(
        [
            find_browser(),
            *options,
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={width},{height}",
            f"--screenshot={shot}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=_TIMEOUT_S,
    )
    return reduced(shot.read_bytes(), told)


def reduced(png: bytes, told: str) -> bytes:
    """The picture with few colours, a quarter of the size, and with `told` in it."""
    about = PngInfo()
    about.add_itxt(TOLD, told)
    with Image.open(io.BytesIO(png)) as image:
        few = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True, pnginfo=about)
    return out.getvalue()


def told_in(png: bytes) -> str:
    """What a picture says it is of."""
    with Image.open(io.BytesIO(png)) as image:
        return str(image.info[TOLD])
