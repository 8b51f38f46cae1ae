// SPDX-License-Identifier: MPL-2.0
// fuzz_lists_cases [COUNT [SEED]]: the fuzzer's function over files that are put together of pieces of real
// rows; always the same cases for the same arguments.
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "shm/test/fuzz_journal.h"

namespace {

const std::vector<std::string> kPieces = {"0.0.0.0 ", "||",        "^",           "@@",
                                          "$",        "address=/", "server=/",    "/",
                                          "example",  ".",         "com",         "\n",
                                          "\r\n",     " ",         "\t",          "#",
                                          ";",        "(",         ")",           "\"",
                                          "\\",       "\\046",     "*.",          "@ SOA ",
                                          "CNAME .",  "$ORIGIN ",  "$TTL 1",      "rpz-passthru.",
                                          "xn--",     "b\xc3\xbc", "\xff",        "https://",
                                          ":80",      "::1",       "IN ",         std::string("\0", 1),
                                          "a-b_c",    "rpz-ip",    "third-party", "127.0.0.1"};

std::string file(std::mt19937_64& random) {
  std::string text(1, static_cast<char>(random()));
  for (size_t parts = random() % 60; parts > 0; --parts) {
    text += random() % 20 == 0 ? std::string(random() % 300, static_cast<char>(random()))
                               : kPieces[random() % kPieces.size()];
  }
  return text;
}

}  // namespace

int main(int count, char** words) {
  const uint64_t cases = count > 1 ? std::strtoull(words[1], nullptr, 10) : 20000;
  std::mt19937_64 random(count > 2 ? std::strtoull(words[2], nullptr, 10) : 1);
  for (uint64_t i = 0; i < cases; ++i) {
    const std::string text = file(random);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
  std::printf("%llu files\n", static_cast<unsigned long long>(cases));
  return 0;
}
