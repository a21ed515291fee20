#pragma once

/// Everything that an application needs, in one include.

// Requests and answers, and the client for plain threads and for actors.
#include "actors/client.hpp"
#include "actors/generic_store.hpp"

// A node in the application's own process.
#include "actors/node.hpp"

// Settings from files, environment and command lines.
#include "config/settings.hpp"
#include "config/sources.hpp"

// Messages, for the actor system's configuration and for those who speak the protocol themselves.
#include "messages/registry.hpp"

// The version: AICACHE_VERSION and its parts.
#include "config/version.hpp"
