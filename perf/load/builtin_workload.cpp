#include <array>
#include <random>
#include <string>
#include <string_view>
#include <unordered_set>

#include "perf/load/workload.hpp"

namespace aicache::perf {

namespace {

using words = std::string_view;

constexpr std::array tenants = {words{"harbour"}, words{"meadow"}, words{"north"}};
constexpr std::array models = {words{"simulated-1"}, words{"simulated-1-large"}};

constexpr std::array openings = {words{"How do I "},
                                 words{"Can you tell me how to "},
                                 words{"I would like to "},
                                 words{"Is it possible to "},
                                 words{"What must I do to "},
                                 words{"My colleague asked me to "},
                                 words{"Please help me to "},
                                 words{"For two days I have tried to "},
                                 words{"Where in the app can I "},
                                 words{"Am I allowed to "},
                                 words{"Before I travel I need to "},
                                 words{"Who can "}};
constexpr std::array actions = {
    words{"change "},        words{"cancel "}, words{"return "},  words{"register "},
    words{"repair "},        words{"share "},  words{"pay for "}, words{"find out more about "},
    words{"print "},         words{"move "},   words{"connect "}, words{"get a refund for "},
    words{"get a copy of "}, words{"renew "}};
constexpr std::array objects = {
    words{"my subscription"},       words{"the invoice of last month"}, words{"a lamp with a broken switch"},
    words{"the second user"},       words{"my delivery address"},       words{"the garden sensor"},
    words{"a gift card"},           words{"the coffee grinder"},        words{"the warranty of my bicycle"},
    words{"a parcel that is late"}, words{"the heating schedule"},      words{"an order of twelve chairs"},
    words{"the spare battery"},     words{"my loyalty points"},         words{"the recipe list"},
    words{"a double payment"},      words{"the travel adapter"},        words{"the rain cover"},
    words{"our team calendar"},     words{"the language of the menu"}};
constexpr std::array endings = {words{"?"},
                                words{" without calling anybody?"},
                                words{" from my phone?"},
                                words{" before Friday?"},
                                words{", and what does it cost?"},
                                words{" if I have lost the receipt?"}};

constexpr std::array verdicts = {words{"It arrived early and does what it should. "},
                                 words{"The colour is nothing like the picture. "},
                                 words{"After a week the handle came off in my hand. "},
                                 words{"I bought a second one for my sister at once. "},
                                 words{"Quiet, light, and easy to clean. "},
                                 words{"The manual seems to belong to some other machine. "},
                                 words{"For this price I had hoped for a longer cable. "},
                                 words{"Support answered within the hour and sent a new part. "},
                                 words{"It is neither good nor bad, it simply stands there. "},
                                 words{"My cat is more useful, and she sleeps all day. "},
                                 words{"We use it every morning and would miss it. "},
                                 words{"Packed in far too much plastic. "}};

constexpr std::array notes = {
    words{"The outer shell is now made in one piece, so that rain cannot reach the seam. "},
    words{"Owners of the earlier version keep their settings when they follow the steps on page four. "},
    words{"Battery life was measured at room temperature with the lamp at half brightness. "},
    words{"A firm press of three seconds brings back the state of the first day. "},
    words{"The container holds enough for eight cups, or six of the large ones. "},
    words{"Sensors within thirty metres find each other without any help. "},
    words{"Parts that wear out can be ordered singly and changed with a coin. "},
    words{"Please do not cover the slots on the left side while it is charging. "},
    words{"The list of changes is shown once after an update and can be read again under help. "},
    words{"In houses with thick walls a second station in the hallway is worth its price. "},
    words{"All measurements stay in the house unless the owner shares them. "},
    words{"Delivery takes two to four days, on islands up to nine. "},
    words{"The hinge was opened and closed forty thousand times before it showed a mark. "},
    words{"It switches itself off when nobody has touched it for an hour. "}};

// How many distinct requests there are of each kind, and how long their texts are in bytes.
struct kind {
  words operation;
  std::size_t requests;
  std::size_t shortest;
  std::size_t longest;
};
constexpr std::array kinds = {kind{"qa", 2200, 0, 0},
                              kind{"sentiment", 900, 80, 420},
                              kind{"summarize", 500, 200, 480},
                              kind{"summarize", 260, 700, 3'500},
                              kind{"key_points", 240, 600, 2'400},
                              kind{"summarize", 40, 5'600, 9'000},
                              kind{"key_points", 20, 5'200, 7'000}};

class author {
 public:
  explicit author(std::uint64_t seed) : random_(seed) {}

  template <class List>
  words pick(const List& from) {
    return from[random_() % from.size()];
  }

  std::size_t between(std::size_t low, std::size_t high) { return low + random_() % (high - low + 1); }

  std::string question() {
    return std::string(pick(openings)).append(pick(actions)).append(pick(objects)).append(pick(endings));
  }

  template <class List>
  std::string prose(std::size_t length, const List& sentences) {
    std::string text = "About " + std::string(pick(objects)) + ". ";
    while (text.size() < length) text.append(pick(sentences));
    return text;
  }

  asked request_of(const kind& k) {
    asked a;
    a.what.tenant = pick(tenants);
    a.what.model = pick(models);
    a.what.operation = k.operation;
    if (k.operation == "qa") {
      a.what.text = question();
    } else if (k.operation == "sentiment") {
      a.what.text = prose(between(k.shortest, k.longest), verdicts);
    } else {
      a.what.text = prose(between(k.shortest, k.longest), notes);
      a.what.options = "{\"max_words\": " + std::to_string(20 * between(1, 4)) + ", \"tone\": \"plain\"}";
    }
    return a;
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace

workload builtin_workload(std::uint64_t seed) {
  author writes(seed);
  workload all;
  all.name = "builtin";
  std::unordered_set<std::uint64_t> known;
  for (const kind& k : kinds)
    for (std::size_t made = 0; made < k.requests;) {
      all.add(writes.request_of(k));
      if (known.insert(all.lines.back().fingerprint).second) {
        ++made;
      } else {
        all.lines.pop_back();
      }
    }
  return all;
}

}  // namespace aicache::perf
