#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/aicached_process.hpp"
#include "tests/support/http_caller.hpp"
#include "tests/support/redis_server.hpp"

namespace aicache::test {

inline std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A real Prometheus of the test's own, on a free loopback port and in a folder of its own, that looks once a second. It
/// has the shipped alerts, but waits for a second where they wait for minutes.
class prometheus_server {
 public:
  static constexpr const char* path = "/usr/bin/prometheus";
  static bool is_installed() { return std::filesystem::exists(path); }

  /// What is shipped, with every pause before an alert speaks made short; expressions stay as they are.
  static std::string quick_alerts() {
    return std::regex_replace(text_of_file(AICACHE_SOURCE_DIR "/deploy/alerts.yml"), std::regex("for: [0-9]+m"),
                              "for: 1s");
  }

  explicit prometheus_server(const std::vector<std::uint16_t>& nodes) : port_(free_port()) {
    std::ofstream(folder_.path() / "alerts.yml") << quick_alerts();
    std::ofstream config(folder_.path() / "prometheus.yml");
    config << "global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }\n"
              "rule_files: [alerts.yml]\n"
              "scrape_configs: [{ job_name: aicache, static_configs: [{ targets: [";
    for (std::size_t i = 0; i < nodes.size(); ++i) config << (i > 0 ? ", " : "") << "'127.0.0.1:" << nodes[i] << "'";
    config << "] }] }]\n";
    config.close();
    const std::string at = folder_.path().string();
    process_ = std::make_unique<program>(
        std::vector<std::string>{path, "--config.file=" + at + "/prometheus.yml", "--storage.tsdb.path=" + at + "/data",
                                 "--web.listen-address=127.0.0.1:" + std::to_string(port_), "--log.level=warn"});
    if (!eventually([&] { return is_ready(); }, std::chrono::seconds{30}))
      throw std::runtime_error("a Prometheus that is not ready: " + process_->errors_so_far());
  }

  /// The value of each series that an expression gives, by its labels as JSON without those of the scrape.
  std::map<std::string, double> values(const std::string& expression) {
    std::map<std::string, double> all;
    const nlohmann::json said = ask("/api/v1/query?query=" + escaped(expression));
    for (const auto& one : said.at("result")) {
      auto labels = one.at("metric");
      for (const char* of_scrape : {"__name__", "job", "instance"}) labels.erase(of_scrape);
      all[labels.dump()] = std::stod(one.at("value").at(1).get<std::string>());
    }
    return all;
  }
  /// The one value of an expression; below zero when there is none.
  double value(const std::string& expression) {
    const auto all = values(expression);
    return all.size() == 1 ? all.begin()->second : -1;
  }

  /// Whether an alert speaks.
  bool fires(const std::string& alert) {
    const nlohmann::json said = ask("/api/v1/alerts");
    for (const auto& a : said.at("alerts"))
      if (a.at("state") == "firing" && a.at("labels").at("alertname") == alert) return true;
    return false;
  }

 private:
  // In the old version of HTTP, so that answers come in one piece.
  std::string get(const std::string& target) const {
    http_connection c(port_);
    c.send("GET " + target + " HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
    const std::string all = c.rest();
    const auto end = all.find("\r\n\r\n");
    return end == std::string::npos || all.find(" 200 ") > 20 ? "" : all.substr(end + 4);
  }
  bool is_ready() const {
    try {
      return !get("/-/ready").empty();
    } catch (const std::exception&) {
      return false;
    }
  }
  nlohmann::json ask(const std::string& target) const { return nlohmann::json::parse(get(target)).at("data"); }
  static std::string escaped(const std::string& text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (std::isalnum(byte) != 0) {
        out += c;
      } else {
        out += {'%', digits[byte >> 4], digits[byte & 15]};
      }
    }
    return out;
  }

  scratch_folder folder_;
  std::uint16_t port_;
  std::unique_ptr<program> process_;
};

}  // namespace aicache::test
