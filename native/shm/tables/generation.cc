// SPDX-License-Identifier: MPL-2.0
#include "shm/tables/generation.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

namespace nnoe::tables {
namespace {

using journal::Fd;

// One loading: where sections come from, and the last generation, whose unchanged sections are used again.
struct Source {
  int directory;
  const ManifestContent& manifest;
  const Generation* before;
  Limits limits{};
  std::string& why;

  bool same_directory() const {
    return before != nullptr && std::memcmp(before->head.id, manifest.head.id, kIdBytes) == 0;
  }
};

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
bool take(Source& source, Section kind, const Held<View>& before, Held<View>& out, size_t& bytes) {
  const ManifestEntry* entry = source.manifest.find(kind);
  if (entry == nullptr) return true;
  bytes += entry->bytes;
  if (before && source.same_directory() && same(before->entry, *entry) &&
      covers(source.limits, before->limits)) {
    out = before;
    return true;
  }
  auto loaded = std::make_shared<Loaded<View>>();
  loaded->entry = *entry;
  loaded->limits = source.limits;
  const Read read = read_section(source.directory, source.manifest.head, *entry, loaded->memory, source.why);
  if (read != Read::kDone) return false;
  std::string what;
  if (!open_view(loaded->memory.body(), source.limits, loaded->view, what)) {
    source.why = section_file(kind, entry->generation) + ": " + what;
    return false;
  }
  out = std::move(loaded);
  return true;
}

template <class View>
const Held<View> none;

// The registry and the actions say how far the ids in all other sections may go.
bool take_limits(Source& source, Generation& next) {
  const Generation* before = source.before;
  if (!take(source, Section::kRegistry, before ? before->registry : none<Registry>, next.registry,
            next.bytes) ||
      !take(source, Section::kActions, before ? before->actions : none<Actions>, next.actions, next.bytes))
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
  static const Generation empty;
  const Generation& before = source.before ? *source.before : empty;
  return take(source, Section::kHosts, before.hosts, next.hosts, next.bytes) &&
         take(source, Section::kHostsDelta, before.hosts_delta, next.hosts_delta, next.bytes) &&
         take(source, Section::kPrefixes, before.prefixes, next.prefixes, next.bytes) &&
         take(source, Section::kPrefixesDelta, before.prefixes_delta, next.prefixes_delta, next.bytes) &&
         take(source, Section::kNames, before.names, next.names, next.bytes) &&
         take(source, Section::kNamesDelta, before.names_delta, next.names_delta, next.bytes) &&
         take(source, Section::kSubscriptions, before.subscriptions, next.subscriptions, next.bytes) &&
         take(source, Section::kPrograms, before.programs, next.programs, next.bytes);
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

}  // namespace

Read GenerationLoader::load(int directory, const ManifestContent& manifest,
                            std::shared_ptr<const Generation>& generation, std::string& why) {
  Source source{directory, manifest, current_.get(), {}, why};
  auto next = std::make_shared<Generation>();
  next->head = manifest.head;
  if (!take_limits(source, *next) || !take_tables(source, *next)) return Read::kRefused;
  take_outcomes(current_.get(), *next);
  generation = current_ = std::move(next);
  return Read::kDone;
}

Read GenerationLoader::poll(bool again, std::shared_ptr<const Generation>& generation, std::string& why) {
  const Fd directory(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ManifestContent manifest;
  Read read = Read::kMissing;
  if (directory) {
    read = read_manifest(directory.get(), manifest, why);
  } else if (errno != ENOENT) {
    why = path_ + ": " + std::strerror(errno);
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
