#include "actors/redis/journal_file.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/redis_server.hpp"

using namespace aicache;
using namespace aicache::test;

TEST_CASE("what was appended to a journal is held by the next that opens it, until it is cleared",
          "[actors][journal]") {
  scratch_folder folder;
  const auto path = folder.path() / "journal";
  const std::vector<scope> scopes{scope_of_tenant("t"), scope_of_key({1, 2}), scope_of_tenant("t")};
  {
    auto file = journal_file::open(path);
    REQUIRE(file);
    CHECK(file->held().empty());
    CHECK(file->append(scopes));
    CHECK_FALSE(journal_file::open(path));
  }
  {
    auto file = journal_file::open(path);
    REQUIRE(file);
    CHECK(file->held() == std::vector<scope>{scopes[0], scopes[1]});
    CHECK(file->clear());
    CHECK(file->append({&scopes[1], 1}));
  }
  CHECK(journal_file::open(path)->held() == std::vector<scope>{scopes[1]});
}

TEST_CASE("a damaged line of a journal counts as everything, and spoils no other", "[actors][journal]") {
  scratch_folder folder;
  const auto path = folder.path() / "journal";
  const scope tenant = scope_of_tenant("t");
  const scope tag = scope_of_tag("t", "x");
  std::ofstream(path) << to_text(tenant) << "\n" << to_text(tag).substr(0, 20);
  {
    auto file = journal_file::open(path);
    REQUIRE(file);
    CHECK(file->held() == std::vector<scope>{tenant, scope{}});
    CHECK(file->append({&tag, 1}));
  }
  CHECK(journal_file::open(path)->held() == std::vector<scope>{tenant, scope{}, tag});
}

TEST_CASE("a journal that cannot be had is refused with its name", "[actors][journal]") {
  scratch_folder folder;
  for (const auto& path : {folder.path() / "no such folder" / "journal", folder.path()}) {
    const auto file = journal_file::open(path);
    REQUIRE_FALSE(file);
    CHECK(file.why().code == errc::unavailable);
    CHECK(file.why().detail.find(path.string()) != std::string::npos);
  }
}
