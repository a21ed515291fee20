#include "engine/legacy/pickle_reader.hpp"

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/legacy/python_json.hpp"
#include "engine/legacy/python_repr.hpp"
#include "tests/support/python_script.hpp"

namespace aicache::legacy_pickle_test {

using namespace std::string_literals;

namespace {

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

outcome<python_value> read(std::string_view bytes, const python_limits& limits = {}) {
  // A copy of exactly this size: a read past the end is seen by the address sanitizer.
  const auto exact = std::make_unique<char[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), exact.get());
  return read_pickle({exact.get(), bytes.size()}, limits);
}

std::string repr_of(std::string_view bytes, const python_limits& limits = {}) {
  const auto value = read(bytes, limits);
  if (!value) return "refused: "s + to_string(value.why().code);
  std::string out;
  append_python_repr(*value, out);
  return out;
}

struct made {
  const char* hex;
  const char* repr;
};

/// Made by CPython 3.11, in every protocol in which they are data.
const std::vector<made>& made_by_python() {
  static const std::vector<made> all{
      {"4e2e", "None"},
      {"80054e2e", "None"},
      {"286c70300a49310a61492d310a61493235360a614936353533360a614c313039393531313632373737364c0a614c2d31313830353931363"
       "230"
       "3731373431313330333432344c0a612e",
       "[1, -1, 256, 65536, 1099511627776, -1180591620717411303424]"},
      {"5d7100284b014affffffff4d00014a000001004c313039393531313632373737364c0a4c2d3131383035393136323037313734313133303"
       "33432"
       "344c0a652e",
       "[1, -1, 256, 65536, 1099511627776, -1180591620717411303424]"},
      {"80025d7100284b014affffffff4d00014a000001008a060000000000018a090000000000000000c0652e",
       "[1, -1, 256, 65536, 1099511627776, -1180591620717411303424]"},
      {"80049527000000000000005d94284b014affffffff4d00014a000001008a060000000000018a090000000000000000c0652e",
       "[1, -1, 256, 65536, 1099511627776, -1180591620717411303424]"},
      {"286470300a56610a70310a286c70320a4930310a614930300a617356620a70330a28747356630a70340a2849310a7470350a7356640a703"
       "60a"
       "2849310a49320a49330a49340a7470370a732e",
       "{'a': [True, False], 'b': (), 'c': (1,), 'd': (1, 2, 3, 4)}"},
      {"7d71002858010000006171015d7102284930310a4930300a655801000000627103295801000000637104284b01747105580100000064710"
       "628"
       "4b014b024b034b04747107752e",
       "{'a': [True, False], 'b': (), 'c': (1,), 'd': (1, 2, 3, 4)}"},
      {"80037d71002858010000006171015d71022888896558010000006271032958010000006371044b018571055801000000647106284b014b0"
       "24b"
       "034b04747107752e",
       "{'a': [True, False], 'b': (), 'c': (1,), 'd': (1, 2, 3, 4)}"},
      {"8005952b000000000000007d94288c0161945d94288889658c016294298c0163944b0185948c016494284b014b024b034b047494752e",
       "{'a': [True, False], 'b': (), 'c': (1,), 'd': (1, 2, 3, 4)}"},
      {"5669742773205c5530303031663630305c75643830305c7530303563750a70300a2e", "\"it's \U0001f600\\ud800\\\\u\""},
      {"580e0000006974277320f09f9880eda0805c7571002e", "\"it's \U0001f600\\ud800\\\\u\""},
      {"80049512000000000000008c0e6974277320f09f9880eda0805c75942e", "\"it's \U0001f600\\ud800\\\\u\""},
      {"46312e350a2e", "1.5"},
      {"473ff80000000000002e", "1.5"},
      {"286c70300a286c70310a56730a70320a616167310a612e", "[['s'], ['s']]"},
      {"80025d7100285d71015801000000737102616801652e", "[['s'], ['s']]"},
      {"8004950e000000000000005d94285d948c017394616801652e", "[['s'], ['s']]"},
      {"80049507000000000000008f94284b01902e", "{1}"},
      {"8005950800000000000000284301789491942e", "frozenset({b'x'})"},
      {"800343030027ff71002e", "b\"\\x00'\\xff\""},
  };
  return all;
}

/// A pickle of any bytes is read within its bounds or refused, and what is read can be used.
void check_bounds(std::string_view bytes) {
  const python_limits limits{1 << 16};
  const auto value = read(bytes, limits);
  if (!value) {
    const errc code = value.why().code;
    REQUIRE((code == errc::corrupt || code == errc::invalid_argument || code == errc::too_large));
    return;
  }
  std::string out;
  append_python_repr(*value, out);
  append_json(*value, out);
  REQUIRE(out.size() < 20 * limits.memory_bytes);
}

/// The bytes cut off at every place are refused, and with any byte changed they are read within bounds or refused.
void check_damage(const std::string& bytes) {
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto value = read(std::string_view(bytes).substr(0, size));
    REQUIRE_FALSE(value);
    REQUIRE(value.why().code == errc::corrupt);
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int change : {0xff, 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      check_bounds(damaged);
    }
  }
}

