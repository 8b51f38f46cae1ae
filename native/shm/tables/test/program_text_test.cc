// SPDX-License-Identifier: MPL-2.0
#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <random>

#include "shm/tables/test/program_make.h"

using namespace nnoe::tables;

namespace {

std::string text_of(std::string name) {
  const size_t size = name.size();
  name.resize(size + kBodySlack, 'x');
  char text[kNameTextBytes + kBodySlack];
  return {text, name_text(reinterpret_cast<const uint8_t*>(name.data()), size, text)};
}

std::string client_of(const std::string& bytes) {
  char text[kClientTextBytes];
  return {text, client_text(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), text)};
}

std::string bytes_of(const char* text) {
  char bytes[16];
  if (inet_pton(AF_INET, text, bytes) == 1) return {bytes, 4};
  REQUIRE(inet_pton(AF_INET6, text, bytes) == 1);
  return {bytes, 16};
}

}  // namespace

TEST_CASE("a name's text is its presentation format without the final dot") {
  CHECK(text_of(test::wire("www.example")) == "www.example");
  CHECK(text_of(std::string(1, '\0')).empty());
  CHECK(text_of(std::string("\3a.b\0", 5)) == "a\\.b");
  CHECK(text_of(std::string("\7\"$();@\\\0", 9)) == "\\\"\\$\\(\\)\\;\\@\\\\");
  CHECK(text_of(std::string("\4\0 \x7f\xff\0", 6)) == "\\000\\032\\127\\255");
  CHECK(text_of(std::string("\2!~\0", 4)) == "!~");
}

TEST_CASE("the longest text fits") {
  std::string name;
  for (int i = 0; i < 3; ++i) name += '\x3f' + std::string(63, '\xff');
  name += '\x3d' + std::string(61, '\xff') + std::string(1, '\0');
  REQUIRE(name.size() == kMaxName);
  CHECK(text_of(name).size() == 1003);
  std::string deep;
  for (int i = 0; i < 127; ++i) deep += "\1a";
  CHECK(text_of(deep + std::string(1, '\0')).size() == 253);
}

TEST_CASE("a client's text is dotted decimal or RFC 5952") {
  for (const char* text : {"0.0.0.0", "255.255.255.255", "192.0.2.1", "10.20.100.9", "::", "::1",
                           "1::", "2001:db8::1", "2001:db8::1:0:0:1", "2001:0:0:1::1", "2001:db8:0:1:1:1:1:1",
                           "fe80::abcd:ef01:2345:6789", "64:ff9b::102:304", "1:2:3:4:5:6:7:0",
                           "0:1:2:3:4:5:6:7", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    CHECK(client_of(bytes_of(text)) == text);
  }
  CHECK(client_of(bytes_of("::ffff:192.0.2.1")) == "192.0.2.1");
  CHECK(client_of("abc").empty());
}

TEST_CASE("whole vectors and single bytes make the same text") {
  std::mt19937_64 random(7);
  static constexpr char kBytes[] = "abcxyz0123456789-_/.*!@A\0\xff ~";
  size_t escaped = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string name;
    std::string expected;
    const bool nice = random() % 2 == 0;
    while (random() % 5 != 0 || name.empty()) {
      const size_t label = 1 + random() % (random() % 8 == 0 ? 63 : 9);
      if (name.size() + label + 2 > kMaxName) break;
      if (!name.empty()) expected += '.';
      name += static_cast<char>(label);
      for (size_t i = 0; i < label; ++i) {
        const char byte = kBytes[random() % (nice ? 19 : sizeof kBytes - 1)];
        name += byte;
        char decimal[5];
        std::snprintf(decimal, sizeof decimal, "\\%03u", static_cast<unsigned>(static_cast<uint8_t>(byte)));
        if (byte == '.' || byte == '@') {
          expected += '\\';
          expected += byte;
        } else if (byte < '!' || byte > '~') {
          expected += decimal;
        } else {
          expected += byte;
        }
      }
    }
    escaped += expected.find('\\') == std::string::npos ? 0 : 1;
    // What lies behind the name is anything.
    uint8_t padded[kMaxName + kBodySlack];
    for (uint8_t& byte : padded) byte = static_cast<uint8_t>(random());
    name += std::string(1, '\0');
    std::copy(name.begin(), name.end(), padded);
    char text[kNameTextBytes + kBodySlack];
    REQUIRE(std::string(text, name_text(padded, name.size(), text)) == expected);
  }
  CHECK(escaped > 1000);
}
