// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/generation.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

namespace nnoe::tables {
namespace {

using journal::Fd;

// One loading: where sections come from, and the generations whose unchanged sections are used again.
struct Source {
  int directory;
  const ManifestContent& manifest;
  const Generation* before;   // the last one; null: none
  const Generation* attempt;  // as far as the one came that was overtaken; null: none
  Limits limits{};
  bool gone = false;  // a section's file is not there any more
  std::string& why;
};

constexpr int kMostOvertaken = 1000;

bool same(const ManifestEntry& a, const ManifestEntry& b) {
  return a.kind == b.kind && a.generation == b.generation && a.bytes == b.bytes && a.body_crc == b.body_crc;
}

bool same(const Manifest& a, const Manifest& b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

// Whatever was within `then` is within `now`.
bool covers(const Limits& now, const Limits& then) {
  return now.role_sets >= then.role_sets && now.lists >= then.lists && now.actions >= then.actions;
}

template <class View>
bool open_view(Body body, const Limits& limits, View& view, std::string& why) {
  if constexpr (std::is_same_v<View, Actions>) {
    return Actions::open(body, view, why);
  } else {
    return View::open(body, limits, view, why);
  }
}

template <class View>
using Part = Held<View> Generation::*;

template <class View>
bool usable(const Source& source, const Generation* from, Part<View> part, const ManifestEntry& entry) {
  if (from == nullptr || std::memcmp(from->head.id, source.manifest.head.id, kIdBytes) != 0) return false;
  const Held<View>& held = from->*part;
  return held && same(held->entry, entry) && covers(source.limits, held->limits);
}

template <class View>
bool take(Source& source, Section kind, Part<View> part, Generation& next) {
  const ManifestEntry* entry = source.manifest.find(kind);
  if (entry == nullptr) return true;
  next.bytes += entry->bytes;
  for (const Generation* from : {source.before, source.attempt}) {
    if (!usable(source, from, part, *entry)) continue;
    next.*part = from->*part;
    return true;
  }
  auto loaded = std::make_shared<Loaded<View>>();
  loaded->entry = *entry;
  loaded->limits = source.limits;
  const Read read = read_section(source.directory, source.manifest.head, *entry, loaded->memory, source.why);
  source.gone = read == Read::kMissing;
  if (read != Read::kDone) return false;
  std::string what;
  if (!open_view(loaded->memory.body(), source.limits, loaded->view, what)) {
    source.why = section_file(kind, entry->generation) + ": " + what;
    return false;
  }
  next.*part = std::move(loaded);
  return true;
}

template <class View>
void keep(const Generation& from, Part<View> part, Generation& to) {
  if (!(to.*part)) to.*part = from.*part;
}

// What an earlier attempt came to read and this one did not.
void keep_all(const Generation& from, Generation& to) {
  keep(from, &Generation::registry, to);
  keep(from, &Generation::actions, to);
  keep(from, &Generation::hosts, to);
  keep(from, &Generation::hosts_delta, to);
  keep(from, &Generation::prefixes, to);
  keep(from, &Generation::prefixes_delta, to);
  keep(from, &Generation::names, to);
  keep(from, &Generation::names_delta, to);
  keep(from, &Generation::subscriptions, to);
  keep(from, &Generation::programs, to);
}

// The registry and the actions say how far the ids in all other sections may go.
bool take_limits(Source& source, Generation& next) {
  if (!take(source, Section::kRegistry, &Generation::registry, next) ||
      !take(source, Section::kActions, &Generation::actions, next))
    return false;
  if (!next.registry || !next.actions) {
    source.why = std::string(kManifestName) + ": no " + (next.registry ? "actions" : "registry");
    return false;
  }
  source.limits.role_sets = next.registry->view.role_sets();
  source.limits.lists = next.registry->view.lists();
  source.limits.actions = next.actions->view.count();
  return true;
}

bool take_tables(Source& source, Generation& next) {
  return take(source, Section::kHosts, &Generation::hosts, next) &&
         take(source, Section::kHostsDelta, &Generation::hosts_delta, next) &&
         take(source, Section::kPrefixes, &Generation::prefixes, next) &&
         take(source, Section::kPrefixesDelta, &Generation::prefixes_delta, next) &&
         take(source, Section::kNames, &Generation::names, next) &&
         take(source, Section::kNamesDelta, &Generation::names_delta, next) &&
         take(source, Section::kSubscriptions, &Generation::subscriptions, next) &&
         take(source, Section::kPrograms, &Generation::programs, next);
}

std::shared_ptr<const SubscriptionMatrix> matrix(const Held<Subscriptions>& subscriptions,
                                                 const Held<Names>& names, const Generation* before,
                                                 const Held<Names>& names_before,
                                                 const std::shared_ptr<const SubscriptionMatrix>& made) {
  if (!subscriptions || !names) return nullptr;
  if (before != nullptr && made && before->subscriptions == subscriptions && names_before == names)
    return made;
  return std::make_shared<SubscriptionMatrix>(SubscriptionMatrix::make(subscriptions->view, names->view));
}

void take_outcomes(const Generation* before, Generation& next) {
  static const Generation empty;
  const Generation& last = before ? *before : empty;
  next.outcomes = matrix(next.subscriptions, next.names, before, last.names, last.outcomes);
  next.outcomes_delta =
      matrix(next.subscriptions, next.names_delta, before, last.names_delta, last.outcomes_delta);
}

void take_unlisted(const Generation* before, Generation& next) {
  if (!next.programs) return;
  if (before != nullptr && before->programs == next.programs && before->actions == next.actions)
    next.unlisted = before->unlisted;
  else
    next.unlisted = std::make_shared<const UnlistedPrograms>(next.programs->view, next.actions->view);
}

template <class View>
bool view_of(const Held<View>& held, View& view) {
  if (held) view = held->view;
  return held != nullptr;
}

void take_views(Generation& next) {
  QueryTables& query = next.query;
  query.has_hosts = view_of(next.hosts, query.hosts) && query.hosts.size4() + query.hosts.size6() > 0;
  query.has_prefixes = view_of(next.prefixes, query.prefixes) &&
                       query.prefixes.size(Family::kV4) + query.prefixes.size(Family::kV6) > 0;
  query.has_names = view_of(next.names, query.names);
  query.has_programs = view_of(next.programs, query.programs);
  if (next.unlisted) query.unlisted = next.unlisted->entry();
  query.actions = next.actions->view;
  query.client_deltas = next.hosts_delta || next.prefixes_delta;
  query.names_delta = next.names_delta != nullptr;
  const bool usual = query.has_names && query.has_programs && !query.client_deltas && !query.names_delta &&
                     !query.names.lists_top();
  query.usual_address = usual ? 4 : QueryTables::kNoAddress;
  query.nothing = !query.has_names && !query.names_delta && !query.has_programs && !query.has_hosts &&
                  !query.has_prefixes && !query.client_deltas;
  query.without = Reason::kNoPolicy;
}

}  // namespace

// Files go when a later generation has no use for them. One that was overtaken so is no fault: the later one
// is loaded, with what was read already, or else a steady stream of small changes would keep a large section
// out.
Read GenerationLoader::load(int directory, ManifestContent& manifest,
                            std::shared_ptr<const Generation>& generation, std::string& why) {
  std::shared_ptr<Generation> attempt;
  for (int overtaken = 0;; ++overtaken) {
    Source source{directory, manifest, current_.get(), attempt.get(), {}, false, why};
    auto next = std::make_shared<Generation>();
    next->head = manifest.head;
    if (take_limits(source, *next) && take_tables(source, *next)) {
      take_outcomes(current_.get(), *next);
      take_unlisted(current_.get(), *next);
      take_views(*next);
      generation = current_ = std::move(next);
      return Read::kDone;
    }
    ManifestContent later;
    std::string ignored;
    if (!source.gone || read_manifest(directory, later, ignored) != Read::kDone ||
        same(later.head, manifest.head))
      return Read::kRefused;
    if (overtaken == kMostOvertaken) return Read::kMissing;
    if (attempt) keep_all(*attempt, *next);
    manifest = std::move(later);
    attempt = std::move(next);
  }
}

Read GenerationLoader::poll(bool again, std::shared_ptr<const Generation>& generation, std::string& why) {
  const Fd directory(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ManifestContent manifest;
  Read read = Read::kMissing;
  if (directory) {
    read = read_manifest(directory.get(), manifest, why);
  } else if (errno != ENOENT) {
    why = journal::system_error("open", path_).text;
    read = Read::kRefused;
  }
  const bool readable = read == Read::kDone;
  if (readable) {
    if (current_ && same(current_->head, manifest.head)) return Read::kMissing;
    if (!again && !refusal_.empty() && same(refused_, manifest.head)) return Read::kMissing;
    read = load(directory.get(), manifest, generation, why);
  }
  if (read != Read::kRefused) {
    refusal_.clear();
    return read;
  }
  if (!readable) manifest.head = {};
  const bool said = refusal_ == why && same(refused_, manifest.head);
  refused_ = manifest.head;
  refusal_ = why;
  return said ? Read::kMissing : Read::kRefused;
}

}  // namespace nnoe::tables
