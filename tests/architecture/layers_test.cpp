#include "tests/architecture/house_rules.hpp"
#include "tests/architecture/planted_tree.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace aicache::architecture;

namespace {

std::vector<std::string> listed(const std::vector<breach>& found) {
  std::vector<std::string> out;
  for (const auto& b : found) out.push_back(to_string(b));
  return out;
}

/// What the rules say of a tree that holds this one file.
std::vector<std::string> said_of(const std::string& path, std::string_view text) {
  planted_tree tree;
  return listed(breaches_in(tree.with(path, text).root()));
}

using sentences = std::vector<std::string>;

const std::string many_lines = [] {
  std::string text = "#pragma once\n";
  while (std::count(text.begin(), text.end(), '\n') <= static_cast<std::ptrdiff_t>(longest_file)) text += "int x;\n";
  return text;
}();

}  // namespace

TEST_CASE("this tree keeps every rule of the house", "[architecture]") {
  auto sources = paths_below(AICACHE_SOURCE_DIR);
  REQUIRE(std::find(sources.begin(), sources.end(), "engine/types.hpp") != sources.end());
  CHECK(listed(breaches_in(AICACHE_SOURCE_DIR)) == sentences{});
}

TEST_CASE("a tree that keeps the rules is not blamed", "[architecture]") {
  planted_tree tree;
  tree.with("README.md", "the house\n")
      .with(".clang-format", "")
      .with("build/engine/misc.cpp", "throw 1;\n")
      .with("config/settings.hpp", "#pragma once\n#include <toml.hpp>\n")
      .with("engine/core.hpp",
            "#pragma once\n#include \"config/settings.hpp\"\n// never throw, never std::mutex, no clock::now()\n"
            "#include <vector>\ninline const char* words = \"throw std::mutex ::now(\";\n")
      .with("engine/codec/zstd_codec.cpp", "#include <zstd.h>\n#include <zdict.h>\n")
      .with("engine/identity/digest.cpp", "#include <openssl/evp.h>\n")
      .with("engine/memory/blob.hpp", "#pragma once\nstd::atomic<int> references;\n")
      .with("messages/wire.hpp", "#pragma once\n#include <caf/all.hpp>\n#include \"engine/core.hpp\"\n")
      .with("actors/redis_link.cpp", "#include <hiredis/hiredis.h>\n#include <asio.hpp>\nstd::mutex m;\n")
      .with("actors/exporter.cpp", "#include <prometheus/registry.h>\nstd::mutex m;\n")
      .with("actors/app/aicached.cpp", "#include \"actors/front.hpp\"\n#include \"actors/app/boot.hpp\"\n")
      .with("tests/engine/core_test.cpp", "#include <caf/all.hpp>\n#include \"actors/app/boot.hpp\"\nthrow 1;\n")
      .with("perf/load.cpp", "#include <hiredis/hiredis.h>\nauto t = clock::now();\n");
  CHECK(listed(breaches_in(tree.root())) == sentences{});
}

TEST_CASE("an include that goes up is named with its file and line", "[architecture]") {
  CHECK(said_of("config/a.cpp", "\n\n#include \"engine/types.hpp\"\n") ==
        sentences{"config/a.cpp:3: includes go down: rank 0 includes \"engine/types.hpp\" of rank 1"});
  CHECK(said_of("engine/a.cpp", "#include \"messages/wire.hpp\"\n") ==
        sentences{"engine/a.cpp:1: includes go down: rank 1 includes \"messages/wire.hpp\" of rank 2"});
  CHECK(said_of("messages/a.cpp", "#  include \"actors/front.hpp\"\n") ==
        sentences{"messages/a.cpp:1: includes go down: rank 2 includes \"actors/front.hpp\" of rank 3"});
  CHECK(said_of("actors/a.cpp", "#include \"actors/app/boot.hpp\"\n") ==
        sentences{"actors/a.cpp:1: includes go down: rank 3 includes \"actors/app/boot.hpp\" of rank 4"});
  CHECK(said_of("actors/app/a.cpp", "#include \"tests/support/sim.hpp\"\n") ==
        sentences{"actors/app/a.cpp:1: no layer includes tests: \"tests/support/sim.hpp\""});
}

TEST_CASE("an include of the project is written in quotes and from the root", "[architecture]") {
  CHECK(said_of("engine/a.cpp", "#include <engine/types.hpp>\n") ==
        sentences{"engine/a.cpp:1: write a project include in quotes: \"engine/types.hpp\""});
  CHECK(said_of("engine/a.cpp", "#include \"types.hpp\"\n") ==
        sentences{"engine/a.cpp:1: write a project include from the root: \"types.hpp\""});
  CHECK(said_of("engine/a.cpp", "#include \"../actors/front.hpp\"\n") ==
        sentences{"engine/a.cpp:1: write a project include from the root: \"../actors/front.hpp\""});
}