const std::string corrupt = "refused: corrupt";
const std::string too_large = "refused: too_large";
const std::string calls = "refused: invalid_argument";

}  // namespace

TEST_CASE("pickles of every protocol are read", "[engine][legacy][pickle]") {
  for (const made& m : made_by_python()) {
    INFO(m.hex);
    CHECK(repr_of(bytes_of(m.hex)) == m.repr);
  }
}

TEST_CASE("an opcode that would call something is refused by its name", "[engine][legacy][pickle]") {
  struct row {
    std::string bytes;
    const char* name;
  };
  const std::vector<row> rows{
      {"cos\nsystem\n(S'true'\ntR.", "GLOBAL"},
      {"(S'true'\nios\nsystem\n.", "INST"},
      {"(NNo.", "OBJ"},
      {"NNR.", "REDUCE"},
      {"NNb.", "BUILD"},
      {"Pid\n.", "PERSID"},
      {"NQ.", "BINPERSID"},
      {"\x80\x02NN\x81.", "NEWOBJ"},
      {"\x80\x02\x82\x01.", "EXT1"},
      {"\x80\x02\x83\x01\x01.", "EXT2"},
      {"\x80\x02\x84\x01\x01\x01\x01.", "EXT4"},
      {"\x80\x04NNN\x92.", "NEWOBJ_EX"},
      {"\x80\x04\x8c\x02os\x8c\x06system\x93.", "STACK_GLOBAL"},
      {"\x80\x05\x96\x01\0\0\0\0\0\0\0x."s, "BYTEARRAY8"},
      {"\x80\x05\x97.", "NEXT_BUFFER"},
      {"\x80\x05N\x98.", "READONLY_BUFFER"},
  };
  for (const row& r : rows) {
    INFO(r.name);
    const auto value = read(r.bytes);
    REQUIRE_FALSE(value);
    CHECK(value.why().code == errc::invalid_argument);
    CHECK(value.why().detail.starts_with(r.name + " would call something at byte "s));
  }
}

TEST_CASE("what the stack does not hold cannot be used", "[engine][legacy][pickle]") {
  for (const std::string& bytes :
       {""s,       "."s,      "N"s,       "NN."s,       "(."s,     "(N."s,      "N(."s,          "0."s,    "1."s,
        "2."s,     "a."s,     "Na."s,     "NNa."s,      "]a."s,    "(Na."s,     "](a."s,         "]NNs."s, "}NNNs0."s,
        "}(Nu."s,  "(Nd."s,   "e."s,      "N(e."s,      ")Na."s,   "t."s,       "l."s,           "d."s,    "u."s,
        "\x85."s,  "N\x86."s, "NN\x87."s, "N(\x85."s,   "\x90."s,  "](N\x90."s, "\x8f(\x90N."s,  "\x91."s, "q\x01."s,
        "h\x01."s, "\x94."s,  "g1\n."s,   "Np\n."s,     "Npx\n."s, "Np-1\n."s,  "Nq\x01h\x02."s, "N.N"s,   "N.\n"s,
        "\xff."s,  "\x99."s,  "z."s,      "\x80\x06N."s}) {
    INFO(bytes);
    CHECK(repr_of(bytes) == corrupt);
  }
}

