"""Bytes that are not the record they should be."""

import random

HUGE = b"\x80\x80\x80\x80\x80\x80\x40"
"""A length in Avro: 2^40 after zigzag's halving, ten times the memory of the machine."""


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Good bytes with one to four things done to them, as cables and programmers do."""
    broken = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(broken) + 1)
        match chance.randrange(5):
            case 0 if at < len(broken):
                broken[at] = chance.randrange(256)
            case 1 if at < len(broken):
                broken[at] ^= 1 << chance.randrange(8)
            case 2:
                del broken[at : at + chance.randint(1, 9)]
            case 3:
                broken[at:at] = chance.randbytes(chance.randint(1, 9))
            case _:
                broken[at : at + 1] = chance.choice([HUGE, b"\xff" * 10 + b"\x01", b"\x7f" * 9, b"\x80" * 12])
    return bytes(broken)
