#pragma once

namespace aicache {

/// Lambdas as one visitor: a new alternative of a variant breaks the build where it is not handled.
template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

}  // namespace aicache
