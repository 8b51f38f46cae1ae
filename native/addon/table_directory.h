// SPDX-License-Identifier: MPL-2.0
// What the host builds tables with, and the directory that it publishes them in; plain C++, behind tables.h.
// Any thread may call anything; one generation is made at a time.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "shm/tables/actions.h"
#include "shm/tables/client_store.h"
#include "shm/tables/name_store.h"
#include "shm/tables/publisher.h"
#include "shm/tables/registry.h"
#include "shm/tables/subscriptions.h"

namespace nnoe::addon {

// What becomes of a table in the next generation.
enum class Next : uint8_t { kStays, kChanged, kNone };

struct Names {  // by number
  std::vector<std::vector<std::string>> role_sets;
  std::vector<std::string> lists;
};

struct PublishRequest {
  std::optional<Names> registry;
  std::optional<std::vector<tables::ActionSpec>> actions;
  Next clients = Next::kStays;
  Next names = Next::kStays;
  Next subscriptions = Next::kStays;
  tables::SubscriptionsPlan plan;
  Next programs = Next::kStays;
  tables::Bytes program_body;
};

// What is to be done for clients and names.
struct Due {
  bool rebuild = false;  // the delta has grown: a new base would make it small again
  bool missing = false;  // what was handed over is not in the generation: only a new base can hold it
  bool again = false;    // there is more to publish already
};

struct Published {
  tables::ManifestContent manifest;
  double seconds = 0;
  Due clients;
  Due names;
};

class TableDirectory {
 public:
  // Null and `error` as Publisher::open.
  static std::shared_ptr<TableDirectory> open(const std::string& path, journal::Error& error);

  // Why something of before is not used; empty: all is well.
  const std::string& found() const noexcept { return found_; }
  const Names& names() const noexcept { return restored_; }
  const std::vector<tables::ActionSpec>& actions() const noexcept { return actions_; }
  tables::ManifestContent manifest() const;

  tables::ClientStore& clients() noexcept { return clients_; }
  tables::NameStore& name_store() noexcept { return *names_; }
  // All mappings; takes the published ones for a base where it can.
  bool replace_clients(const tables::Bytes& records, std::string& why);

  // Throws Failure, and anything that builders throw; the last generation then stays.
  Published publish(PublishRequest&& request);
  // Makes a base for the next publish(). Throws as builders do.
  void rebuild_clients();
  void rebuild_names();

 private:
  using Changes = std::vector<tables::Change>;

  TableDirectory(std::string path, std::unique_ptr<tables::Publisher> publisher)
      : path_(std::move(path)), publisher_(std::move(publisher)) {}
  void restore();
  bool restore_actions(std::string& why);
  void add_clients(Next next, Changes& changes, Due& due);
  void add_names(Next next, Changes& changes, Due& due);
  void adopt_names(Due& due);
  void drop_foreign(Changes& changes) const;

  const std::string path_;
  std::string found_;
  Names restored_;
  std::vector<tables::ActionSpec> actions_;
  tables::ClientStore clients_;
  std::unique_ptr<tables::NameStore> names_;

  mutable std::mutex publishing_;  // all below
  std::unique_ptr<tables::Publisher> publisher_;
  bool foreign_ = false;  // what is published belongs to numbers that are lost
  bool base_tried_ = false;

  std::mutex building_;  // the bases; held for moments
  std::optional<tables::ClientStore::Base> client_base_;
  bool client_base_adopted_ = false;
  std::optional<tables::Bytes> name_base_;
  bool names_building_ = false;
};

// Body of the section in which no role set has a program.
tables::Bytes unplanned_programs();

}  // namespace nnoe::addon
