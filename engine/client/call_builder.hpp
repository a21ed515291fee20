#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/client/client_core.hpp"
#include "engine/identity/identify.hpp"
#include "engine/types.hpp"

namespace aicache {

/// From how many code points on a text is medium, large, extra-large.
struct text_bounds {
  std::uint32_t small = 500;
  std::uint32_t medium = 5'000;
  std::uint32_t large = 50'000;

  text_tier tier_of(std::uint32_t code_points) const noexcept {
    if (code_points < small) return text_tier::small;
    if (code_points < medium) return text_tier::medium;
    return code_points < large ? text_tier::large : text_tier::xlarge;
  }
};

/// Makes a call out of requests, in the thread of the caller.
///
/// Owner      one thread, for one call
/// Fails      a request that breaks a rule stays out of the call; its place in the answers is known by `place`
/// Invariant  every request added has either an item in the call or an error
class call_builder {
 public:
  /// Where the answer to a request will stand in the call, or why the request was not taken.
  struct place {
    std::uint32_t item = 0;
    errc error = errc::none;
  };

  call_builder(call_kind kind, identifier& names, text_bounds bounds, duration deadline);

  void get(const request& r, bool lease);
  /// What a put asks for beside its answer.
  struct put_wishes {
    std::int64_t ttl_ms = own_lifetime;
    std::uint64_t lease = 0;
    bool write_through = false;
    std::span<const std::string> tags = {};
  };
  void put(const request& r, blob_ref value, const put_wishes& wishes);
  /// erase, exists, time_left, touch, release.
  void key(const request& r, std::int64_t argument = own_lifetime);

  /// The same for entries that their caller names itself.
  void get(std::string_view tenant, std::string_view key);
  void put(std::string_view tenant, std::string_view key, blob_ref value, const put_wishes& wishes);
  void key(std::string_view tenant, std::string_view key, std::int64_t argument = own_lifetime);

  /// A request that the caller itself found wanting.
  void refuse(errc why) { places_.push_back({0, why}); }

  const std::vector<place>& places() const noexcept { return places_; }
  /// The call; its identities took so long.
  std::shared_ptr<call> take(std::uint64_t nanoseconds = 0);

 private:
  bool identify(const request& r, identified& who);
  bool identify(std::string_view tenant, std::string_view key, identified& who);
  bool take(const outcome<identified>& done, identified& who);
  void put(const identified& who, std::string_view tenant, std::string_view operation, blob_ref value,
           const put_wishes& wishes, std::vector<std::uint64_t> tags);
  static std::uint16_t number_of(std::vector<std::string>& list, std::string_view name);

  std::shared_ptr<call> call_;
  std::shared_ptr<name_lists> lists_;
  identifier& identifier_;
  text_bounds bounds_;
  std::vector<place> places_;
};

}  // namespace aicache
