#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#if defined(__SSE2__)
  #include <emmintrin.h>
#endif

#include "engine/memory/blob.hpp"
#include "engine/statistics/ledger_report.hpp"

namespace aicache {

/// The shard's numbers of a tenant, an operation and a model: who is charged, or rather spared.
struct account_name {
  std::uint16_t operation = 0;
  std::uint16_t tenant = 0;
  std::uint16_t model = 0;

  constexpr std::uint64_t packed() const noexcept {
    return std::uint64_t{model} << 32 | std::uint64_t{tenant} << 16 | operation;
  }
  static constexpr account_name unpacked(std::uint64_t p) noexcept {
    return {static_cast<std::uint16_t>(p), static_cast<std::uint16_t>(p >> 16), static_cast<std::uint16_t>(p >> 32)};
  }
  friend bool operator==(const account_name&, const account_name&) = default;
};

/// What was asked, and what that saved.
struct account_figures {
  std::array<std::uint64_t, text_tier_count> gets{};  ///< by class of text
  ledger_figures saved;

  account_figures& operator+=(const account_figures& more) noexcept {
    for (std::size_t i = 0; i < gets.size(); ++i) gets[i] += more.gets[i];
    saved += more.saved;
    return *this;
  }
  friend account_figures operator-(const account_figures& a, const account_figures& b) noexcept {
    account_figures d;
    for (std::size_t i = 0; i < a.gets.size(); ++i) d.gets[i] = a.gets[i] - b.gets[i];
    d.saved = a.saved - b.saved;
    return d;
  }
  friend bool operator==(const account_figures&, const account_figures&) = default;
};

/// One combination of names and all that a hit under it counts. What a hot hit touches is the first cache line.
struct alignas(64) account_row {
  account_figures total;
  account_figures settled;    ///< of the total, what has gone to the sums by operation and by tenant
  ledger_figures unreported;  ///< of what is settled, what no report has told
  account_name name;
  std::uint64_t hot_served = 0;                              ///< hot hits that a batch's latency was recorded for
  std::array<std::uint64_t, text_tier_count> gets_served{};  ///< the same for gets by class of text
  bool in_batch = false;                                     ///< the present batch has asked under it

  void count_get(text_tier text) noexcept { ++total.gets[static_cast<std::size_t>(text) % text_tier_count]; }
  void count_saving(saving from, const answer_facts& facts) noexcept {
    saved_amount& s = total.saved[from];
    ++s.calls;
    s.input_tokens += facts.input_tokens;
    s.output_tokens += facts.output_tokens;
    s.model_ms += facts.model_ms;
  }
  /// The same for a hot hit of the shard's own entry. What is stored limits how many single hits, each of which waits for
  /// memory, the processor has under way at once: two stores instead of four, and no arithmetic to put words together.
  void count_hot_hit(const blob& entry) noexcept {
#if defined(__SSE2__)
    const auto words = entry.epoch_and_costs();
    const __m128i figures = _mm_loadu_si128(reinterpret_cast<const __m128i*>(words.data()));
    const __m128i input = _mm_unpacklo_epi32(figures, _mm_setzero_si128());
    const __m128i output_and_time = _mm_unpackhi_epi32(figures, _mm_setzero_si128());
    const __m128i call_and_input = _mm_unpackhi_epi64(_mm_set1_epi64x(1), input);
    auto* sums = reinterpret_cast<__m128i*>(&total.saved[saving::hot]);
    _mm_store_si128(sums, _mm_add_epi64(_mm_load_si128(sums), call_and_input));
    _mm_store_si128(sums + 1, _mm_add_epi64(_mm_load_si128(sums + 1), output_and_time));
#else
    count_saving(saving::hot, entry.facts());
#endif
  }
};

/// The accounts of one shard: each get is counted in one of them, and everything that is told by operation, by tenant or by
/// model is a sum of them.
///
/// Shape      a row for each combination of names in use; one that is needed and has no row takes the place of another,
///            whose figures are settled first
/// Owner      one shard; not thread-safe
/// Invariant  what is settled and what is not adds up to everything counted: sums by operation and tenant are exact
///            whatever the names do. Between two reports the ledger tells apart twice as many names as there are rows, and
///            counts the rest under "other"
/// Cost       of: a probe of a hash table, once for each run of items with the same names; a new combination allocates
class account_table {
 public:
  /// At most `rows` combinations at a time, at least one.
  explicit account_table(std::size_t rows) : limit_(rows == 0 ? 1 : rows) {}

  /// The account of a combination. `settle(account_row&)` is called before a row is given another name. Other accounts stay
  /// where they are unless a row is added.
  template <class Settle>
  account_row& of(const account_name& name, Settle&& settle) {
    if (const auto known = places_.find(name.packed()); known != places_.end()) return rows_[known->second];
    if (rows_.size() < limit_) return add(name);
    account_row& victim = rows_[next_];
    settle(victim);
    return reuse(name);
  }

  /// Takes what a row has counted since it was settled; its part of the ledger waits for the next report.
  static account_figures settle(account_row& a) noexcept {
    const account_figures gained = a.total - a.settled;
    a.settled = a.total;
    a.unreported += gained.saved;
    return gained;
  }

  /// What was settled since the last report. `name_of_...(number)` give names as something that makes a string.
  template <class Tenants, class Operations, class Models>
  ledger_report report(Tenants&& name_of_tenant, Operations&& name_of_operation, Models&& name_of_model) {
    ledger_report r;
    const auto tell = [&](const account_name& n, ledger_figures& gained) {
      if (gained == ledger_figures{}) return;
      r.lines.push_back({std::string(name_of_tenant(n.tenant)), std::string(name_of_operation(n.operation)),
                         std::string(name_of_model(n.model)), gained});
      gained = {};
    };
    for (account_row& a : rows_) tell(a.name, a.unreported);
    for (auto& [packed, gained] : left_) tell(account_name::unpacked(packed), gained);
    left_.clear();
    tell({}, other_);
    r.crowded_out = std::exchange(crowded_out_, 0);
    return r;
  }

  std::vector<account_row>& rows() noexcept { return rows_; }
  const std::vector<account_row>& rows() const noexcept { return rows_; }

  /// What the allocator was asked for.
  std::size_t bytes() const noexcept {
    return rows_.capacity() * sizeof(account_row) + places_.size() * node_bytes +
           places_.bucket_count() * sizeof(void*) + left_.size() * (node_bytes + sizeof(ledger_figures)) +
           left_.bucket_count() * sizeof(void*);
  }

  /// The most that a row and what belongs to it occupy.
  static constexpr std::size_t node_bytes = 48;
  static constexpr std::size_t row_bytes =
      2 * sizeof(account_row) + 2 * (node_bytes + 2 * sizeof(void*)) + sizeof(ledger_figures);

 private:
  account_row& add(const account_name& name);
  account_row& reuse(const account_name& name);

  std::size_t limit_;
  std::size_t next_ = 0;  // the row that is given another name next
  std::vector<account_row> rows_;
  std::unordered_map<std::uint64_t, std::uint32_t> places_;  // by packed name
  // By packed name, what rows had to tell that were given away; until the next report, or until the name has a row again.
  std::unordered_map<std::uint64_t, ledger_figures> left_;
  ledger_figures other_;
  std::uint64_t crowded_out_ = 0;
};

}  // namespace aicache
