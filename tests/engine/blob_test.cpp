#include "engine/memory/blob.hpp"

#include <catch2/catch.hpp>
#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

namespace aicache {

/// Looks at the counts of a blob, and brings them where a test could only get by a billion calls.
struct blob_probe {
  static constexpr std::uint32_t prepaid = blob::prepaid;
  static std::uint32_t handed(const blob& b) { return b.handed_; }
  static std::uint32_t references(const blob& b) {
    return b.refs_.load() - (b.claimed_.load() ? blob::prepaid - b.handed_ : 0);
  }
  /// As if `n` references had been handed out and given back.
  static void hand_out_and_drop(blob& b, std::uint32_t n) {
    b.handed_ += n;
    b.refs_ -= n;
  }
};

}  // namespace aicache

using namespace aicache;

namespace {

std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("a blob holds text, attributes and facts, and is charged at least what it holds", "[engine][blob]") {
  const blob_ref b = blob::make("the answer", {3, 4, 5, 0}, "attributes");
  CHECK(b->text() == "the answer");
  CHECK(b->attributes() == "attributes");
  CHECK(b->facts() == answer_facts{3, 4, 5, 10});
  CHECK(as_text(b->bytes()) == "the answerattributes");
  CHECK(b->raw_size() == b->size());
  CHECK(b->charged() >= sizeof(blob) + b->size());
  CHECK(blob_probe::references(*b) == 1);
}

TEST_CASE("an empty answer is an answer", "[engine][blob]") {
  const blob_ref b = blob::make("", {});
  CHECK(b->size() == 0);
  CHECK(b->text().empty());
  CHECK(b->attributes().empty());
}

TEST_CASE("a packed blob knows its raw size, its dictionary and the facts of what it was made from", "[engine][blob]") {
  const blob_ref raw = blob::make("twelve bytes", {1, 2, 3, 0});
  const std::string frame = "frame";
  const blob_ref small = blob::make_packed(std::as_bytes(std::span{frame}), *raw, 7);
  CHECK(small->codec() == blob_codec::zstd);
  CHECK(small->raw_size() == 12);
  CHECK(small->dictionary() == 7);
  CHECK(small->facts() == raw->facts());
  CHECK(as_text(small->frame()) == "frame");
}

TEST_CASE("what a hit touches lies behind the first 64 bytes, up to the payload", "[engine][blob]") {
  const blob_ref b = blob::make("x", {});
  const auto offset = [&](const void* at) {
    return static_cast<const char*>(at) - reinterpret_cast<const char*>(b.get());
  };
  CHECK(offset(&b->queue.state) == 64);
  for (const void* touched :
       std::initializer_list<const void*>{&b->retrievals, &b->epoch, &b->key, &b->created, &b->expires})
    CHECK(offset(touched) > 64);
  CHECK(offset(b->data()) == sizeof(blob));
}

TEST_CASE("an emptied place in the queue leaves alone what lies in the bytes behind it", "[engine][blob]") {
  const blob_ref b = blob::make("x", {});
  b->retrievals = 0x1234;
  b->epoch = 0x56789abc;
  b->key = {1, 2};
  b->queue.state = 31;
  b->queue.where = blob::place::warm;
  b->queue.text = text_tier::xlarge;
  b->queue.remember = b->queue.packing = true;
  CHECK(b->queue.where == blob::place::warm);
  CHECK(b->queue.text == text_tier::xlarge);
  CHECK(b->queue.remember);
  CHECK(b->queue.packing);
  b->queue = {};
  CHECK(b->queue.state == 0);
  CHECK(b->queue.where == blob::place::nowhere);
  CHECK(b->queue.text == text_tier::small);
  CHECK_FALSE(b->queue.remember);
  CHECK_FALSE(b->queue.packing);
  CHECK(b->retrievals == 0x1234);
  CHECK(b->epoch == 0x56789abc);
  CHECK(b->key == key128{1, 2});
}

TEST_CASE("retrievals are counted up to the maximum and stay there", "[engine][blob]") {
  const blob_ref b = blob::make("x", {});
  CHECK(b->count_retrieval() == 1);
  b->retrievals = UINT16_MAX - 1;
  CHECK(b->count_retrieval() == UINT16_MAX);
  CHECK(b->count_retrieval() == UINT16_MAX);
}

TEST_CASE("a size beyond what a header can say is refused like missing memory", "[engine][blob]") {
  CHECK_THROWS_AS(blob::make_uninitialised(std::size_t{1} << 40, {}), std::bad_alloc);
  CHECK_THROWS_AS(blob::make_uninitialised(std::size_t{UINT32_MAX} + 1, {}), std::bad_alloc);
}

TEST_CASE("only one shard at a time may claim a blob", "[engine][blob]") {
  const blob_ref b = blob::make("x", {});
  CHECK(b->claim());
  CHECK_FALSE(b->claim());
  b->disown();
  CHECK(b->claim());
  b->disown();
  CHECK(blob_probe::references(*b) == 1);
}

TEST_CASE("handed out references count like copies, and outlive the shard's claim", "[engine][blob]") {
  blob_ref first = blob::make("bytes that live on", {});
  blob& b = *first;
  REQUIRE(b.claim());
  std::vector<blob_ref> handed;
  for (int i = 0; i < 1000; ++i) handed.push_back(b.hand_out());
  handed.resize(600);
  const std::vector<blob_ref> copies = handed;
  CHECK(blob_probe::references(b) == 1 + 600 + 600);
  first = {};
  b.disown();
  CHECK(blob_probe::references(b) == 1200);
  CHECK(handed.back()->text() == "bytes that live on");
}

TEST_CASE("hand-outs beyond what was prepaid settle without losing a reference", "[engine][blob]") {
  const blob_ref first = blob::make("popular", {});
  blob& b = *first;
  REQUIRE(b.claim());
  std::vector<blob_ref> held;
  for (int round = 0; round < 10; ++round) {
    blob_probe::hand_out_and_drop(b, blob_probe::prepaid / 2 - blob_probe::handed(b) - 2);
    for (int i = 0; i < 4; ++i) held.push_back(b.hand_out());
    CHECK(blob_probe::handed(b) == 2);
    CHECK(blob_probe::references(b) == 1 + held.size());
  }
  b.disown();
  CHECK(blob_probe::references(b) == 1 + held.size());
  held.clear();
  CHECK(blob_probe::references(b) == 1);
}

TEST_CASE("a claim starts anew whatever was handed out under the one before", "[engine][blob]") {
  const blob_ref first = blob::make("x", {});
  REQUIRE(first->claim());
  const blob_ref kept = first->hand_out();
  first->disown();
  REQUIRE(first->claim());
  CHECK(blob_probe::handed(*first) == 0);
  CHECK(blob_probe::references(*first) == 2);
  first->disown();
  CHECK(blob_probe::references(*first) == 2);
}

TEST_CASE("assigning a reference to itself or away keeps the counts right", "[engine][blob]") {
  blob_ref a = blob::make("x", {});
  blob& b = *a;
  const blob_ref& same = a;
  a = same;
  CHECK(blob_probe::references(b) == 1);
  const blob_ref moved = std::move(a);
  CHECK(blob_probe::references(b) == 1);
  CHECK(moved->text() == "x");
}

TEST_CASE("references die on other threads while the owner hands out more and gives up", "[engine][blob][threads]") {
  for (int round = 0; round < 20; ++round) {
    blob_ref first = blob::make("shared", {});
    blob& b = *first;
    REQUIRE(b.claim());
    std::vector<std::vector<blob_ref>> shares(2);
    for (auto& share : shares)
      for (int i = 0; i < 2000; ++i) share.push_back(b.hand_out());
    std::vector<std::thread> readers;
    for (auto& share : shares)
      readers.emplace_back([mine = std::move(share)]() mutable {
        std::size_t bytes = 0;
        while (!mine.empty()) {
          const blob_ref copy = mine.back();
          bytes += copy->size();
          mine.pop_back();
        }
        if (bytes != 2000 * 6) std::abort();
      });
    for (int i = 0; i < 2000; ++i) b.hand_out();
    b.disown();
    for (std::thread& t : readers) t.join();
    CHECK(blob_probe::references(b) == 1);
  }
}
