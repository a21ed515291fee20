"""Pickles made by Python itself: one JSON object a line, for tests/engine/legacy_pickle_test.cpp.

Each line holds a pickle in hexadecimal, and repr() of its value, or the code with which it is to be refused.
"""
import collections
import datetime
import io
import json
import pickle
import pickletools
import random
import sys

pick = random.Random(154)
TEXTS = ["", "a", "answer", "it's", 'say "x"', "both ' and \"", "line\nbreak\ttab\\", "\x00\x7f\x80\xff", "é", "漢字", "\U0001f600", "\ud800",
         "\u2028", "x" * 300, "key points"]
NUMBERS = [0, 1, -1, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31, -2 ** 31, -2 ** 31 - 1, 2 ** 63, -2 ** 63, 2 ** 64, 10 ** 100, -10 ** 100,
           0.0, -0.0, 1.5, 0.1, 1e16, 1e-5, 5e-324, float("inf"), float("-inf"), float("nan")]


def scalar(protocol):
    kind = pick.randrange(5 if protocol >= 3 else 4)
    if kind == 0:
        return pick.choice([None, True, False])
    if kind == 1:
        return pick.choice(NUMBERS)
    if kind in (2, 3):
        return pick.choice(TEXTS)
    return pick.choice([b"", b"\x00\xff'", b"bytes\n", bytes(300)])


def key(protocol):
    value = scalar(protocol)
    return (value, pick.randrange(100)) if pick.random() < 0.1 else value


def value(protocol, depth=0):
    kind = pick.randrange(10 if protocol >= 4 else 8)
    if depth > 3 or kind < 4:
        return scalar(protocol)
    count = pick.choice([0, 1, 2, 3, 4, 7])
    if kind == 4:
        return [value(protocol, depth + 1) for _ in range(count)]
    if kind == 5:
        return tuple(value(protocol, depth + 1) for _ in range(count))
    if kind == 6:
        return {pick.choice(TEXTS): value(protocol, depth + 1) for _ in range(count)}
    if kind == 7:
        shared = [value(protocol, depth + 2)]
        return [shared, {"again": shared, "same": shared}]
    if kind == 8:
        return {key(protocol) for _ in range(count)}
    return frozenset(key(protocol) for _ in range(count))


def say(data, **rest):
    json.dump(dict(hex=data.hex(), **rest), sys.stdout)
    print()


def as_python_writes_it(value, protocol):
    out = io.BytesIO()
    pickle._Pickler(out, protocol).dump(value)
    return out.getvalue()


def sound(value, protocol):
    data = pickle.dumps(value, protocol)
    writer = pick.randrange(3)
    if writer == 1:
        data = as_python_writes_it(value, protocol)
    elif writer == 2:
        data = pickletools.optimize(data)
    say(data, repr=repr(value))


class Point:
    def __init__(self):
        self.x = 1


class Slotted(Point):
    def __reduce__(self):
        return (print, ("never",))


class Named:
    def __getnewargs_ex__(self):
        return ((), {"name": 1})


def nested(depth):
    made = []
    for _ in range(depth - 1):
        made = [made]
    return made


def main():
    for protocol in range(6):
        for _ in range(120):
            sound(value(protocol), protocol)
        sound(list(range(3000)), protocol)
        sound({"k%d" % i: [i, str(i)] for i in range(1500)}, protocol)
        sound("long " * 40000, protocol)
        sound(nested(128), protocol)
        say(pickle.dumps(nested(129), protocol), refused="too_large")
        within = []
        within.append(within)
        say(pickle.dumps(within, protocol), refused="too_large")
        around = {}
        around["self"] = ([around],)
        say(pickle.dumps(around, protocol), refused="too_large")
        for foreign in [Point(), Slotted(), datetime.datetime(2025, 8, 17), 1j, bytearray(b"x"), print, Point, range(3),
                        collections.OrderedDict(a=1), [1, {"deep": Slotted()}]]:
            say(pickle.dumps(foreign, protocol), refused="invalid_argument")
        if protocol >= 2:
            say(pickle.dumps(Named(), protocol), refused="invalid_argument")
        if protocol < 4:
            say(pickle.dumps({1}, protocol), refused="invalid_argument")
        if protocol < 3:
            say(pickle.dumps(b"\xff", protocol), refused="invalid_argument")
        say(pickle.dumps(2 ** (255 * 8), protocol), refused="too_large" if protocol >= 2 else None, repr=repr(2 ** (255 * 8)))


main()
