// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/explain.h"

namespace nnoe::tables {
namespace {

std::string text_of(const uint8_t* name, size_t size) {
  char text[kNameTextBytes + kBodySlack];
  return {text, name_text(name, static_cast<uint32_t>(size), text)};
}

bool in_hosts(const Held<Hosts>& table, const uint8_t* address, bool v4, uint16_t& found) {
  if (table) found = v4 ? table->view.find4(load_be32(address)) : table->view.find6(address);
  return found != kAbsent;
}

bool in_prefixes(const Held<Prefixes>& table, const uint8_t* address, bool v4, Match& match) {
  return table && table->view.longest(address, v4 ? 4 : 16, match);
}

// Follows role_set_of, for the length of the prefix that it found.
void find_mapping(const Generation& tables, const Question& question, Explanation& out) {
  const bool mapped4 = question.address_bytes == 16 && is_mapped4(question.address);
  const bool v4 = question.address_bytes == 4 || mapped4;
  if (!v4 && question.address_bytes != 16) return;
  const uint8_t* address = question.address + (mapped4 ? 12 : 0);
  uint16_t found = kAbsent;
  if ((in_hosts(tables.hosts_delta, address, v4, found) || in_hosts(tables.hosts, address, v4, found)) &&
      found != kRemoved) {
    out.mapped = true;
    out.length = v4 ? 32 : 128;
    return;
  }
  // A delta that covers the address is final, also when it says that no prefix is left.
  const auto covered = [&](const Held<Prefixes>& table) {
    return table && (v4 ? table->view.find4(load_be32(address)) : table->view.find6(address)) != kAbsent;
  };
  Match match{};
  out.mapped = in_prefixes(covered(tables.prefixes_delta) ? tables.prefixes_delta : tables.prefixes, address,
                           v4, match);
  if (out.mapped) out.length = match.length;
}

std::vector<std::string> lists_of(const Generation& tables, const uint64_t* bits) {
  std::vector<std::string> names;
  for (uint32_t list = 0; list < tables.registry->view.lists(); ++list)
    if ((bits[list / 64] >> (list % 64) & 1) != 0) names.emplace_back(tables.registry->view.list(list));
  return names;
}

void tell_levels(const Generation& tables, const QueryName& name, const Levels& levels, Explanation& out) {
  for (uint32_t i = 0; i < levels.count; ++i) {
    const Levels::Level& level = levels.at[i];
    const Names& names = level.delta ? tables.names_delta->view : tables.names->view;
    const bool root = level.depth == 0;
    out.levels.push_back(
        {root ? ""
              : text_of(name.label(level.depth),
                        static_cast<size_t>(name.data() + name.size() - name.label(level.depth))),
         lists_of(tables, names.lists(level.listset)), level.delta});
  }
}

}  // namespace

Explanation explain(const Generation& tables, const Question& question) {
  Explanation out;
  Trace trace;
  QueryName name;
  out.verdict = decide({tables, question, name, Act::kAllow, &trace}).unpacked(tables.head.generation);
  for (const std::string_view role : tables.registry->view.roles(out.verdict.role_set))
    out.roles.emplace_back(role);
  find_mapping(tables, question, out);
  if (name.size() == 0) return out;
  out.name = text_of(name.data(), name.size());
  // A walk that a list does not need for its verdict has been done all the same: the levels are what it saw.
  tell_levels(tables, name, trace.levels, out);
  if (out.verdict.list != kNoList) out.list = tables.registry->view.list(out.verdict.list);
  if (out.verdict.reason == Reason::kPolicy) out.rule = tables.programs->view.why(trace.terminal);
  return out;
}

}  // namespace nnoe::tables
