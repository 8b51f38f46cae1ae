// SPDX-License-Identifier: MPL-2.0
// NativeTables of src/host/tables/native.ts.
#pragma once

#include <napi.h>

#include <map>
#include <memory>

#include "addon/list_taker.h"
#include "addon/table_directory.h"

namespace nnoe::addon {

class Tables : public Napi::ObjectWrap<Tables> {
 public:
  static Napi::Function define(Napi::Env env);
  // Argument: the directory. Throws with `code` TABLES_BUSY or TABLES_DIRECTORY.
  explicit Tables(const Napi::CallbackInfo& info);

 private:
  using Loads = std::map<uint32_t, std::shared_ptr<ListTaker>>;

  Napi::Value replace_clients(const Napi::CallbackInfo& info);
  Napi::Value change_clients(const Napi::CallbackInfo& info);
  Napi::Value find_client(const Napi::CallbackInfo& info);
  Napi::Value count_clients(const Napi::CallbackInfo& info);
  Napi::Value prepare_list(const Napi::CallbackInfo& info);
  Napi::Value convert_list(const Napi::CallbackInfo& info);
  Napi::Value finish_load(const Napi::CallbackInfo& info);
  Napi::Value change_names(const Napi::CallbackInfo& info);
  Napi::Value keep_lists(const Napi::CallbackInfo& info);
  Napi::Value list_sizes(const Napi::CallbackInfo& info);
  Napi::Value check_programs(const Napi::CallbackInfo& info);
  Napi::Value publish(const Napi::CallbackInfo& info);
  Napi::Value rebuild(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  std::shared_ptr<TableDirectory> directory(const Napi::CallbackInfo& info);  // throws when closed
  std::shared_ptr<ListTaker> load(const Napi::CallbackInfo& info);            // by its id, the first argument

  std::shared_ptr<TableDirectory> directory_;  // null once closed; jobs under way hold it, too
  Loads loads_;
  uint32_t last_load_ = 0;
};

}  // namespace nnoe::addon
