#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/app/input_lines.hpp"
#include "actors/app/node_session.hpp"
#include "actors/app/transfer_state.hpp"
#include "engine/legacy/export_line.hpp"

namespace aicache::app {

/// Takes the answers of an export into a node, each for what is left of its life.
///
/// Shape      in batches; after each the state is handed on, and what it says is settled is read again but not sent
/// Owner      one thread
/// Fails      unavailable: the node, which was asked again for a while; corrupt when the file cannot be read to its end
/// Invariant  every line counts once, whatever becomes of it; to import a file twice changes nothing
class cache_import {
 public:
  struct options {
    import_rules rules;
    std::string state;  ///< empty: none
    std::function<void(double share, std::uint64_t lines)> on_progress;
  };

  cache_import(options o, node_session& node, transfer_state begin);

  outcome<void> run(input_lines& lines);

  const transfer_state& state() const noexcept { return settled_; }

 private:
  void take(const std::string& line, const input_lines& from);
  void malformed(std::string why);
  outcome<void> settle(double share);
  outcome<import_reply> send();

  options options_;
  node_session& node_;
  transfer_state settled_;
  transfer_state next_;
  transfer_page page_;
  std::shared_ptr<name_lists> names_;
  std::unordered_map<std::string, std::uint16_t> operations_;  // places in names_
  std::unordered_map<std::string, std::uint16_t> tenants_;
  std::size_t bytes_ = 0;
};

}  // namespace aicache::app
