"""Keys of the Python cache, computed by Python itself: one JSON object a line, for tests/engine/legacy_key_test.cpp.

Each line is a request and the key that it has, or null for one that Python cannot make a key of. The cases are random, of a fixed
seed; options are JSON text, because their spelling is part of the case.
"""
import hashlib
import json
import math
import random
import struct
import sys
import unicodedata

pick = random.Random(20250817)

ODD_BLANKS = [chr(c) for c in (9, 10, 11, 12, 13, 0x1C, 0x1D, 0x1E, 0x1F, 0x85, 0xA0, 0x1680, 0x2000, 0x2004, 0x200A, 0x2028, 0x2029,
                               0x202F, 0x205F, 0x3000)]
NEARLY_BLANK = ["\u200b", "\ufeff", "\u180e", "\u2060", "\x00", "\x1b", "\x7f", "\xad"]
PIECES = (["a", "Z", "word", "two words", " ", "  ", "|", ":", "_", "=", "&", "'", '"', "\\", "\r\n", "%", "{", "]", "hash:"]
          + ODD_BLANKS + NEARLY_BLANK
          + ["é", "e\u0301", "ß", "漢字", "עברית", "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0010fffd", "\ue000",
             "\uffff", "\ufdd0", "\U0001d54f"])
ALGORITHMS = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_224", "sha3_256", "sha3_384", "sha3_512", "blake2b",
              "blake2s"]
FLOATS = [0.0, -0.0, 1.0, 0.1, 0.5, 1e15, 1e16, 1e17, 9999999999999998.0, 123456789012345680.0, 1e22, 1e23, 1e-4, 1e-5, 0.00012345,
          0.000099999, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 9007199254740993.0, 2.0 ** -44, 1 / 3, 100.0, 1e100]


def key_of(operation, text, options, question, threshold, algorithm):
    """The key, by the description of the format and nothing else."""
    parts = ["op:" + operation]
    if len(text) > threshold:
        tail = "len:%d" % len(text) + "words:%d" % len(text.split())
        digest = hashlib.new(algorithm, text.encode("utf-8") + tail.encode("ascii")).hexdigest()
        parts.append("txt:hash:" + digest[:16])
    else:
        parts.append("txt:" + text.translate({ord("|"): "_", ord(":"): "_"}))
    if options:
        spelled = "&".join("%s=%s" % (name, options[name]) for name in sorted(options))
        parts.append("opts:" + hashlib.md5(spelled.encode("utf-8")).hexdigest()[:8])
    if question:
        parts.append("q:" + hashlib.md5(question.encode("utf-8")).hexdigest()[:8])
    key = "ai_cache:" + "|".join(parts)
    key.encode("utf-8")
    return key


def some_text(most):
    return "".join(pick.choice(PIECES) for _ in range(pick.randrange(most)))


def text_of_length(length):
    text = ""
    while len(text) < length:
        text += pick.choice(PIECES)
    return text[:length]


def some_float():
    kind = pick.randrange(4)
    if kind == 0:
        return pick.choice(FLOATS)
    if kind == 1:
        return math.ldexp(1.0, pick.randrange(-1074, 1023))
    if kind == 2:
        return round(pick.uniform(-1000, 1000), pick.randrange(6))
    value = struct.unpack("<d", struct.pack("<Q", pick.getrandbits(64)))[0]
    return value if math.isfinite(value) else 0.25


def spell_float(value):
    return pick.choice([repr(value), "%.17e" % value, "%.25E" % value, repr(value)])


def spell_text(text):
    spelled = json.dumps(text, ensure_ascii=pick.random() < 0.5 or any(0xD800 <= ord(c) < 0xE000 for c in text))
    return spelled.replace("a", "\\u0061") if "\\" not in spelled and pick.random() < 0.1 else spelled


def blank():
    return pick.choice(["", "", " ", "\n", "\t \r"])


def spell_value(depth):
    kind = pick.randrange(9 if depth < 4 else 7)
    if kind == 0:
        return pick.choice(["null", "true", "false"])
    if kind == 1:
        return str(pick.choice([0, 1, -1, 100, 2 ** 63, -2 ** 63 - 1, 2 ** 64, pick.getrandbits(40), -pick.getrandbits(1000)]))
    if kind == 2:
        return spell_float(some_float())
    if kind == 3:
        return pick.choice(["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "-1e-400", "-0", "-0.0", "0e99999999999999999999",
                            "1e99999999999999999999", "1e-99999999999999999999", "1" + "0" * 400 + ".0", "0." + "0" * 400 + "1e401"])
    if kind in (4, 5, 6):
        text = some_text(8)
        if depth > 1 and pick.random() < 0.2:
            text += pick.choice(["\ud800", "\udfff", "\ud83d", "\udc00x", "'\udbff"])
        return spell_text(text)
    if kind == 7:
        return "[" + blank() + ("," + blank()).join(spell_value(depth + 1) for _ in range(pick.randrange(4))) + blank() + "]"
    return spell_object(depth + 1, pick.randrange(4))


def spell_object(depth, members):
    names = [some_text(4) for _ in range(members)]
    if depth > 1 and members and pick.random() < 0.1:
        names[0] += "\ud834"
    if members > 1 and pick.random() < 0.1:
        names[-1] = names[0]
    return ("{" + blank() + ("," + blank()).join(spell_text(n) + blank() + ":" + blank() + spell_value(depth) for n in names) + blank()
            + "}")


def case(operation, text, options, question, in_options, threshold, algorithm):
    decoded = json.loads(options) if options else None
    counted = question
    try:
        if in_options:
            if question:
                decoded = dict(decoded or {}, question=question)
            counted = (decoded or {}).get("question")
        key = key_of(operation, text, decoded, counted, threshold, algorithm)
    except (AttributeError, UnicodeEncodeError):
        key = None
    json.dump({"operation": operation, "text": text, "options": options, "question": question or "", "in_options": in_options,
               "threshold": threshold, "algorithm": algorithm, "key": key}, sys.stdout)
    print()


def random_cases(count):
    for _ in range(count):
        threshold = pick.choice([-1, 0, 1, 5, 50, 50, 1000, 1000, 1000])
        if pick.random() < 0.6:
            text = text_of_length(max(0, threshold + pick.choice([-1, 0, 1, 2, 300])))
        else:
            text = some_text(40)
        options = pick.choice(["", "null", "{}"]) if pick.random() < 0.2 else spell_object(0, pick.randrange(1, 7))
        question = some_text(6) if pick.random() < 0.3 else None
        in_options = pick.random() < 0.5
        if in_options and not question and options.startswith("{") and pick.random() < 0.5:
            member = '"question":' + pick.choice([spell_text(some_text(5)), "null", '""', "0", "false", "[]", "5", "true", "[1]", "NaN"])
            rest = options[1:].lstrip()
            options = "{" + member + ("}" if rest == "}" else "," + rest)
        if in_options and question and "question" in (json.loads(options or "{}") or {}):
            question = None
        case(some_text(4), text, options, question, in_options, threshold, pick.choice(ALGORITHMS + ["sha256"] * 6))


def every_code_point():
    """repr() of everything that both sides' Unicode knows."""
    known = unicodedata if tuple(map(int, unicodedata.unidata_version.split("."))) <= (15, 0, 0) else unicodedata.ucd_3_2_0
    for start in range(0, 0x110000, 0x800):
        text = "".join(c for c in map(chr, range(start, start + 0x800)) if known.category(c) != "Cn")
        if text:
            case("sweep", "x", json.dumps({"all": [text]}), None, False, 1000, "sha256")


def main():
    random_cases(2000)
    every_code_point()


main()