TEST_CASE("marks, duplicates and what is popped behave as in Python", "[engine][legacy][pickle]") {
  CHECK(repr_of("(NNlN0.") == "[None, None]");
  CHECK(repr_of("N(I1\nI2\n1.") == "None");
  CHECK(repr_of("N(0.") == "None");
  CHECK(repr_of("(I1\n2t.") == "(1, 1)");
  CHECK(repr_of("((NtI5\nl.") == "[(None,), 5]");
  CHECK(repr_of("]q\x07(h\x07"
                "0e.") == "[]");
}

TEST_CASE("a list that grows after it was put somewhere is the grown one there", "[engine][legacy][pickle]") {
  CHECK(repr_of("(]q\x01h\x01I7\na0t.") == "([7],)");
  CHECK(repr_of("(]q\x01h\x01I7\nat.") == "([7], [7])");
}

TEST_CASE("texts of Python 2 are read where they are ASCII", "[engine][legacy][pickle]") {
  CHECK(repr_of("S'it\\'s \\x41\\n\\\\'\n.") == "\"it's A\\n\\\\\"");
  CHECK(repr_of("S\"x\"\n.") == "'x'");
  CHECK(repr_of("U\x02hi.") == "'hi'");
  CHECK(repr_of("T\x02\0\0\0hi."s) == "'hi'");
  for (const std::string& bytes : {"Sx\n."s, "S'\n."s, "S'x\"\n."s, "S'\\q'\n."s, "S'\\'\n."s, "S'\\x4'\n."s,
                                   "S'\\xe9'\n."s, "U\x01\xe9."s, "T\xff\xff\xff\xffhi."s})
    CHECK(repr_of(bytes) == corrupt);
}

TEST_CASE("lines of protocol 0 are read as Python writes them and no other way", "[engine][legacy][pickle]") {
  CHECK(repr_of("Vback\\slash \xe9 \\u00e9\\U0001f600\\\\u0041\n.") == "'back\\\\slash é é\U0001f600\\\\\\\\u0041'");
  CHECK(repr_of("Vend\\\n.") == "'end\\\\'");
  CHECK(repr_of("F-inf\n.") == "-inf");
  CHECK(repr_of("F1e+16\n.") == "1e+16");
  CHECK(repr_of("L12\n.") == "12");
  for (const std::string& bytes : {"V\\u12\n."s, "V\\U00110000\n."s, "V\\Uffffffff\n."s, "I\n."s, "I0x1\n."s, "I1 \n."s,
                                   "I01\n"s, "I001\n."s, "L1LL\n."s, "F\n."s, "F1.\n."s, "Finfinity\n."s, "I1."s})
    CHECK(repr_of(bytes) == corrupt);
}

