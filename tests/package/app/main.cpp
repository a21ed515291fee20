#include <aicache.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace {

// The lines up to the next mark stand in README.md as well.
// [example]
// Asks one question. The model is asked only if nobody has the answer and nobody else is getting it just now.
void asker(caf::event_based_actor* self, aicache::client cache, aicache::request question) {
  cache.get_or_compute(
      self, question,
      [](auto finish) {
        // Call the model here; finish may also be called later, or with a fault. Text, model, tokens in and out, ms.
        finish(aicache::response{"Forty-two.", "model-1", 12, 3, 900});
      },
      [](aicache::answer a) {
        if (a) std::printf("%s: %.*s\n", a.hit() ? "remembered" : "computed", int(a.text().size()), a.text().data());
        if (!a) std::printf("no answer: %s\n", aicache::describe(a.error));
      },
      [](const caf::error&) { std::puts("the cache is gone"); });
}

int ask_twice(caf::actor_system& system, const aicache::client& cache) {
  const aicache::request question{"acme", "model-1", "qa", "What is the answer?", R"({"temperature": 0})", ""};
  caf::scoped_actor self{system};
  self->wait_for(self->spawn(asker, cache, question));
  self->wait_for(self->spawn(asker, cache, question));
  return cache.get(question).hit() ? 0 : 1;  // the same for plain threads: it blocks
}
// [/example]

// The lines up to the next mark stand in actors/README.md as well.
// [guide]
// A cache in this process: memory only, as the settings are. It must be stopped before the actor system ends.
int with_a_cache_of_its_own() {
  const aicache::config::settings settings;
  aicache::system_config config(settings);
  caf::actor_system system{config};
  const auto node = aicache::start_node(system, settings);
  if (!node) return 1;
  int code = 1;
  if (const auto cache = aicache::client::attach(system, *node)) code = ask_twice(system, *cache);
  aicache::stop_node(system, *node, settings.node.drain_timeout);
  return code;
}

// Nodes elsewhere: members of one cluster, or nodes that share a Redis.
int with_the_nodes_at(const std::vector<std::string>& addresses) {
  aicache::system_config config({}, aicache::system_config::network::on);
  caf::actor_system system{config};
  const auto cache = aicache::client::connect(system, addresses);
  if (!cache) {
    std::puts(cache.why().detail.c_str());
    return 1;
  }
  return ask_twice(system, *cache);
}
// [/guide]

}  // namespace

// Usage: app [HOST:PORT...]
int main(int argc, char** argv) {
  if (argc == 1) return with_a_cache_of_its_own();
  return with_the_nodes_at({argv + 1, argv + argc});
}
