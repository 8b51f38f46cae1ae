// SPDX-License-Identifier: MPL-2.0
// Runs programs for tests of the host's plugins. Reads frames from standard input, writes an answer to each
// in turn.
//   'S' u32 role sets, lists, actions, bytes; the section -> u32 1, or u32 0, u32 size, why it was refused
//   'Q' u16 role set, u16 type, u8 address bytes, u8 name bytes, 16 bytes address, 32 bytes lists; the name
//   (lower
//       case, wire form) -> u8 result, u8 zero, u16 action, terminal, size of qname's text, of client's; both
//       texts
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>

#include "shm/tables/test/program_make.h"

namespace {

using namespace nnoe::tables;

bool read(void* to, size_t size) { return size == 0 || std::fread(to, size, 1, stdin) == 1; }
void write(const void* from, size_t size) { std::fwrite(from, 1, size, stdout); }

std::optional<test::Aligned> section;
Programs programs;

bool open_section() {
  uint32_t head[4];
  if (!read(head, sizeof head)) return false;
  std::vector<uint8_t> bytes(head[3]);
  if (!read(bytes.data(), bytes.size())) return false;
  section.emplace(bytes);
  std::string why;
  const uint32_t opened = Programs::open(section->body(), {head[0], head[1], head[2]}, programs, why) ? 1 : 0;
  write(&opened, sizeof opened);
  if (opened != 0) return true;
  programs = Programs();
  const auto size = static_cast<uint32_t>(why.size());
  write(&size, sizeof size);
  write(why.data(), why.size());
  return true;
}

bool answer() {
  struct {
    uint16_t role_set, type;
    uint8_t address_bytes, name_bytes, address[16];
  } head;
  static_assert(sizeof head == 22);
  uint64_t lists[4];
  uint8_t name[kMaxName + kBodySlack] = {};
  if (!read(&head, sizeof head) || !read(lists, sizeof lists) || !read(name, head.name_bytes)) return false;
  Request request;
  request.name = name;
  request.name_bytes = head.name_bytes;
  request.address = head.address;
  request.address_bytes = head.address_bytes;
  request.lists = lists;
  request.type = head.type;
  const Programs::Outcome outcome = programs.run(head.role_set, request);
  char name_is[kNameTextBytes + kBodySlack];
  char client_is[kClientTextBytes];
  const size_t sizes[2] = {name_text(name, head.name_bytes, name_is),
                           client_text(head.address, head.address_bytes, client_is)};
  const uint16_t numbers[5] = {static_cast<uint16_t>(outcome.result), outcome.action, outcome.terminal,
                               static_cast<uint16_t>(sizes[0]), static_cast<uint16_t>(sizes[1])};
  write(numbers, sizeof numbers);
  write(name_is, sizes[0]);
  write(client_is, sizes[1]);
  return true;
}

}  // namespace

int main() {
  char kind = 0;
  while (read(&kind, 1)) {
    if (kind != 'F' && !(kind == 'S' ? open_section() : answer())) return 1;
    if (kind != 'Q') std::fflush(stdout);
  }
  return 0;
}