TEST_CASE("a length that the bytes do not have is refused without memory for it", "[engine][legacy][pickle]") {
  const std::string much(8, '\xff');
  const std::string huge = "\xff\xff\xff\x7f\0\0\0\0"s;
  for (const std::string& size : {much, huge})
    for (const char opcode : {'\x8d', '\x8e', '\x95'}) CHECK(repr_of(opcode + size + "x.") == corrupt);
  CHECK(repr_of("\x80\x04\x95\x02\0\0\0\0\0\0\0N."s) == "None");
  CHECK(repr_of("\x80\x04\x95\x03\0\0\0\0\0\0\0N."s) == corrupt);
  for (const char opcode : {'X', 'B', 'T', '\x8b'}) CHECK(repr_of(opcode + "\xff\xff\xff\x7f.."s) == corrupt);
  for (const char opcode : {'\x8c', 'C', 'U', '\x8a'}) CHECK(repr_of(opcode + "\x7f.."s) == corrupt);
  CHECK(repr_of("Nr\xff\xff\xff\xffj\xff\xff\xff\xff\x86.") == "(None, None)");
  CHECK(repr_of("Np999999999999999999\ng999999999999999999\n\x86.") == "(None, None)");
  CHECK(repr_of("Np9999999999999999999\n.") == corrupt);
}

TEST_CASE("integers are bounded", "[engine][legacy][pickle]") {
  const std::string digits(python_digits_limit, '7');
  CHECK(repr_of("I" + digits + "\n.") == digits);
  CHECK(repr_of("L" + digits + "7L\n.") == too_large);
  CHECK(repr_of("\x8b\x00\x01\0\0"s + std::string(256, '\x01') + ".") == too_large);
  CHECK(repr_of("\x8b\xff\0\0\0"s + std::string(255, '\0') + ".") == "0");
  CHECK(repr_of("\x8a\xff"s + std::string(254, '\0') + "\x01.").size() == 612);
}

