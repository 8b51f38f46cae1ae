// SPDX-License-Identifier: MPL-2.0
// verdict_tool DIRECTORY open|closed: what a bridge says by the tables of a directory. Answers each line
// `CLIENT NAME` (`.` is the root) on standard input with `ACT REASON GENERATION`, as in verdict.h.
#include <cstdio>
#include <iostream>

#include "dnsdist-bridge/query.h"
#include "shm/tables/test/small_tables.h"

int main(int count, char** arguments) {
  if (count != 3) return 2;
  nnoe::bridge::Options options;
  options.directory = arguments[1];
  options.fail_closed = std::string(arguments[2]) == "closed";
  std::string why;
  const auto runtime = nnoe::bridge::Runtime::start(options, why);
  if (!runtime) return 1;
  static const char* const acts[] = {"allow",  "drop",     "nxdomain", "refused",
                                     "nodata", "truncate", "redirect", "pool"};
  static const char* const reasons[] = {"no-tables", "allow-list", "block-list",    "policy",   "no-policy",
                                        "unplanned", "fallback",   "fallback-miss", "malformed"};
  for (std::string client, name; std::cin >> client >> name;) {
    const nnoe::test::Asked asked(client, name == "." ? "" : name);
    const nnoe::bridge::Runtime::Query query(*runtime, asked.question());
    const nnoe::tables::Verdict verdict = query.verdict().unpacked(query.generation());
    std::printf("%s %s %llu\n", acts[static_cast<size_t>(verdict.act)],
                reasons[static_cast<size_t>(verdict.reason)],
                static_cast<unsigned long long>(verdict.generation));
    std::fflush(stdout);
  }
  return 0;
}
