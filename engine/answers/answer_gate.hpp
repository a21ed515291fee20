#pragma once

#include <string_view>

#include "engine/answers/finish_reason.hpp"
#include "engine/outcome.hpp"

namespace aicache {

/// Which answers may be kept: what is empty, cut off, withheld, given up or failed would be served again for as long as
/// it lives, to people who could have had a good answer.
///
/// Shape      finish reason and text -> stored, or why not and whether who waits for it may have it all the same
/// Owner      anyone; a plain value
/// Fails      answer_empty, answer_truncated, answer_filtered, answer_not_kept, answer_cancelled, compute_failed; the
///            last two under every setting
/// Cost       O(1) but for a text of blanks, which is looked through
struct answer_gate {
  bool store_empty = false;      ///< answers without a text, or of blanks alone
  bool store_truncated = false;  ///< answers that ended at a limit of tokens
  bool store_filtered = false;   ///< answers that a filter cut off or withheld
  bool store_tool_calls = true;  ///< answers that ask for tools to be called
  bool store_unknown = false;    ///< answers that ended in a way that is not known here
  bool share_unstored = false;   ///< who waits gets what is cut off, filtered or unknown, and does not compute in turn

  struct verdict {
    errc why = errc::none;  ///< none: it is stored
    bool shared = true;     ///< whoever waits for it gets it

    friend bool operator==(const verdict&, const verdict&) = default;
  };

  verdict judge(finish_reason how, std::string_view text) const noexcept;
};

}  // namespace aicache
