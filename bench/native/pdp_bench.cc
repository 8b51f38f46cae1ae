// SPDX-License-Identifier: MPL-2.0
// pdp_bench LIBRARY DIRECTORY DECISIONS QUESTIONS COUNT
//   QUESTIONS is a file of lines: address and name in hexadecimal, type. Each is asked once, then all of them
//   in turn, COUNT together. Prints {"rate"}, verdicts a second of processor time, then one line for each
//   question: the verdict's act, reason, and number of its action.
#include <time.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>
#include <vector>

#include "bridge_library.h"

namespace {

using nnoe::bench::Bridge;

// All of it side by side, as a server has a packet.
struct alignas(64) Question {
  uint8_t address[4];
  uint16_t type;
  uint8_t name_bytes;
  uint8_t name[121];
};
static_assert(sizeof(Question) == 128);

std::vector<uint8_t> bytes_of(const std::string& hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::vector<Question> read_questions(const char* path) {
  std::vector<Question> questions;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string address;
    std::string name;
    unsigned type = 0;
    if (!(words >> address >> name >> type)) continue;
    Question question{};
    const std::vector<uint8_t> client = bytes_of(address);
    const std::vector<uint8_t> wire = bytes_of(name);
    if (client.size() != sizeof question.address || wire.size() > sizeof question.name) return {};
    std::copy(client.begin(), client.end(), question.address);
    std::copy(wire.begin(), wire.end(), question.name);
    question.name_bytes = static_cast<uint8_t>(wire.size());
    question.type = static_cast<uint16_t>(type);
    questions.push_back(question);
  }
  return questions;
}

// Of this thread, s: what others on the machine do is not ours.
double cpu() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: pdp_bench LIBRARY DIRECTORY DECISIONS QUESTIONS COUNT\n");
    return 2;
  }
  const Bridge bridge(argv[1], argv[2], argv[3]);
  const std::vector<Question> questions = read_questions(argv[4]);
  const uint64_t count = std::strtoull(argv[5], nullptr, 10);
  if (questions.empty()) return 1;
  std::vector<nnoe_verdict> verdicts(questions.size());
  const auto ask = [&](size_t i, nnoe_verdict& verdict) {
    const Question& q = questions[i];
    bridge.decide(bridge.handle(), q.address, sizeof q.address, q.name, q.name_bytes, q.type, &verdict);
  };
  // The helper thread sees within a second that somebody asks, and gives a place to record in.
  ask(0, verdicts[0]);
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  for (size_t i = 0; i < questions.size(); ++i) ask(i, verdicts[i]);
  nnoe_verdict last{};
  const double begin = cpu();
  size_t at = 0;
  for (uint64_t i = 0; i < count; ++i) {
    ask(at, last);
    if (++at == questions.size()) at = 0;
  }
  std::printf("{\"rate\":%.0f}\n", static_cast<double>(count) / (cpu() - begin));
  for (const nnoe_verdict& v : verdicts) std::printf("%u %u %u\n", v.act, v.reason, v.action);
  return 0;
}
