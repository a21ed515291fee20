#include <cstdio>

#include "engine/identity/identify.hpp"

// Uses what needs the engine's own libraries at link time: OpenSSL for the digest, utf8proc for the text.
int main() {
  aicache::identifier identifier({.unicode_nfc = true});
  aicache::request asked{"acme", "m-1", "summarize", "caf\u00e9", R"({"n":1,"t":0.50})", ""};
  auto first = identifier.identify(asked);
  asked.text = "cafe\u0301";
  asked.options = R"({ "t": 0.5, "n": 1.0 })";
  auto second = identifier.identify(asked);
  if (!first || !second || !(first->id == second->id)) {
    std::puts("one request spelled in two ways has two identities");
    return 1;
  }
  std::puts(first->id.hex().c_str());
  return 0;
}
