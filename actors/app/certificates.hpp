#pragma once

#include <string>

#include "config/advice.hpp"

namespace aicache::app {

/// A certificate of our own, which is the first of its file, and whether it fits the key of the other file, whose pass
/// phrase a third one may hold.
config::found_certificate look_at_certificate(const std::string& file, const std::string& key_file,
                                              const std::string& passphrase_file = {});

/// The authorities of a file, of which one that is valid is enough.
config::found_certificate look_at_certificates(const std::string& file);

}  // namespace aicache::app
