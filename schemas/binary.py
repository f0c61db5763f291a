"""The primitives of Avro's binary encoding, for the readers and writers in `compiled`.

Each `read_` takes the bytes and a position and gives the value and where it ends. A slice beyond the end is
short without a word, so whoever reads a record compares the last position with the length. Each `write_`
appends.
"""

import struct

_SHIFTS = tuple(range(7, 64, 7))
_DOUBLE = struct.Struct("<d")
_FLOAT = struct.Struct("<f")


class BrokenError(ValueError):
    """The bytes can't be those of the record; the message says why."""


def read_long(data: bytes, at: int) -> tuple[int, int]:
    """The zigzag number that starts at `at`, and where it ends."""
    byte = data[at]
    if byte < 128:
        return (byte >> 1) ^ -(byte & 1), at + 1
    number = byte & 127
    for shift in _SHIFTS:
        at += 1
        byte = data[at]
        number |= (byte & 127) << shift
        if byte < 128:
            break
    if byte > 127 or number >> 64:
        raise BrokenError("a number longer than 64 bits")
    return (number >> 1) ^ -(number & 1), at + 1


def read_int(data: bytes, at: int) -> tuple[int, int]:
    """The 32-bit number that starts at `at`, and where it ends."""
    number, at = read_long(data, at)
    if not -(1 << 31) <= number < 1 << 31:
        raise BrokenError(f"{number}, which is longer than 32 bits")
    return number, at


def read_length(data: bytes, at: int) -> tuple[int, int]:
    """A declared length, which can't be more than there is."""
    number, at = read_long(data, at)
    if not 0 <= number <= len(data) - at:
        raise BrokenError(f"a declared length of {number} bytes, but {len(data) - at} are left")
    return number, at


def read_count(data: bytes, at: int) -> tuple[int, int]:
    """The number of entries in a block; each takes a byte at least."""
    number, at = read_long(data, at)
    if number < 0:
        _, at = read_length(data, at)
        number = -number
    if number > len(data) - at:
        raise BrokenError(f"{number} declared entries, but {len(data) - at} bytes are left")
    return number, at


def read_decimal(data: bytes, at: int) -> tuple[int, int]:
    """A decimal in hundredths, of 1 to 63 bytes: more than fits, for that is refused by its value."""
    length = data[at]
    if length & 129 or not length:
        raise BrokenError("a decimal takes 1 to 63 bytes")
    at += 1
    end = at + (length >> 1)
    return int.from_bytes(data[at:end], "big", signed=True), end


def rescaled(number: int, shift: int) -> int:
    """A decimal with more digits after its point or, if negative, fewer; BrokenError if those are not zero."""
    factor = int(10 ** abs(shift))
    if shift >= 0:
        return number * factor
    whole, rest = divmod(number, factor)
    if rest:
        raise BrokenError("an amount with more than two decimals")
    return whole


def read_double(data: bytes, at: int) -> tuple[float, int]:
    """A double, eight bytes."""
    return _DOUBLE.unpack_from(data, at)[0], at + 8


def read_float(data: bytes, at: int) -> tuple[float, int]:
    """A float, four bytes."""
    return _FLOAT.unpack_from(data, at)[0], at + 4


def write_long(out: bytearray, number: int) -> None:
    """Append a zigzag number."""
    if not -(1 << 63) <= number < 1 << 63:
        raise OverflowError(f"{number} does not fit in 64 bits")
    number = (number << 1) ^ (number >> 63)
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def write_int(out: bytearray, number: int) -> None:
    """Append a zigzag number of 32 bits."""
    if not -(1 << 31) <= number < 1 << 31:
        raise OverflowError(f"{number} does not fit in 32 bits")
    write_long(out, number)


def write_string(out: bytearray, text: str) -> None:
    """Append a text."""
    encoded = text.encode()
    write_long(out, len(encoded))
    out += encoded


def write_decimal(out: bytearray, hundredths: int) -> None:
    """Append a decimal, in as few bytes as hold it (as Java's BigInteger does)."""
    length = ((hundredths if hundredths >= 0 else ~hundredths).bit_length() >> 3) + 1
    write_long(out, length)
    out += hundredths.to_bytes(length, "big", signed=True)


def write_double(out: bytearray, number: float) -> None:
    """Append a double."""
    out += _DOUBLE.pack(number)


def write_boolean(out: bytearray, truth: bool) -> None:
    """Append a boolean."""
    if truth is not True and truth is not False:
        raise TypeError(f"{truth!r} is neither True nor False")
    out.append(truth)


def leftover(data: bytes, at: int) -> BrokenError:
    """What is wrong if a record does not end where its bytes do."""
    if at > len(data):
        return BrokenError(f"ends {at - len(data)} bytes too early")
    return BrokenError(f"{len(data) - at} bytes too many")
