"""Beginnings of Zstandard frames; those below were written by libzstd 1.5.7."""

from __future__ import annotations

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envtool.inspect.zstd_head import decode_head
from tests.inspect.containers import bundle, zstd_raw

BUNDLE = bundle("gfx908", "gfx90a:xnack-", "gfx90a:xnack+", "gfx942", "gfx1100", "gfx1201")


def skewed(count: int) -> bytes:
    """Return letters of which some are frequent, so that they are coded by Huffman's way."""
    state, found = 1, bytearray()
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        found.append(97 + (state >> 16) % 7 * ((state >> 20) % 5) % 19)
    return bytes(found)


LEVEL_1 = base64.b85decode(
    "D77#BWK0je1_1JjBO)+`&I14>_IdA6@{TM!XhKVS(dPiy%}lI(g;`0n(#;_SALVE3qBZ(r{FjrVHTpivU;1eH#Q47)"
    "jhu=>U>bpmYt+TraC^{5L&J%MY+dfR!>a9iwOz;5Rc+U&06>Pd(niB}&mPVejt4lbVb5n{8z*}}$6=i`Y=N~=g(Stn"
    "LeEqwooqsSD#F?y04*5-!8DOs9g=7%VDNCDB<DO(>XO@B05ArF!Bqe`;Fwmf3y1)B!9{~$0>BsysFeT!V=!3YJ}@vC"
    "EVvE~7#wT{#_;bZNd"
)
LEVEL_19 = base64.b85decode(
    "D77#B1Q>M%0HVhm89;dhEBfkHSMPjk$`GC;6WSrc?4?J)6(rYUYwyKbsWi0$*J8-pdy#>`c~Oi9HQv>SCxy^hN9DSI"
    "UV2^YHj#fu$?p*U)w6%$_jK%FKR+{@Y1B8%(K7%72==D*bY;<=AWT;kwyg`&(%u0XAmE5dCFKDgA!nonlOnTvcC<1W"
    "d<ODl?33(Il`u|Vcf>|coS<}mhs-pRc3WyEBFuMdWRwX9o6#}w?<Pq"
)
LETTERS = base64.b85decode(
    "D77#B1PBcm018DY2oKPu13*bgw%S{6k^lfc19|{{0Dl1Y!p&cq7<n)42Fyb`B;UF~iRyNF`tY0;d-csg280jv2QJmd"
    "S(s{s&z^;?Tc&oi8I9rxb-ajd&pZh8!)qi41~+a6n+@$N+*D?BDRoAROMRy}9E#%$IV)~sWwk;Q_O=k>yF6AN8_~^`"
    "cKBybG^B{u7qTgc1)?C(Tmum@0N1PhD#okD+WRcp$$f{f)Bsczs9mCjsc@i*%-9{$j4h7zyEdU_?%mibNOTwhmIt82"
    "fnX(HwyEa^sYnyq%I`4>P6EH^-6-u~jEq~GbozK84Xi{P#Cymtn*on+c<`L9_tf3D4l73!VfY~zj;^UWLQex@vzRg-"
    "GWG#{;K9*iqwF35$7ezAX^0MN0Rv<#@YYAr@j*+CM-P)@kPxLAKi8Vr>?&~Ma!sm*m_bq0^A1*}1ByRbf3&JEogRly"
    "JqDZ!Hll$EO9?XbU3J#I4^XiQBr&L*0gMte`3h!|n&^NE9^%_a$UlaV1%Oa+1_6tbXH8(nj!}n2JQAoJ-~fanvfe&7"
    "Z);*O`yK(C`Y`Te5Xj72sd3DFA+T#q&9%E^wN&LXrQpFRd&~q&CJS7SR;@8H8@m!D1@U#oddzwaPU)vOnHioEXrOWq"
    "yai1h2yYlyQjb)>oG3Pld~iNG)Qn69Z<V$Po;wa+sKJ;*h%lp!jF89-g=sn<0zwF34to&bby9Td<6-MzF9Txw32vN{"
    "efm>Y)OC@^kd&uck_pie0Z1yiZB7Kdbp5k1gd{Qf5y{uc+&@7ONpNy*C^(fdFp$yM_;vHbAImkO>Ts#zSwai~Eqtv="
    "vWDNPd#it3!)^W~d+?xe95FvbHMV6K2|E4{%0B-ujsPKvB_@Pov9tgDqlsh#bMWQpw{B<Mo%e_s%J;e@nJP$hn!BiI"
    "A+lHj&7M>08FJ(EbFZBK`0101g#e2s$E!2=?2G"
)
FRAMES = [(LEVEL_1, BUNDLE), (LEVEL_19, BUNDLE), (LETTERS, skewed(1500))]


@pytest.mark.parametrize(("frame", "plain"), FRAMES)
@pytest.mark.parametrize("count", [1, 31, 500, 4096, 10**6])
def test_the_beginning_of_a_frame_is_what_was_packed(
    frame: bytes, plain: bytes, count: int
) -> None:
    assert decode_head(frame, count) == plain[:count]


@given(st.binary(max_size=200_000), st.integers(1, 200_000))
def test_blocks_that_are_not_packed_are_read_across_their_borders(plain: bytes, count: int) -> None:
    assert decode_head(zstd_raw(plain), count) == plain[:count]


@given(st.integers(1, 2**20), st.integers(0, 255))
def test_a_block_of_one_byte_repeated_is_read(times: int, byte: int) -> None:
    block = (times << 3 | 3).to_bytes(3, "little") + bytes([byte])
    frame = b"\x28\xb5\x2f\xfd\x00\x58" + block

    assert decode_head(frame, 100) == bytes([byte]) * min(times, 100)


@given(st.data())
def test_a_damaged_frame_is_refused_or_read_and_nothing_else(data: st.DataObject) -> None:
    frame, _ = data.draw(st.sampled_from(FRAMES))
    broken = bytearray(frame)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(broken[: data.draw(st.integers(0, len(broken)))])

    with suppress(ValueError):
        assert len(decode_head(cut, 2000)) <= 2000


@pytest.mark.parametrize("frame", [b"", b"\x28\xb5", b"PK\x03\x04" + bytes(40), LEVEL_1[:40]])
def test_what_is_no_frame_or_ends_early_is_refused(frame: bytes) -> None:
    with pytest.raises(ValueError, match="frame"):
        decode_head(frame, 100)
