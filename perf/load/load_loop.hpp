#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <vector>

#include "actors/client.hpp"
#include "perf/load/simulated_model.hpp"
#include "perf/load/tally.hpp"
#include "perf/load/workload.hpp"

namespace aicache::perf {

/// What all loops of a load share: what to ask, how far they are, and the sum of what they found.
///
/// Owner      the program; `next`, `done` and `finished` may be used from any thread, the rest is read only while
///            loops run
class load_run {
 public:
  struct options {
    std::size_t batch = 64;
    bool leases = true;
    bool check = true;    ///< whether answers are compared with the right ones
    duration compute{0};  ///< how long the simulated model takes
    duration deadline{30'000};
    bool log = false;  ///< keep what became of every get
  };

  load_run(const workload& from, std::vector<std::uint32_t> picks, const options& o)
      : asks(from), order(std::move(picks)), how(o), sum_(from.operations.size()) {}

  const workload& asks;
  const std::vector<std::uint32_t> order;
  const options how;
  const std::chrono::steady_clock::time_point made = std::chrono::steady_clock::now();
  std::atomic<std::uint64_t> next{0};  ///< the first request that no loop has taken
  std::atomic<std::uint64_t> done{0};

  /// A loop has ended; the last one completes the run.
  void finished(const tally& found);
  void starts(std::size_t loops) { running_ = loops; }
  std::future<tally> result() { return result_.get_future(); }

 private:
  std::mutex guard_;
  std::size_t running_ = 0;
  tally sum_;
  std::promise<tally> result_;
};

/// One caller of the cache, as an application's actor would be: asks for a batch, computes what is missing, puts it,
/// and goes on with the next batch.
///
/// Shape      the batch is asked for without leases, and then each missing key by itself with one: a batch that held
///            some leases while it waited for others could wait for a batch that waits for it
/// Owner      itself, one scheduled actor
/// Invariant  each request is counted once, as hit, miss or error; every answer is compared with the right one, unless it
///            was asked not to
class load_loop {
 public:
  using pointer = caf::stateful_actor<load_loop>*;

  explicit load_loop(pointer self) : self_(self) {}
  ~load_loop();
  load_loop(const load_loop&) = delete;
  load_loop& operator=(const load_loop&) = delete;

  caf::behavior start(std::shared_ptr<load_run> run, client cache);

  static inline const char* name = "aicache.load";

 private:
  using clock = std::chrono::steady_clock;

  void next_batch();
  void answered(const std::vector<answer>& answers);
  void ask_with_lease(std::uint32_t place);
  void answered_one(std::uint32_t place, const answer& a);
  void compute_one(std::uint32_t place, std::uint64_t lease);
  void compute_missing();
  void place_done();
  const asked& line(std::uint32_t place) const { return run_->asks.lines[lines_[place]]; }
  operation_tally& of(std::uint32_t place) { return found_->operations[line(place).operation]; }
  void count_hit(std::uint32_t place, const answer& a);
  bool is_right(std::uint32_t place, const answer& a);
  void count_miss(std::uint32_t place, const answer& a);
  void count_error(std::uint32_t place, errc why);
  std::uint64_t count_latency(std::uint32_t place, const answer& a);
  void log(std::uint32_t place, const answer& a, std::uint64_t nanoseconds, bool last);
  std::uint64_t since_asked() const {
    return static_cast<std::uint64_t>((clock::now() - began_) / std::chrono::nanoseconds{1});
  }

  pointer self_;
  std::shared_ptr<load_run> run_;
  std::optional<client> cache_;
  std::optional<tally> found_;
  simulated_model model_;
  clock::time_point began_;
  std::vector<std::uint32_t> lines_;  // of the present batch
  std::vector<request> requests_;
  std::vector<std::uint32_t> missing_;  // places in the batch
  std::vector<std::uint32_t> put_;      // the first place of every missing line
  std::size_t open_ = 0;                // places that still wait for their answer
};

}  // namespace aicache::perf