TEST_CASE("a library is included only where it belongs", "[architecture]") {
  struct row {
    std::string path, header, place;
  };
  auto [path, header, place] = GENERATE(values<row>({
      {"engine/a.cpp", "zstd.h", "engine/codec/"},
      {"engine/identity/a.cpp", "zdict.h", "engine/codec/"},
      {"engine/a.cpp", "caf/all.hpp", "messages/"},
      {"config/a.cpp", "caf/all.hpp", "messages/"},
      {"engine/a.cpp", "toml.hpp", "config/"},
      {"engine/a.cpp", "openssl/evp.h", "engine/identity/"},
      {"actors/a.cpp", "openssl/ssl.h", "engine/identity/"},
      {"engine/a.cpp", "asio.hpp", "actors/"},
      {"actors/front.cpp", "hiredis/hiredis.h", "actors/redis"},
      {"engine/redis_core.cpp", "hiredis/hiredis.h", "actors/redis"},
      {"engine/codec/a.cpp", "zlib.h", "engine/legacy/"},
      {"actors/front.cpp", "prometheus/registry.h", "actors/exporter"},
      {"actors/front.cpp", "civetweb.h", "actors/exporter"},
      {"actors/app/a.cpp", "CivetServer.h", "actors/exporter"},
  }));
  CHECK(said_of(path, "int x;\n#include <" + header + ">\n") ==
        sentences{path + ":2: <" + header + "> may be included only in " + place});
}

TEST_CASE("a banned word is found in code wherever it stands", "[architecture]") {
  struct row {
    std::string path, folder, code, word;
  };
  auto [path, folder, code, word] = GENERATE(values<row>({
      {"engine/a.cpp", "engine/", "auto t = std::chrono::steady_clock::now();", "::now("},
      {"config/a.cpp", "config/", "auto t = clock::now();", "::now("},
      {"engine/a.cpp", "engine/", "/* why */ throw 1;", "throw"},
      {"actors/redis_link.cpp", "actors/", "throw 1;", "throw"},
      {"actors/app/a.cpp", "actors/", "if (x) throw;", "throw"},
      {"engine/a.hpp", "engine/", "std::mutex m;", "std::mutex"},
      {"engine/a.cpp", "engine/", "std::jthread t;", "std::jthread"},
      {"engine/a.cpp", "engine/", "std::condition_variable_any c;", "std::condition_variable*"},
      {"engine/memory/pool.hpp", "engine/", "std::atomic_flag f;", "std::atomic*"},
      {"actors/front.cpp", "actors/", "std::mutex m;", "std::mutex"},
      {"actors/front.cpp", "actors/", "std::atomic<int> n;", "std::atomic*"},
      {"actors/front.cpp", "actors/", "std::thread t;", "std::thread"},
      {"actors/front.cpp", "actors/", "std::this_thread::sleep_for(1s);", "sleep_for"},
      {"actors/app/a.cpp", "actors/", "std::condition_variable c;", "std::condition_variable*"},
  }));
  CHECK(said_of(path, "#pragma once\n" + code + "\n") == sentences{path + ":2: banned in " + folder + ": " + word});
}

TEST_CASE("a header without a guard is found", "[architecture]") {
  CHECK(said_of("perf/a.hpp", "// #pragma once\nint x;\n") ==
        sentences{"perf/a.hpp:1: a header starts with #pragma once"});
  CHECK(said_of("engine/a.def", "ROW(x)\n") == sentences{});
}

TEST_CASE("a long file needs a reason in its folder's README", "[architecture]") {
  sentences blamed = {"engine/tiers/long.hpp:501: over 500 lines, and the folder's README.md does not say why"};
  CHECK(said_of("engine/tiers/long.hpp", many_lines) == blamed);

  planted_tree tree;
  tree.with("engine/tiers/long.hpp", many_lines).with("engine/README.md", "long.hpp is one table of constants\n");
  CHECK(listed(breaches_in(tree.root())) == blamed);
  tree.with("engine/tiers/README.md", "- long.hpp\n");
  CHECK(listed(breaches_in(tree.root())) == blamed);
  tree.with("engine/tiers/README.md", "- long.hpp is one table of constants\n");
  CHECK(listed(breaches_in(tree.root())) == sentences{});
}

TEST_CASE("nothing lies outside the agreed top level", "[architecture]") {
  CHECK(said_of("docs/guide.md", "") == sentences{"docs:0: not part of the agreed top level"});
  CHECK(said_of("notes.txt", "") == sentences{"notes.txt:0: not part of the agreed top level"});
  CHECK(said_of("engine", "a file in a folder's place") == sentences{"engine:0: not part of the agreed top level"});
}

TEST_CASE("a name that says nothing is found in files and folders", "[architecture]") {
  CHECK(said_of("engine/cache_manager.cpp", "") ==
        sentences{"engine/cache_manager.cpp:0: a name that says nothing: manager"});
  CHECK(said_of("tests/utils/a.cpp", "") == sentences{"tests/utils:0: a name that says nothing: util"});
  CHECK(said_of("deploy/common.sh", "") == sentences{"deploy/common.sh:0: a name that says nothing: common"});
  CHECK(said_of("engine/commonest.cpp", "") == sentences{});
}
