#include "perf/load/load_loop.hpp"

#include <algorithm>
#include <utility>

#include "actors/errors.hpp"

namespace aicache::perf {

void load_run::finished(const tally& found) {
  const std::lock_guard lock(guard_);
  sum_.add(found);
  if (--running_ == 0) result_.set_value(sum_);
}

load_loop::~load_loop() {
  if (run_) run_->finished(*found_);
}

caf::behavior load_loop::start(std::shared_ptr<load_run> run, client cache) {
  run_ = std::move(run);
  cache_ = std::move(cache);
  found_.emplace(run_->asks.operations.size());
  next_batch();
  // What the simulated model says when its time is over: for one place with its lease, or for the whole batch.
  return {
      [this](std::uint32_t place, std::uint64_t lease) { compute_one(place, lease); },
      [this](caf::ok_atom) { compute_missing(); },
  };
}

void load_loop::next_batch() {
  const std::uint64_t from = run_->next.fetch_add(run_->how.batch);
  if (from >= run_->order.size()) return self_->quit();
  const std::size_t size = std::min<std::size_t>(run_->how.batch, run_->order.size() - from);
  const auto first = run_->order.begin() + static_cast<std::ptrdiff_t>(from);
  lines_.assign(first, first + static_cast<std::ptrdiff_t>(size));
  requests_.resize(size);
  for (std::uint32_t i = 0; i < size; ++i) requests_[i] = line(i).what;
  missing_.clear();
  began_ = clock::now();
  if (size == 1 && run_->how.leases) {
    open_ = 1;
    return ask_with_lease(0);
  }
  for (std::uint32_t i = 0; i < size; ++i) ++of(i).gets;
  cache_->get_list(
      self_, requests_, get_options{false, run_->how.deadline},
      [this](const std::vector<answer>& answers) { answered(answers); },
      [this](const caf::error& why) {
        for (std::uint32_t i = 0; i < lines_.size(); ++i) count_error(i, to_errc(why));
        next_batch();
      });
}

void load_loop::answered(const std::vector<answer>& answers) {
  for (std::uint32_t i = 0; i < answers.size(); ++i) {
    const answer& a = answers[i];
    if (a.hit()) {
      count_hit(i, a);
    } else if (a.status == get_status::error) {
      count_error(i, a.error);
    } else {
      missing_.push_back(i);
      if (run_->how.leases) log(i, a, since_asked(), false);
    }
  }
  if (missing_.empty()) return next_batch();
  if (run_->how.leases) {
    open_ = missing_.size();
    for (std::uint32_t place : missing_) ask_with_lease(place);
    return;
  }
  for (std::uint32_t place : missing_) count_miss(place, answers[place]);
  if (run_->how.compute.count() == 0) return compute_missing();
  self_->delayed_send(self_, run_->how.compute, caf::ok_atom::value);
}

void load_loop::ask_with_lease(std::uint32_t place) {
  ++of(place).gets;
  cache_->get(
      self_, requests_[place], get_options{true, run_->how.deadline},
      [this, place](const answer& a) { answered_one(place, a); },
      [this, place](const caf::error& why) {
        count_error(place, to_errc(why));
        place_done();
      });
}

void load_loop::answered_one(std::uint32_t place, const answer& a) {
  if (a.hit()) {
    count_hit(place, a);
    return place_done();
  }
  if (a.status == get_status::error) {
    count_error(place, a.error);
    return place_done();
  }
  // A plain miss after a lease was asked for: no room to wait. The answer is computed all the same.
  count_miss(place, a);
  if (run_->how.compute.count() == 0) return compute_one(place, a.lease);
  self_->delayed_send(self_, run_->how.compute, place, a.lease);
}

void load_loop::compute_one(std::uint32_t place, std::uint64_t lease) {
  ++found_->computed;
  put_options o;
  o.lease = lease;
  o.deadline = run_->how.deadline;
  cache_->put(
      self_, requests_[place], model_.answer(line(place)), o,
      [this](const put_result& r) {
        if (r.status == put_status::refused) ++found_->puts_refused;
        place_done();
      },
      [this](const caf::error&) {
        ++found_->puts_refused;
        place_done();
      });
}

void load_loop::place_done() {
  if (--open_ == 0) next_batch();
}

// Each distinct missing request is computed once.
void load_loop::compute_missing() {
  std::sort(missing_.begin(), missing_.end(), [this](auto a, auto b) { return lines_[a] < lines_[b]; });
  const auto same = [this](auto a, auto b) { return lines_[a] == lines_[b]; };
  missing_.erase(std::unique(missing_.begin(), missing_.end(), same), missing_.end());
  std::vector<request> requests;
  std::vector<response> made;
  for (std::uint32_t place : missing_) {
    requests.push_back(requests_[place]);
    made.push_back(model_.answer(line(place)));
  }
  found_->computed += made.size();
  put_options o;
  o.deadline = run_->how.deadline;
  cache_->put_list(
      self_, requests, made, o,
      [this](const std::vector<put_result>& stored) {
        for (const put_result& r : stored) found_->puts_refused += r.status == put_status::refused ? 1 : 0;
        next_batch();
      },
      [this](const caf::error&) {
        found_->puts_refused += missing_.size();
        next_batch();
      });
}

void load_loop::count_hit(std::uint32_t place, const answer& a) {
  operation_tally& o = of(place);
  ++o.requests;
  ++o.hits;
  ++found_->hits[static_cast<std::size_t>(a.from) % tier_count];
  if (run_->how.check && !is_right(place, a)) ++o.wrong;
  const answer_facts facts = a.facts();
  o.tokens_saved += facts.input_tokens + facts.output_tokens;
  o.model_ms_saved += facts.model_ms;
  count_latency(place, a);
}

bool load_loop::is_right(std::uint32_t place, const answer& a) {
  const response& right = model_.answer(line(place));
  return a.text() == right.text && a.model() == right.model;
}

void load_loop::count_miss(std::uint32_t place, const answer& a) {
  ++of(place).requests;
  ++of(place).misses;
  found_->miss_latency.record(count_latency(place, a));
}

void load_loop::count_error(std::uint32_t place, errc why) {
  ++of(place).requests;
  ++of(place).errors;
  ++found_->errors[static_cast<std::size_t>(why)];
  ++found_->error_times[static_cast<std::uint64_t>((clock::now() - run_->made) / tally::error_slot)];
  answer none;
  none.status = get_status::error;
  none.error = why;
  count_latency(place, none);
}

std::uint64_t load_loop::count_latency(std::uint32_t place, const answer& a) {
  const std::uint64_t ns = since_asked();
  found_->latency.record(ns);
  run_->done.fetch_add(1, std::memory_order_relaxed);
  log(place, a, ns, true);
  return ns;
}

void load_loop::log(std::uint32_t place, const answer& a, std::uint64_t nanoseconds, bool last) {
  if (!run_->how.log) return;
  found_->log.push_back({lines_[place], a.asked.code_points, nanoseconds, a.hit() ? a.facts() : answer_facts{},
                         a.status, a.from, a.error, a.is_stale(), last});
}

}  // namespace aicache::perf
