#include "actors/redis/reply_reader.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace aicache {

namespace {
constexpr int usual_batch = 64;
}  // namespace

/// What hiredis calls for each part of a reply. A part lies in its parent's elements, which grow only when the part and
/// everything in it is complete, so that no address is held across a move.
struct reply_builder {
  template <class Fill>
  static void* add(const redisReadTask* task, Fill&& fill) noexcept {
    auto& owner = *static_cast<reply_reader*>(task->privdata);
    if (++owner.parts_ > reply_reader::most_parts) return nullptr;
    // An exception must not pass through C; null means to hiredis that there is no memory.
    try {
      if (task->parent == nullptr) {
        owner.root_ = redis_reply{};
        fill(owner.root_);
        return &owner.root_;
      }
      redis_reply& part = static_cast<redis_reply*>(task->parent->obj)->elements.emplace_back();
      fill(part);
      return &part;
    } catch (const std::exception&) {
      return nullptr;
    }
  }

  static void* text(const redisReadTask* task, char* bytes, std::size_t size) noexcept {
    return add(task, [&](redis_reply& r) {
      r.what = task->type == REDIS_REPLY_STATUS  ? redis_reply::kind::status
               : task->type == REDIS_REPLY_ERROR ? redis_reply::kind::error
                                                 : redis_reply::kind::bulk;
      r.text.assign(bytes, size);
    });
  }
  // Room for a whole batch beforehand, but no more than that on the server's word, and once a reply.
  static void* array(const redisReadTask* task, int size) noexcept {
    return add(task, [&](redis_reply& r) {
      r.what = redis_reply::kind::array;
      if (task->parent == nullptr) r.elements.reserve(static_cast<std::size_t>(std::clamp(size, 0, usual_batch)));
    });
  }
  static void* integer(const redisReadTask* task, long long value) noexcept {
    return add(task, [&](redis_reply& r) {
      r.what = redis_reply::kind::integer;
      r.integer = value;
    });
  }
  static void* nil(const redisReadTask* task) noexcept {
    return add(task, [](redis_reply&) {});
  }
};

namespace {

redisReplyObjectFunctions* builder_functions() noexcept {
  static redisReplyObjectFunctions functions = [] {
    redisReplyObjectFunctions f{};
    f.createString = reply_builder::text;
    f.createArray = reply_builder::array;
    f.createInteger = reply_builder::integer;
    f.createNil = reply_builder::nil;
    f.freeObject = [](void*) {};  // everything belongs to the reply_reader
    return f;
  }();
  return &functions;
}

}  // namespace

reply_reader::reply_reader(std::size_t reply_bytes)
    : reply_bytes_(reply_bytes), reader_(redisReaderCreateWithFunctions(builder_functions())) {
  if (reader_ == nullptr) {
    why_ = "there is no memory to parse replies";
    return;
  }
  reader_->privdata = this;
}

reply_reader::~reply_reader() {
  if (reader_ != nullptr) redisReaderFree(reader_);
}

reply_reader::progress reply_reader::broken(std::string_view why) noexcept {
  why_ = why;
  return progress::broken;
}

void reply_reader::feed(std::string_view bytes) {
  if (!why_.empty()) return;
  unparsed_ += bytes.size();
  if (redisReaderFeed(reader_, bytes.data(), bytes.size()) != REDIS_OK) why_ = "there is no memory for a reply";
}

reply_reader::progress reply_reader::next(redis_reply& out) {
  if (!why_.empty()) return progress::broken;
  void* whole = nullptr;
  if (redisReaderGetReply(reader_, &whole) != REDIS_OK) {
    return broken(parts_ > most_parts ? "a reply has too many parts" : "the server sent what is no reply");
  }
  if (whole == nullptr) {
    if (unparsed_ > reply_bytes_) return broken("a reply is too long");
    return progress::more;
  }
  out = std::exchange(root_, redis_reply{});
  parts_ = 0;
  unparsed_ = 0;
  return progress::reply;
}

}  // namespace aicache
