"""The eight files of an avatar by libvips in one process: ``python by_pyvips.py <picture> <quality>``."""

import sys

import pyvips

SIZES = (64, 128, 256, 512)


def main() -> None:
    path, quality = sys.argv[1], int(sys.argv[2])
    largest = max(SIZES)
    picture = pyvips.Image.thumbnail(path, largest, height=largest, crop="centre").copy_memory()
    for size in SIZES:
        resized = picture.thumbnail_image(size, height=size).copy_memory()
        resized.webpsave_buffer(Q=quality, keep=0)
        resized.jpegsave_buffer(Q=quality, keep=0, optimize_coding=True)


if __name__ == "__main__":
    main()
