"""The first bytes of a Zstandard frame, for Pythons whose standard library has no Zstandard.

Only what RFC 8878 needs to decode a beginning: a header of a few hundred bytes is asked for,
of frames that hold megabytes, so that literals and sequences are decoded no further.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

MAGIC = struct.pack("<I", 0xFD2FB528)
# A block is at most 128 KiB; its header and the frame's come on top.
MOST_BYTES = 2**17 + 32
_RAW, _RLE, _COMPRESSED = 0, 1, 2
_PREDEFINED, _ONE, _FSE = 0, 1, 2

# RFC 8878, 3.1.1.3.2.1.1 and appendix A.
_LENGTH_BITS = (0,) * 16 + (1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
_MATCH_BITS = (0,) * 32 + (1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
_LENGTHS = (
    *(4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2),
    *(2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1),
)
_MATCHES = (1, 4, 3, 2, 2, 2, 2, 2, 2, *(1,) * 37, *(-1,) * 7)
_OFFSETS = (1, 1, 1, 1, 1, 1, 2, 2, 2, *(1,) * 15, *(-1,) * 5)


class _State(NamedTuple):
    """A state of an FSE decoder: what it means, and how the next one is found."""

    symbol: int
    bits: int
    base: int


_Table = Sequence[_State]


class _Memory:
    """What is decoded already, and what a block may take over from those before it."""

    def __init__(self, count: int) -> None:
        self.out = bytearray()
        self.count = count
        self.huffman: tuple[list[tuple[int, int]], int] | None = None
        self.tables: list[_Table | None] = [None, None, None]
        self.offsets = [1, 4, 8]

    @property
    def wanted(self) -> int:
        """How many bytes are still asked for."""
        return self.count - len(self.out)


class _Bits:
    """A bit stream that is read from its last bit to its first; before that, zeros."""

    def __init__(self, data: bytes) -> None:
        if not data or not data[-1]:
            raise ValueError("no bit stream")
        self._data = data
        self.left = 8 * len(data) - 9 + data[-1].bit_length()

    def peek(self, count: int) -> int:
        low = self.left - count
        if low < 0:
            return self._slice(0, self.left) << -low if self.left > 0 else 0
        return self._slice(low, self.left)

    def read(self, count: int) -> int:
        value = self.peek(count)
        self.left -= count
        return value

    def _slice(self, low: int, high: int) -> int:
        raw = int.from_bytes(self._data[low >> 3 : (high + 7) >> 3], "little")
        return (raw >> (low & 7)) & ((1 << (high - low)) - 1)


def decode_head(frame: bytes, count: int) -> bytes:
    """Return the first ``count`` bytes of what a frame holds; fewer if it is shorter.

    Args:
        frame: The frame, or as much of its beginning as is needed.
        count: How many bytes.

    Raises:
        ValueError: It is no frame, or damaged, or needs a dictionary.
    """
    try:
        return _decode(frame, count)
    except (IndexError, struct.error, TypeError) as error:
        raise ValueError("damaged Zstandard frame") from error


def _decode(frame: bytes, count: int) -> bytes:
    descriptor = frame[4]
    if frame[:4] != MAGIC or descriptor & 3:
        raise ValueError("no Zstandard frame")
    is_single = bool(descriptor & 32)
    at = 5 + (not is_single) + (int(is_single), 2, 4, 8)[descriptor >> 6]
    memory, is_last = _Memory(count), False
    while not is_last and memory.wanted > 0:
        # Behind the end a block of a kind that does not exist.
        header = int.from_bytes(frame[at : at + 3], "little") if at + 3 <= len(frame) else 6
        is_last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        at += 3
        block = frame[at : at + (1 if kind == _RLE else size)]
        at += len(block)
        if kind == _RLE:
            memory.out += block * min(size, count)
        elif kind == _RAW:
            memory.out += block
        elif kind == _COMPRESSED and len(block) == size:
            _decode_block(block, memory)
        else:
            raise ValueError("damaged Zstandard frame")
    return bytes(memory.out[:count])


def _decode_block(block: bytes, memory: _Memory) -> None:
    """Decode a block as far as needed."""
    literals, at = _literals(block, memory)
    sequences = block[at]
    at += 1
    if sequences > 127:  # noqa: PLR2004 - here and below: RFC 8878, 3.1.1.3.2.1
        more = 2 if sequences == 255 else 1  # noqa: PLR2004
        low = int.from_bytes(block[at : at + more], "little")
        sequences = low + 0x7F00 if more == 2 else (sequences - 128 << 8) + low  # noqa: PLR2004
        at += more
    taken = _carry_out(sequences, block[at:], literals, memory) if sequences else 0
    memory.out += literals[taken:]


def _carry_out(sequences: int, data: bytes, literals: bytes, memory: _Memory) -> int:
    """Carry out sequences as far as needed; return how many literals they took."""
    at = _read_tables(data, memory)
    tables = [table for table in memory.tables if table is not None]
    bits = _Bits(data[at:])
    length, offset, match = (table[bits.read(len(table).bit_length() - 1)] for table in tables)
    out, taken = memory.out, 0
    while True:
        raw = (1 << offset.symbol) + bits.read(offset.symbol)
        matched = _base(match.symbol, _MATCH_BITS) + 3 + bits.read(_MATCH_BITS[match.symbol])
        copied = _base(length.symbol, _LENGTH_BITS) + bits.read(_LENGTH_BITS[length.symbol])
        out += literals[taken : taken + copied]
        taken += copied
        if memory.wanted <= 0:
            return taken
        back = _offset(raw, copied, memory.offsets)
        if bits.left < 0 or not 0 < back <= len(out):
            raise ValueError("damaged Zstandard frame")
        piece = bytes(out[-back:])
        out += (piece * (matched // back + 1))[:matched]
        sequences -= 1
        if not sequences or memory.wanted <= 0:
            return taken
        length = tables[0][length.base + bits.read(length.bits)]
        match = tables[2][match.base + bits.read(match.bits)]
        offset = tables[1][offset.base + bits.read(offset.bits)]


def _read_tables(data: bytes, memory: _Memory) -> int:
    """Read what literal lengths, offsets and match lengths are coded with; return its end."""
    modes, at = data[0], 1
    plain = ((_LENGTHS, 6), (_OFFSETS, 5), (_MATCHES, 6))
    for index, known in enumerate(plain):
        mode = modes >> 6 - 2 * index & 3
        if mode == _PREDEFINED:
            memory.tables[index] = _table(*known)
        elif mode == _ONE:
            memory.tables[index] = (_State(data[at], 0, 0),)
            at += 1
        elif mode == _FSE:
            probabilities, log, at = _probabilities(data, at)
            memory.tables[index] = _table(probabilities, log)
    return at


def _offset(raw: int, copied: int, recent: list[int]) -> int:
    """Return how far back a match lies, and remember it."""
    if raw > len(recent):
        back = raw - len(recent)
        recent[:] = [back, *recent[:2]]
        return back
    index = raw - 1 + (not copied)
    back = recent[0] - 1 if index == len(recent) else recent.pop(index)
    recent[:] = [back, *recent[:2]]
    return back


@cache
def _base(code: int, bits: tuple[int, ...]) -> int:
    """Return the least length of a code: one more than the most of the code below."""
    return sum(1 << count for count in bits[:code])


def _literals(block: bytes, memory: _Memory) -> tuple[bytes, int]:
    """Return the literals of a block as far as needed, and where its sequences begin."""
    kind, form = block[0] & 3, block[0] >> 2 & 3
    count = memory.wanted
    if kind in (_RAW, _RLE):
        size = (1, 2, 1, 3)[form]
        number = int.from_bytes(block[:size], "little") >> (3 if size == 1 else 4)
        if kind == _RAW:
            return block[size : size + number], size + number
        return block[size : size + 1] * number, size + 1
    at, width = ((3, 10), (3, 10), (4, 14), (5, 18))[form]
    both = int.from_bytes(block[:at], "little") >> 4
    number, packed = both & (1 << width) - 1, both >> width
    end = at + packed
    if kind == _COMPRESSED:
        memory.huffman, at = _huffman(block, at)
    if memory.huffman is None:
        raise ValueError("damaged Zstandard frame")
    if form == 0:
        return _unpack(block[at:end], min(number, count), memory.huffman), end
    sizes = struct.unpack_from("<HHH", block, at)
    at += 6
    each, found = (number + 3) // 4, b""
    for index in range(4):
        if len(found) >= count:
            break
        stop = at + sizes[index] if index < len(sizes) else end
        wanted = min(each, number - index * each, count - len(found))
        found += _unpack(block[at:stop], wanted, memory.huffman)
        at = stop
    return found, end


def _unpack(stream: bytes, count: int, huffman: tuple[list[tuple[int, int]], int]) -> bytes:
    table, width = huffman
    bits, found = _Bits(stream), bytearray()
    while len(found) < count:
        symbol, used = table[bits.peek(width)]
        bits.left -= used
        found.append(symbol)
        if bits.left < 0:
            raise ValueError("damaged Zstandard frame")
    return bytes(found)


def _huffman(block: bytes, at: int) -> tuple[tuple[list[tuple[int, int]], int], int]:
    """Return the table of symbols and their bits, its width, and where the streams begin."""
    head = block[at]
    at += 1
    if head > 127:  # noqa: PLR2004 - RFC 8878, 4.2.1.1: four bits each
        number = head - 127
        end = at + (number + 1) // 2
        weights = [n for byte in block[at:end] for n in (byte >> 4, byte & 15)][:number]
    else:
        end = at + head
        weights = _weights(block[at:end])
    total = sum(1 << weight >> 1 for weight in weights)
    width = total.bit_length()
    # The last symbol has what is left.
    weights.append(((1 << width) - total).bit_length())
    table: list[tuple[int, int]] = []
    for weight in range(1, width + 1):
        for symbol, its in enumerate(weights):
            if its == weight:
                table += [(symbol, width + 1 - weight)] * (1 << weight >> 1)
    if len(table) != 1 << width:
        raise ValueError("damaged Zstandard frame")
    return (table, width), end


def _weights(data: bytes) -> list[int]:
    """Return weights that two FSE decoders wrote in turns (RFC 8878, 4.2.1.2)."""
    probabilities, log, at = _probabilities(data, 0)
    table = _table(probabilities, log)
    bits = _Bits(data[at:])
    states = [table[bits.read(log)], table[bits.read(log)]]
    weights: list[int] = []
    turn = 0
    while len(weights) < 255:  # noqa: PLR2004 - one for each byte but the last
        state = states[turn]
        weights.append(state.symbol)
        if bits.left < state.bits:
            return [*weights, states[1 - turn].symbol]
        states[turn] = table[state.base + bits.read(state.bits)]
        turn = 1 - turn
    raise ValueError("damaged Zstandard frame")


def _probabilities(data: bytes, at: int) -> tuple[tuple[int, ...], int, int]:
    """Return an FSE distribution, its accuracy, and where what follows begins."""
    stream = int.from_bytes(data[at : at + 256], "little")
    log = (stream & 15) + 5
    bit, left = 4, (1 << log) + 1
    found: list[int] = []
    while left > 1:
        width = left.bit_length()
        value = stream >> bit & (1 << width) - 1
        short = (1 << width) - 1 - left
        low = value & (1 << width - 1) - 1
        if low < short:
            value, bit = low, bit + width - 1
        else:
            value, bit = value - short * (value >> width - 1), bit + width
        found.append(value - 1)
        left -= abs(value - 1)
        while value == 1:
            repeat = stream >> bit & 3
            bit += 2
            found += [0] * repeat
            if repeat < 3:  # noqa: PLR2004 - three say that more follow
                break
        if bit > 8 * (len(data) - at):
            raise ValueError("damaged Zstandard frame")
    return tuple(found), log, at + (bit + 7) // 8


# Bounded: a file may hold any number of distributions.
@lru_cache(64)
def _table(probabilities: tuple[int, ...], log: int) -> _Table:
    """Return the states of a distribution (RFC 8878, 4.1.1)."""
    size = 1 << log
    symbols = [symbol for symbol, chance in enumerate(probabilities) if chance == -1][::-1]
    high = size - len(symbols)
    spread = [0] * high + symbols
    step, at = (size >> 1) + (size >> 3) + 3, 0
    for symbol, chance in enumerate(probabilities):
        for _ in range(chance):
            spread[at] = symbol
            at = (at + step) % size
            while at >= high:
                at = (at + step) % size
    nexts = [abs(chance) for chance in probabilities]
    states: list[_State] = []
    for symbol in spread:
        following = nexts[symbol]
        nexts[symbol] += 1
        bits = log + 1 - following.bit_length()
        states.append(_State(symbol, bits, (following << bits) - size))
    return states