TEST_CASE("parts that are shared cost each of their uses, before they are copied", "[engine][legacy][pickle]") {
  const python_limits limits{16 << 20};
  // Each tuple holds the one before twice: 2^60 parts.
  std::string doubling = "N";
  for (int i = 0; i < 60; ++i) doubling += "2\x86";
  CHECK(repr_of(doubling + ".", limits) == too_large);
  // One text of a megabyte, a thousand times.
  std::string texts = "(X\0\0\x10\0"s + std::string(1 << 20, 'x');
  for (int i = 0; i < 1000; ++i) texts += '2';
  CHECK(repr_of(texts + "l.", limits) == too_large);
  // A list that holds itself many times.
  std::string within = "]q\1(";
  for (int i = 0; i < 100'000; ++i) within += "h\1";
  CHECK(repr_of(within + "e.", limits) == too_large);
}

TEST_CASE("many small values are bounded too", "[engine][legacy][pickle]") {
  for (const std::string& opcode : {"N"s, "]"s, "2"s, "("s, "K\1"s, "N\x94"s, "Vx\n"s}) {
    std::string bytes = "(N";
    for (int i = 0; i < 20'000; ++i) bytes += opcode;
    const auto value = read(bytes + "l.", {1 << 16});
    REQUIRE_FALSE(value);
    CHECK(value.why().code == errc::too_large);
  }
}

TEST_CASE("depth is bounded, and what holds itself is too deep", "[engine][legacy][pickle]") {
  auto nested = [](std::size_t depth) { return std::string(depth, ']') + std::string(depth - 1, 'a') + "."; };
  CHECK(repr_of(nested(python_depth_limit)).size() == 2 * python_depth_limit);
  CHECK(repr_of(nested(python_depth_limit + 1)) == too_large);
  CHECK(repr_of(nested(500'000)) == too_large);
  CHECK(repr_of("]q\1h\1a.") == too_large);
  CHECK(repr_of("}q\1I1\nh\1s.") == too_large);
}

TEST_CASE("a key may not be something that changes, nor a name come twice", "[engine][legacy][pickle]") {
  CHECK(repr_of("}]Ns.") == corrupt);
  CHECK(repr_of("}}Ns.") == corrupt);
  CHECK(repr_of("}\x8fNs.") == corrupt);
  CHECK(repr_of("}]\x85Ns.") == corrupt);
  CHECK(repr_of("\x8f(]\x90.") == corrupt);
  CHECK(repr_of("(]\x91.") == corrupt);
  CHECK(repr_of("}N\x85Ns.") == "{(None,): None}");
  CHECK(repr_of("}Va\nNsVa\nI1\ns.") == corrupt);
  CHECK(repr_of("}Va\nNsVb\nI1\ns.") == "{'a': None, 'b': 1}");
}

TEST_CASE("texts that are not UTF-8 are refused, surrogates are taken", "[engine][legacy][pickle]") {
  CHECK(repr_of("\x8c\x01\xff.") == corrupt);
  CHECK(repr_of("\x8c\x02\xc0\x80.") == corrupt);
  CHECK(repr_of("\x8c\x04\xf4\x90\x80\x80.") == corrupt);
  CHECK(repr_of("\x8c\x03\xed\xbf\xbf.") == "'\\udfff'");
}

TEST_CASE("a detail repeats nothing of the pickle", "[engine][legacy][pickle]") {
  for (const std::string& bytes : {"Isecret\n."s, "}Vsecret\nNsVsecret\nNs."s, "csecret\nsecret\n."s, "Fsecret\n."s}) {
    const auto value = read(bytes);
    REQUIRE_FALSE(value);
    CHECK(value.why().detail.find("secret") == std::string::npos);
  }
}

TEST_CASE("pickles that are cut off are refused, damaged ones are read within bounds or refused",
          "[engine][legacy][pickle]") {
  for (const made& m : made_by_python()) check_damage(bytes_of(m.hex));
}

TEST_CASE("random opcodes are read within bounds or refused", "[engine][legacy][pickle]") {
  // Opcodes of data are frequent, and what is counted is short, so that a good part goes on for a while.
  static constexpr std::string_view likely =
      "(((NNN0122FIKKMVX]]}})))ttaaeessuuddllqhqhgpr\x85\x86\x87\x88\x89\x8a\x8c\x8f\x90\x91\x94\x94.";
  std::mt19937 random{154};
  int sound = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string bytes;
    for (auto n = random() % 30; n > 0; --n) {
      const char opcode = random() % 40 == 0 ? static_cast<char>(random()) : likely[random() % likely.size()];
      bytes += opcode;
      if (opcode == 'I' || opcode == 'F' || opcode == 'V' || opcode == 'g' || opcode == 'p')
        bytes += std::to_string(random() % 9) + "\n";
      if (opcode == 'K' || opcode == 'q' || opcode == 'h') bytes += static_cast<char>(random() % 4);
      if (opcode == '\x8c' || opcode == '\x8a') bytes += "\1"s + static_cast<char>(random() % 256);
      if (opcode == 'X') bytes += "\2\0\0\0ab"s;
    }
    bytes += '.';
    check_bounds(bytes);
    sound += static_cast<bool>(read(bytes));
  }
  CHECK(sound > 100);
}

TEST_CASE("what Python pickles is read as Python prints it, or refused for what it would call",
          "[engine][legacy][pickle]") {
  std::string errors;
  const auto lines = test::lines_of_python("tests/legacy/pickle_maker.py", errors);
  if (!lines) {
    WARN("no /usr/bin/python3 here: pickles were not compared with Python's");
    return;
  }
  INFO(errors);
  REQUIRE(lines->size() > 800);
  std::size_t damaged = 0;
  for (const std::string& line : *lines) {
    const auto c = nlohmann::json::parse(line);
    const std::string bytes = bytes_of(c.at("hex").get<std::string>());
    INFO(line.substr(0, 2000));
    if (c.contains("refused") && !c.at("refused").is_null()) {
      REQUIRE(repr_of(bytes) == "refused: " + c.at("refused").get<std::string>());
      continue;
    }
    REQUIRE(repr_of(bytes) == c.at("repr").get<std::string>());
    if (bytes.size() < 150 && damaged < 150) {
      ++damaged;
      check_damage(bytes);
    }
  }
  CHECK(damaged == 150);
}

}  // namespace aicache::legacy_pickle_test
