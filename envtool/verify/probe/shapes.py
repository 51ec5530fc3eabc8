"""Which products to try: shapes that leave no multiprocessor idle in the last wave. Pure.

The kernels of cuBLAS write output tiles of up to 128 x 256 elements, one on each multiprocessor at
a time. A shape whose tiles are a little less than a whole number of waves wastes least: of seven
published best shapes, five fill their last wave to 97 % and more.
"""

from typing import Dict, Iterator, List, NamedTuple, Tuple

TILES = ((128, 256), (256, 128))
WAVES = range(1, 9)
SUMS = (2048, 3072, 4096, 6144, 8192, 12288)
FULLEST = 0.97
LEAST, MOST, ASPECT = 1024, 16384, 16
SQUARES = (2048, 4096, 6144, 8192, 10240)
# Best shapes that others published, m x n x k. Source: stas00/ml-engineering,
# compute/accelerator/README.md, commit 744d01e (2026-08-22); by compute capability.
PUBLISHED = {
    (8, 0): [(1024, 10240, 5120), (2048, 5120, 6144)],
    (9, 0): [
        (2048, 2048, 13312),
        (1024, 15360, 4096),
        (1280, 4096, 12032),
        (1024, 9216, 14336),
        (1024, 14336, 14336),
    ],
    (10, 0): [(1792, 16128, 3072), (4096, 9728, 2048), (15360, 4096, 3072), (19456, 5120, 1536)],
    (10, 3): [(12288, 18432, 1024), (3072, 6144, 7168)],
}


class Shape(NamedTuple):
    """A product of an m x k and a k x n matrix; ``nt``: the right one is stored as n x k."""

    m: int
    n: int
    k: int
    layout: str = "nt"

    @property
    def flops(self) -> int:
        """Operations of one product."""
        return 2 * self.m * self.n * self.k


def count_tiles(m: int, n: int, tile: Tuple[int, int]) -> int:
    """Return how many tiles cover an m x n result."""
    return -(-m // tile[0]) * -(-n // tile[1])


def fill_of(m: int, n: int, sms: int, tile: Tuple[int, int] = TILES[0]) -> float:
    """Return the share of multiprocessors that work, over all waves: 1 if the last is full."""
    tiles = count_tiles(m, n, tile)
    return tiles / (-(-tiles // sms) * sms)


def fill_waves(sms: int) -> List[Tuple[float, int, int]]:
    """Return the results that fill one to eight waves, with their fill; fullest first.

    For each number of waves and each tile the fullest, and of equally full ones the squarest.
    """
    found: Dict[Tuple[int, int], float] = {}
    for tile in TILES:
        for waves in WAVES:
            best = min(_fitting(sms, waves, tile), default=None)
            if best is not None:
                found[best[2:]] = -best[0]
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [(fill, m, n) for (m, n), fill in ranked]


def _fitting(
    sms: int, waves: int, tile: Tuple[int, int]
) -> Iterator[Tuple[float, float, int, int]]:
    """Yield what fills so many waves: fill with a minus, aspect, m and n."""
    most = waves * sms
    for rows in range(-(-LEAST // tile[0]), MOST // tile[0] + 1):
        columns = most // rows
        m, n = rows * tile[0], columns * tile[1]
        if LEAST <= n <= MOST and max(m, n) <= ASPECT * min(m, n):
            fill = rows * columns / most
            if fill >= FULLEST:
                yield -fill, max(m, n) / min(m, n), m, n


def list_candidates(
    sms: int, capability: Tuple[int, int], most: int, *, has_nn: bool = True
) -> List[Shape]:
    """Return the shapes to try, at most ``most``, the likeliest first.

    Args:
        sms: Multiprocessors.
        capability: Compute capability; (0, 0) where there is none.
        most: How many.
        has_nn: The right matrix may be stored either way.
    """
    published = [Shape(*one) for one in PUBLISHED.get(capability, [])]
    squares = [Shape(size, size, size) for size in SQUARES]
    filled = fill_waves(sms)
    if capability[0] == 9 and sms > 8:  # noqa: PLR2004 - Hopper: pairs of two leave 128 of 132
        filled = [one for pair in zip(filled, fill_waves(sms - 4)) for one in pair]
    # Each result with two lengths, different from its neighbours'.
    waves = [
        Shape(m, n, SUMS[(number + 3 * turn) % len(SUMS)])
        for turn in range(2)
        for number, (_, m, n) in enumerate(filled)
    ]
    ahead = len(published) + len(squares)
    listed = published + squares + waves[: max(0, most - ahead - 4 * has_nn)]
    if has_nn:
        listed += [one._replace(layout="nn") for one in squares[1:4] + waves[:1]]
    return list(dict.fromkeys(listed))[:most]
