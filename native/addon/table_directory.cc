// SPDX-License-Identifier: MPL-2.0
#include "addon/table_directory.h"

#include <chrono>
#include <cstring>
#include <exception>

#include "addon/job.h"
#include "shm/tables/program_format.h"

namespace nnoe::addon {
namespace {

using tables::Bytes;
using tables::Change;
using tables::Read;
using tables::Section;

// Fewer mappings are built into a base at once: quicker than to come back for it.
constexpr size_t kFewClients = 20000;
constexpr size_t kFewNames = 20000;
// More changes than these are worth a new base.
constexpr size_t kManyChanges = 8192;

constexpr const char* kSets = "lists";  // directory of what is on lists

size_t names_of(const tables::NameStore& store) {
  size_t sum = 0;
  for (const auto& list : store.lists()) sum += list.names + list.changed;
  return sum;
}

Bytes registry_body(const Names& names) {
  tables::RegistryBuilder builder;
  std::string why;
  bool good = builder.set_default(names.role_sets.at(0), why);
  for (size_t id = 1; good && id < names.role_sets.size(); ++id)
    good = builder.role_set(names.role_sets[id], why) == id;
  for (size_t id = 0; good && id < names.lists.size(); ++id) good = builder.list(names.lists[id], why) == id;
  if (!good) throw Failure(kUnwritten, "numbers of role sets and lists: " + why);
  return builder.build();
}

Bytes actions_body(const std::vector<tables::ActionSpec>& actions) {
  tables::ActionsBuilder builder;  // 0 is there
  std::string why;
  for (size_t id = 1; id < actions.size(); ++id)
    if (builder.add(actions[id], why) != static_cast<int32_t>(id))
      throw Failure(kUnwritten, "action " + std::to_string(id) + ": " + why);
  return builder.build();
}

tables::ActionSpec spec_of(const tables::Action& action) {
  tables::ActionSpec spec;
  spec.act = action.what();
  spec.ttl = action.ttl;
  for (size_t i = 0; i < action.a; ++i) {
    uint32_t address = 0;
    std::memcpy(&address, action.a_data() + i * 4, 4);
    spec.a.push_back(__builtin_bswap32(address));
  }
  for (size_t i = 0; i < action.aaaa; ++i)
    spec.aaaa.emplace_back(reinterpret_cast<const char*>(action.aaaa_data()) + i * 16, 16);
  spec.cname.assign(reinterpret_cast<const char*>(action.cname_data()), action.cname_bytes);
  spec.pool = action.pool();
  spec.ede = action.ede;
  spec.ede_text = action.ede_text();
  return spec;
}

void put(std::vector<Change>& changes, Section kind, std::optional<Bytes> body) {
  changes.push_back({kind, std::move(body)});
}

std::optional<Bytes> some(Bytes&& body) {
  if (body.empty()) return std::nullopt;
  return std::move(body);
}

}  // namespace

Bytes unplanned_programs() {
  const tables::program::ProgramsHeader header{tables::program::kFormat, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {}};
  Bytes body(sizeof header);
  std::memcpy(body.data(), &header, sizeof header);
  return body;
}

std::shared_ptr<TableDirectory> TableDirectory::open(const std::string& path, journal::Error& error) {
  std::string found;
  auto publisher = tables::Publisher::open(path, found, error);
  if (!publisher) return nullptr;
  std::shared_ptr<TableDirectory> made(new TableDirectory(path, std::move(publisher)));
  made->names_ = std::make_unique<tables::NameStore>(path + "/" + kSets);
  std::vector<std::string> refused;
  if (!made->names_->open(refused, error)) return nullptr;
  made->found_ = found;
  for (const std::string& each : refused) made->found_ += (made->found_.empty() ? "" : "; ") + each;
  made->restore();
  return made;
}

// Without its numbers nothing that was published can be gone on with: a number would mean something else.
void TableDirectory::restore() {
  tables::Memory memory;
  std::string why;
  const Read read = publisher_->read(Section::kRegistry, memory, why);
  tables::Registry registry;
  bool good = read == Read::kDone && tables::Registry::open(memory.body(), {}, registry, why);
  if (good) {
    for (uint32_t id = 0; id < registry.role_sets(); ++id) {
      const auto roles = registry.roles(id);
      restored_.role_sets.emplace_back(roles.begin(), roles.end());
    }
    for (uint32_t id = 0; id < registry.lists(); ++id) restored_.lists.emplace_back(registry.list(id));
    good = restore_actions(why);
  }
  if (good) return;
  // A list's number is another list's from now on, and so would be its names.
  for (const auto& each : names_->lists()) names_->drop(each.list);
  if (publisher_->current().entries.empty()) return;
  restored_ = {};
  actions_.clear();
  foreign_ = true;
  if (why.empty()) why = "it has no registry";
  found_ += (found_.empty() ? "" : "; ") + why;
}

bool TableDirectory::restore_actions(std::string& why) {
  tables::Memory memory;
  const Read read = publisher_->read(Section::kActions, memory, why);
  if (read == Read::kMissing) return true;
  tables::Actions actions;
  if (read != Read::kDone || !tables::Actions::open(memory.body(), actions, why)) return false;
  for (uint32_t id = 0; id < actions.count(); ++id) actions_.push_back(spec_of(actions[id]));
  return true;
}

tables::ManifestContent TableDirectory::manifest() const {
  const std::lock_guard<std::mutex> lock(publishing_);
  tables::ManifestContent content = publisher_->current();
  if (foreign_) content.entries.clear();
  return content;
}

std::string TableDirectory::lost() const {
  std::string why;
  const std::unique_lock<std::mutex> lock(publishing_, std::try_to_lock);
  if (lock) publisher_->intact(why);
  return why;
}

bool TableDirectory::replace_clients(const Bytes& records, std::string& why) {
  {
    const std::lock_guard<std::mutex> lock(publishing_);
    if (!base_tried_ && !foreign_) {
      tables::Memory hosts_memory;
      tables::Memory prefixes_memory;
      tables::Hosts hosts;
      tables::Prefixes prefixes;
      const tables::Limits limits{static_cast<uint32_t>(restored_.role_sets.size()),
                                  static_cast<uint32_t>(restored_.lists.size()), 0};
      std::string ignored;
      if (publisher_->read(Section::kHosts, hosts_memory, ignored) == Read::kDone &&
          publisher_->read(Section::kPrefixes, prefixes_memory, ignored) == Read::kDone &&
          tables::Hosts::open(hosts_memory.body(), limits, hosts, ignored) &&
          tables::Prefixes::open(prefixes_memory.body(), limits, prefixes, ignored))
        clients_.restore(hosts, prefixes);
    }
    base_tried_ = true;
  }
  return clients_.replace(records.data(), records.size(), why);
}

void TableDirectory::rebuild_clients() {
  tables::ClientStore::Base base = clients_.build_base();
  const std::lock_guard<std::mutex> lock(building_);
  client_base_ = std::move(base);
  client_base_adopted_ = false;
}

void TableDirectory::rebuild_names() {
  {
    const std::lock_guard<std::mutex> lock(building_);
    if (name_base_ || names_building_) return;  // one waits to be published
    names_building_ = true;
  }
  std::optional<Bytes> body;
  std::exception_ptr failure;
  try {
    body = names_->build_base();
  } catch (...) {
    names_->abandon_base();
    failure = std::current_exception();
  }
  const std::lock_guard<std::mutex> lock(building_);
  names_building_ = false;
  name_base_ = std::move(body);
  if (failure) std::rethrow_exception(failure);
}

void TableDirectory::add_clients(Next next, Changes& changes, Due& due) {
  if (next == Next::kNone)
    for (const Section kind :
         {Section::kHosts, Section::kHostsDelta, Section::kPrefixes, Section::kPrefixesDelta})
      put(changes, kind, std::nullopt);
  if (next != Next::kChanged) return;
  const std::lock_guard<std::mutex> lock(building_);
  if (client_base_ && !client_base_adopted_) {
    clients_.adopt(*client_base_);
    client_base_adopted_ = true;
  }
  tables::ClientStore::Delta delta = clients_.build_delta();
  if (delta.needs_base && clients_.size() <= kFewClients) {
    client_base_ = clients_.build_base();
    clients_.adopt(*client_base_);
    client_base_adopted_ = true;
    delta = clients_.build_delta();
  }
  if (delta.needs_base) {
    client_base_.reset();
    due.missing = true;
    return;
  }
  if (client_base_) {  // kept until it is published
    put(changes, Section::kHosts, client_base_->hosts);
    put(changes, Section::kPrefixes, client_base_->prefixes);
  }
  put(changes, Section::kHostsDelta, some(std::move(delta.hosts)));
  put(changes, Section::kPrefixesDelta, some(std::move(delta.prefixes)));
  due.rebuild = clients_.changes() > kManyChanges;
}

void TableDirectory::add_names(Next next, Changes& changes, Due& due) {
  if (next == Next::kNone)
    for (const Section kind : {Section::kNames, Section::kNamesDelta}) put(changes, kind, std::nullopt);
  if (next != Next::kChanged) return;
  // Over what is published a delta holds every name that changed since, and so it does over a new base.
  const bool has_delta = !names_->wants_base();
  const std::lock_guard<std::mutex> lock(building_);
  if (!has_delta && !name_base_ && !names_building_ && names_of(*names_) <= kFewNames)
    name_base_ = names_->build_base();
  if (!has_delta && !name_base_) {
    due.missing = true;
    return;
  }
  if (name_base_) put(changes, Section::kNames, *name_base_);
  put(changes, Section::kNamesDelta, has_delta ? some(names_->build_delta()) : std::nullopt);
  due.rebuild = has_delta && !name_base_ && names_->delta_size() > kManyChanges;
}

// The base that was just published is what deltas are over from now on.
void TableDirectory::adopt_names(Due& due) {
  const tables::ManifestEntry* entry = publisher_->current().find(Section::kNames);
  tables::Body body;
  journal::Error error;
  std::string why;
  const auto owner =
      entry == nullptr
          ? nullptr
          : tables::NameStore::map_section(
                path_ + "/" + tables::section_file(Section::kNames, entry->generation), body, error);
  if (owner == nullptr || !names_->adopt_base(body, owner, why)) {
    names_->abandon_base();
    due.missing = true;
  }
  due.again = names_->delta_size() > 0;
}

// Sections whose numbers are lost, unless new ones take their place.
void TableDirectory::drop_foreign(Changes& changes) const {
  const size_t made = changes.size();
  for (const tables::ManifestEntry& entry : publisher_->current().entries) {
    bool known = false;
    for (size_t i = 0; i < made; ++i) known = known || static_cast<uint32_t>(changes[i].kind) == entry.kind;
    if (!known) put(changes, static_cast<Section>(entry.kind), std::nullopt);
  }
}

Published TableDirectory::publish(PublishRequest&& request) {
  const std::lock_guard<std::mutex> lock(publishing_);
  const auto began = std::chrono::steady_clock::now();
  Published result;
  Changes changes;
  if (request.registry) put(changes, Section::kRegistry, registry_body(*request.registry));
  if (request.actions) put(changes, Section::kActions, actions_body(*request.actions));
  add_clients(request.clients, changes, result.clients);
  add_names(request.names, changes, result.names);
  if (request.subscriptions == Next::kChanged)
    put(changes, Section::kSubscriptions, tables::build_subscriptions(request.plan));
  if (request.subscriptions == Next::kNone) put(changes, Section::kSubscriptions, std::nullopt);
  if (request.programs == Next::kChanged) put(changes, Section::kPrograms, std::move(request.program_body));
  if (request.programs == Next::kNone) put(changes, Section::kPrograms, std::nullopt);
  if (request.whole && (result.clients.missing || result.names.missing)) changes.clear();
  if (foreign_ && !changes.empty()) drop_foreign(changes);
  if (!changes.empty()) {
    journal::Error error;
    if (request.names == Next::kChanged && !names_->save_changes(error))
      throw Failure(kUnwritten, error.text);
    if (!publisher_->publish(changes, error)) throw Failure(kUnwritten, error.text);
    foreign_ = false;
    const std::lock_guard<std::mutex> bases(building_);
    if (request.clients == Next::kChanged && client_base_adopted_) client_base_.reset();
    if (name_base_ && request.names == Next::kChanged) {
      name_base_.reset();
      adopt_names(result.names);
    }
  }
  result.manifest = publisher_->current();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return result;
}

}  // namespace nnoe::addon
