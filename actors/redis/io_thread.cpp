#include "actors/redis/io_thread.hpp"

#include <pthread.h>

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

namespace aicache {

io_thread::io_thread(const char* name) : context_(std::make_shared<asio::io_context>(1)) {
  thread_ = std::thread([context = context_, name] {
    pthread_setname_np(pthread_self(), name);
    const auto guard = asio::make_work_guard(*context);
    context->run();
  });
}

io_thread::~io_thread() {
  asio::post(*context_, [context = context_.get()] { context->stop(); });
  // An actor whose last message comes from this very thread may die on it, and be its last owner.
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

}  // namespace aicache
