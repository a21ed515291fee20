#include <algorithm>
#include <iostream>

#include "actors/app/answer_line.hpp"
#include "actors/app/data_pages.hpp"
#include "actors/app/input_lines.hpp"
#include "actors/app/node_session.hpp"
#include "actors/app/request_line.hpp"

namespace aicache::app {

namespace {

constexpr std::size_t batch_lines = 256;
constexpr std::size_t batch_bytes = std::size_t{4} << 20;
constexpr std::size_t shown_numbers = 10;

/// Takes lines until a batch is full, asks for it, writes the answers.
class line_answerer {
 public:
  line_answerer(call_kind kind, node_session& node, bool write_through)
      : kind_(kind), node_(node), write_through_(write_through) {}

  bool is_full() const noexcept { return lines_.size() >= batch_lines || bytes_ >= batch_bytes; }

  void take(std::uint64_t number, const std::string& text, const request& otherwise) {
    bytes_ += text.size();
    waiting& w = lines_.emplace_back(waiting{number, 0, {}});
    auto line = read_request_line(text, otherwise, foreign_members::refused);
    if (!line) return refuse(w, line.why().detail);
    if (kind_ == call_kind::put && !line->value) return refuse(w, "no value");
    if (line->asked.text.empty()) return refuse(w, "no text");
    w.place = asked_.size();
    asked_.push_back(line->asked);
    if (kind_ == call_kind::put)
      puts_.push_back({std::move(line->asked), line->answer(), line->ttl, std::move(line->tags), write_through_});
  }

  void pass_over(std::uint64_t number, std::string why) {
    refuse(lines_.emplace_back(waiting{number, 0, {}}), std::move(why));
  }

  /// False: the node does not answer any more.
  bool settle() {
    if (asked_.empty()) {
      write(std::vector<put_result>{}, [](auto n, const put_result& r) { return line_of(n, r); });
    } else if (kind_ == call_kind::get) {
      write(node_.cache().get(asked_), [](auto n, const answer& a) { return line_of(n, a); });
    } else if (kind_ == call_kind::put) {
      write(node_.put(puts_), [](auto n, const put_result& r) { return line_of(n, r); });
    } else {
      const bool left = kind_ == call_kind::time_left;
      write(node_.cache().by_key(kind_, asked_), [left](auto n, const key_result& r) { return line_of(n, r, left); });
    }
    lines_.clear();
    asked_.clear();
    puts_.clear();
    bytes_ = 0;
    return is_answered_;
  }

  std::uint64_t refused() const noexcept { return refused_; }
  const std::string& numbers() const noexcept { return numbers_; }

 private:
  struct waiting {
    std::uint64_t number = 0;
    std::size_t place = 0;
    std::string why;  ///< empty: it is asked
  };

  void refuse(waiting& w, std::string why) {
    w.why = std::move(why);
    count(w.number);
  }
  void count(std::uint64_t number) {
    if (++refused_ <= shown_numbers) numbers_ += (refused_ == 1 ? " " : ", ") + std::to_string(number);
    if (refused_ == shown_numbers + 1) numbers_ += ", ...";
  }

  template <class Result, class Line>
  void write(const std::vector<Result>& results, Line line) {
    for (const waiting& w : lines_) {
      if (!w.why.empty()) {
        std::cout << refusal_line(w.number, w.why);
        continue;
      }
      const Result& r = results[w.place];
      if (r.error != errc::none) count(w.number);
      is_answered_ = is_answered_ && exit_of(r.error) != exits::unreachable;
      std::cout << line(w.number, r);
    }
    std::cout << std::flush;
  }

  call_kind kind_;
  node_session& node_;
  bool write_through_;
  std::vector<waiting> lines_;
  std::vector<request> asked_;
  std::vector<wanted_put> puts_;
  std::size_t bytes_ = 0;
  std::uint64_t refused_ = 0;
  std::string numbers_;
  bool is_answered_ = true;
};

}  // namespace

page answer_lines(call_kind kind, const std::string& node, const request_arguments& asked, bool write_through) {
  const auto lines = input_lines::open("-");
  if (!lines) return complaint_of(exits::asked_wrongly, lines.why().detail);
  const auto session = node_session::open(node);
  if (!session) return complaint_of(session.why());
  line_answerer answerer(kind, **session, write_through);
  page out;
  out.is_written = true;
  std::string text;
  for (;;) {
    const auto more = (*lines)->next(text);
    const bool is_line = more && *more;
    const std::uint64_t number = (*lines)->number();
    if (is_line && (*lines)->is_too_long()) {
      answerer.pass_over(number, "too long");
    } else if (is_line && text.find_first_not_of(" \t\r") != std::string::npos) {
      answerer.take(number, text, asked.given);
    }
    if (is_line && !answerer.is_full() && !(*lines)->would_wait()) continue;
    if (!answerer.settle()) {
      out.exit_code = exits::unreachable;
      out.complaint = "the node does not answer any more; nothing was done after line " + std::to_string(number);
      return out;
    }
    if (is_line) continue;
    if (!more) out.complaint = more.why().detail;
    break;
  }
  if (answerer.refused() > 0)
    out.complaint += (out.complaint.empty() ? "" : "; ") + std::string("lines not taken: ") +
                     std::to_string(answerer.refused()) + ", number" + answerer.numbers();
  if (!out.complaint.empty()) out.exit_code = exits::not_found;
  return out;
}

}  // namespace aicache::app
