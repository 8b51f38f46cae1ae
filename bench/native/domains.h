// SPDX-License-Identifier: MPL-2.0
// Domain names as block lists have them, always the same for the same seed: half of two labels, most others
// of three; names of one domain come in groups; lengths and top-level domains as they are found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace nnoe::bench {

class Domains {
 public:
  explicit Domains(uint64_t seed) : seed_(seed) {}

  // A registered domain, in wire form: `example.com`, `example.co.uk`. Different for every number below 2^40.
  std::string domain(uint64_t number) const {
    uint64_t bits = mix(seed_ ^ number * 2);
    std::string label = word(bits, number);
    return wire(label) + top(mix(bits));
  }
  // Entry `number` of a list, in wire form.
  std::string entry(uint64_t number) const {
    // Numbers in groups of 8 share a domain, when they have one more label at all.
    const uint64_t bits = mix(seed_ ^ (number * 2 + 1));
    if (bits % 100 < 45) return domain(number);
    std::string name = wire(host(bits >> 8, number)) + domain(number / 8 * 8 + (bits >> 16) % 3);
    if (bits % 100 >= 90) name = wire(host(bits >> 24, number)) + name;
    return name;
  }
  // Something that people ask for below a domain: three labels and more, the domain's included.
  std::string below(const std::string& domain, uint64_t number) const {
    static const char* const kUsual[] = {"www", "api", "cdn", "mail", "static", "img"};
    return wire(kUsual[mix(seed_ ^ number) % 6]) + domain;
  }
  // Lists of an entry, 1 to 3 of 12; lists 0 to 2 have most.
  uint32_t lists(uint64_t number) const {
    const uint64_t bits = mix(seed_ ^ 0x11575 ^ number * 4);
    uint32_t mask = 1u << (bits % 10 < 7 ? bits / 16 % 3 : bits / 16 % 12);
    if (bits >> 32 & 1) mask |= 1u << (bits / 256 % 12);
    if ((bits >> 33 & 7) == 0) mask |= 1u << (bits / 4096 % 12);
    return mask;
  }
  bool exact(uint64_t number) const { return mix(seed_ ^ 0xe8ac7 ^ number) % 8 == 0; }

  static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

 private:
  static std::string wire(const std::string& label) { return static_cast<char>(label.size()) + label; }

  // Syllables, then what makes it different from every other number.
  static std::string word(uint64_t bits, uint64_t number) {
    static const char* const kParts[] = {"ad", "tra", "ck",    "me",   "dia",  "shop", "net", "er",
                                         "in", "on",  "go",    "play", "best", "ly",   "x",   "st",
                                         "al", "ma",  "cloud", "fy",   "web",  "so"};
    std::string label;
    for (uint64_t left = 1 + bits % 3; left > 0; --left, bits /= 22) label += kParts[(bits >> 4) % 22];
    static const char kDigits[] = "etaoinsrhldcumfpgwybvkxjqz013579";
    for (uint64_t rest = number; rest > 0; rest /= 32) label += kDigits[rest % 32];
    return label;
  }
  static std::string host(uint64_t bits, uint64_t number) {
    static const char* const kUsual[] = {"www", "ads", "track", "pixel", "metrics", "s", "cdn", "click"};
    const uint64_t kind = bits % 16;
    if (kind < 8) return std::string(kUsual[kind]) + static_cast<char>('a' + number % 8);
    return word(bits >> 4, number % 4096 + 1);
  }
  static std::string top(uint64_t bits) {
    static const char* const kTops[] = {"com",  "com",  "com", "com", "com", "com", "net",  "net",
                                        "org",  "info", "ru",  "de",  "xyz", "top", "site", "online",
                                        "club", "io",   "cn",  "fr",  "pl",  "br"};
    std::string name;
    const uint64_t kind = bits % 24;
    if (kind == 22) name = wire("co") + wire("uk");
    if (kind == 23) name = wire("com") + wire("br");
    if (kind < 22) name = wire(kTops[kind]);
    return name + '\0';
  }

  uint64_t seed_;
};

}  // namespace nnoe::bench
