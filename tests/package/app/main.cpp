#include <aicache.hpp>

#include <cstdio>
#include <string>
#include <string_view>

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

int with_the_node_at(std::string_view address) {
  aicache::system_config config({}, aicache::system_config::network::on);
  caf::actor_system system{config};
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos) return 2;
  const auto port = static_cast<std::uint16_t>(std::stoi(std::string(address.substr(colon + 1))));
  const auto cache = aicache::client::connect(system, std::string(address.substr(0, colon)), port);
  if (!cache) {
    std::puts(cache.why().detail.c_str());
    return 1;
  }
  return ask_twice(system, *cache);
}

}  // namespace

// Usage: app [--node HOST:PORT]
int main(int argc, char** argv) {
  if (argc == 1) return with_a_cache_of_its_own();
  if (argc == 3 && std::string_view(argv[1]) == "--node") return with_the_node_at(argv[2]);
  return 2;
}
