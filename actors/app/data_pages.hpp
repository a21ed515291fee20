#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "actors/app/page.hpp"
#include "actors/app/request_arguments.hpp"
#include "actors/client.hpp"

namespace aicache::app {

/// How an answer is given on the command line.
struct answer_arguments {
  response given;
  std::string value_file;  ///< "-" is standard input
  bool has_value = false;
  std::string ttl;  ///< empty: as long as answers of the operation live
  std::vector<std::string> tags;
  bool write_through = false;
};

/// How results look; `left` is asked for what is still to live, if that is told.
page page_of(const answer& a, bool with_facts, const std::function<key_result()>& left);
page page_of(const put_result& done, bool write_through);
/// call_kind::erase, exists, time_left or touch.
page page_of(call_kind kind, const key_result& done);
/// The time to live that is written so; what is wrong with it in `refusal`.
std::optional<duration> time_in(const std::string& text, page& refusal);

/// What is done with answers, one request at a time.
///
/// Fails      with exit code 1 for what is not there, 2 for what is no request, 3 without a node
page get_page(const std::string& node, const request_arguments& asked, bool with_facts);
page put_page(const std::string& node, const request_arguments& asked, const answer_arguments& with);
page touch_page(const std::string& node, const request_arguments& asked, const std::string& ttl);
/// call_kind::erase, exists or time_left.
page key_page(call_kind kind, const std::string& node, const request_arguments& asked);

/// The same for as many requests as standard input has lines of JSON, in batches; the answers go to standard output, a
/// line each, in the order of the requests. call_kind::get, put, erase, exists or time_left. Requests take from `asked`
/// what they do not say; `write_through` is for puts.
///
/// Fails      lines that are no request are answered as refused, and told at the end; with exit code 3, and no answer for
///            the rest, when the node does not answer any more
page answer_lines(call_kind kind, const std::string& node, const request_arguments& asked, bool write_through);

}  // namespace aicache::app
