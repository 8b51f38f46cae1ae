// SPDX-License-Identifier: MPL-2.0
// One complete, checked generation of all tables in private memory, and how it is loaded. Loading is for one
// thread; a Generation never changes once it was made.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shm/tables/actions.h"
#include "shm/tables/files.h"
#include "shm/tables/hosts.h"
#include "shm/tables/names.h"
#include "shm/tables/prefixes.h"
#include "shm/tables/program.h"
#include "shm/tables/program_unlisted.h"
#include "shm/tables/registry.h"
#include "shm/tables/subscriptions.h"
#include "shm/tables/verdict.h"

namespace nnoe::tables {

// A section in memory with the view that checked it.
template <class View>
struct Loaded {
  ManifestEntry entry{};
  Limits limits{};  // it was checked against
  Memory memory;
  View view;
};
template <class View>
using Held = std::shared_ptr<const Loaded<View>>;

// What a query reads of a generation, side by side: views of its sections.
struct QueryTables {
  static constexpr uint64_t kNoAddress = uint64_t{1} << 32;

  // Bytes of an IPv4 address when nothing changed since the tables were built, there are names and programs,
  // and no list reaches up to the top level of names: then most of what is below need not be asked. Else what
  // no address has, so that one comparison decides.
  uint64_t usual_address = kNoAddress;
  bool nothing = false;  // it was loaded, and no table says anything of anybody
  bool has_hosts = false;
  bool has_prefixes = false;
  bool has_names = false;
  bool has_programs = false;
  bool client_deltas = false;
  bool names_delta = false;
  Reason without = Reason::kNoTables;  // programs
  Hosts hosts;
  Prefixes prefixes;
  Names names;
  Actions actions;
  Programs programs;
  const UnlistedPrograms::Entry* unlisted = nullptr;
};

// One without tables is number 0.
struct Generation {
  Manifest head{};
  size_t bytes = 0;  // of all sections in memory

  Held<Registry> registry;
  Held<Actions> actions;
  Held<Hosts> hosts, hosts_delta;
  Held<Prefixes> prefixes, prefixes_delta;
  Held<Names> names, names_delta;
  Held<Subscriptions> subscriptions;
  Held<Programs> programs;
  // What each listset of a names table comes to for each class of role sets; null where either is absent.
  std::shared_ptr<const SubscriptionMatrix> outcomes, outcomes_delta;
  std::shared_ptr<const UnlistedPrograms> unlisted;  // null without programs
  QueryTables query;
};

class GenerationLoader {
 public:
  explicit GenerationLoader(std::string directory) : path_(std::move(directory)) {}

  // Looks at the directory. kDone: `generation` is one that was not seen before, and now the one that
  // unchanged sections are taken from. kMissing: there is nothing, or nothing new. kRefused: what is there
  // cannot be used, and why; the same one is said once, and loaded again only when told so: it may have been
  // want of memory.
  Read poll(bool again, std::shared_ptr<const Generation>& generation, std::string& why);

  // The generation that was refused last, or 0 (also when its manifest cannot be read).
  uint64_t refused() const noexcept { return refused_.generation; }

 private:
  // `manifest` becomes that of the generation that was loaded, or refused.
  Read load(int directory, ManifestContent& manifest, std::shared_ptr<const Generation>& generation,
            std::string& why);

  std::string path_;
  std::shared_ptr<const Generation> current_;
  Manifest refused_{};
  std::string refusal_;
};

}  // namespace nnoe::tables
