#include "engine/answers/answer_gate.hpp"

namespace aicache {

answer_gate::verdict answer_gate::judge(finish_reason how, std::string_view text) const noexcept {
  if (how == finish_reason::failed) return {errc::compute_failed, false};
  if (how == finish_reason::cancelled) return {errc::answer_cancelled, false};
  if (!store_empty && text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos)
    return {errc::answer_empty, false};
  switch (how) {
    case finish_reason::length: return store_truncated ? verdict{} : verdict{errc::answer_truncated, share_unstored};
    case finish_reason::content_filter:
      return store_filtered ? verdict{} : verdict{errc::answer_filtered, share_unstored};
    // Nothing is missing from it, so it is good for those who asked at the same time.
    case finish_reason::tool_calls: return store_tool_calls ? verdict{} : verdict{errc::answer_not_kept, true};
    case finish_reason::other: return store_unknown ? verdict{} : verdict{errc::answer_not_kept, share_unstored};
    case finish_reason::unstated:
    case finish_reason::stop:
    case finish_reason::cancelled:
    case finish_reason::failed: break;
  }
  return {};
}

}  // namespace aicache
