#include "actors/redis/io_thread.hpp"

#include <pthread.h>

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

namespace aicache {

namespace {

// Who waits this long for its turn again has been in somebody's way.
constexpr std::chrono::microseconds disturbing{20};

std::chrono::nanoseconds elapsed() noexcept { return std::chrono::steady_clock::now().time_since_epoch(); }

}  // namespace

io_thread::io_thread(const char* name, std::chrono::microseconds look) : turn_(std::make_shared<turn>(look)) {
  thread_ = std::thread([turn = turn_, name] {
    pthread_setname_np(pthread_self(), name);
    turn->run();
  });
}

io_thread::~io_thread() {
  asio::post(turn_->context, [turn = turn_.get()] { turn->context.stop(); });
  // An actor whose last message comes from this very thread may die on it, and be its last owner.
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void io_thread::expect(vigil::event what) noexcept { turn_->watch.expect(what, elapsed()); }

void io_thread::turn::run() {
  const auto guard = asio::make_work_guard(context);
  while (context.run_one() > 0) {
    context.poll();
    while (!context.stopped() && watch.lasts(elapsed())) {
      if (context.poll() > 0) continue;
      const std::chrono::nanoseconds before = elapsed();
      std::this_thread::yield();
      if (elapsed() - before > disturbing) watch.disturbed();
    }
  }
}

}  // namespace aicache
