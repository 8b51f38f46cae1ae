// SPDX-License-Identifier: MPL-2.0
#include "addon/tables.h"

#include <cerrno>
#include <cstring>

#include "addon/arguments.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/table_values.h"
#include "shm/tables/program.h"

namespace nnoe::addon {
namespace {

using Directory = std::shared_ptr<TableDirectory>;

Napi::Value undefined(Napi::Env env, const Nothing&) { return env.Undefined(); }

uint32_t whole(const Napi::CallbackInfo& info, size_t index, const char* what) {
  if (info.Length() > index && info[index].IsNumber()) return info[index].As<Napi::Number>().Uint32Value();
  throw Napi::TypeError::New(info.Env(), std::string(what) + " must be a number");
}

// Records as ClientRecord has them; a role set of kRemoved takes the mapping away.
void change(tables::ClientStore& clients, const uint8_t* data, size_t size) {
  std::string why;
  for (size_t at = 0; at + sizeof(tables::ClientRecord) <= size; at += sizeof(tables::ClientRecord)) {
    tables::ClientRecord record;
    std::memcpy(&record, data + at, sizeof record);
    const bool good =
        record.role_set == tables::kRemoved ? clients.erase(record, why) : clients.set(record, why);
    if (!good) throw Failure(kUnwritten, "a mapping: " + why);
  }
}

void read_list(ListTaker& load, const std::string& path, const tables::ListOptions& options) {
  std::string why;
  const tables::ListRead read = load.loader().read(path, options, why);
  if (read != tables::ListRead::kRead)
    throw Failure("TABLES_LIST", why.empty() ? "it was changed while it was read" : why);
}

}  // namespace

Napi::Function Tables::define(Napi::Env env) {
  return DefineClass(
      env, "Tables",
      {InstanceMethod<&Tables::replace_clients>("replaceClients"),
       InstanceMethod<&Tables::change_clients>("changeClients"),
       InstanceMethod<&Tables::find_client>("findClient"),
       InstanceMethod<&Tables::count_clients>("countClients"),
       InstanceMethod<&Tables::prepare_list>("prepareList"),
       InstanceMethod<&Tables::convert_list>("convertList"),
       InstanceMethod<&Tables::finish_load>("finishLoad"),
       InstanceMethod<&Tables::change_names>("changeNames"), InstanceMethod<&Tables::keep_lists>("keepLists"),
       InstanceMethod<&Tables::list_sizes>("listSizes"),
       InstanceMethod<&Tables::check_programs>("checkPrograms"), InstanceMethod<&Tables::lost>("lost"),
       InstanceMethod<&Tables::publish>("publish"), InstanceMethod<&Tables::rebuild>("rebuild"),
       InstanceMethod<&Tables::close>("close")});
}

Tables::Tables(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  journal::Error error;
  directory_ = TableDirectory::open(text(info, 0, "directory"), error);
  if (!directory_)
    throw coded(env, error.code == EWOULDBLOCK ? "TABLES_BUSY" : "TABLES_DIRECTORY", error.text);
  info.This().As<Napi::Object>().Set("restored", restored_value(env, *directory_));
}

Directory Tables::directory(const Napi::CallbackInfo& info) {
  if (!directory_) throw coded(info.Env(), "TABLES_DIRECTORY", "the tables are closed");
  return directory_;
}

std::shared_ptr<ListTaker> Tables::load(const Napi::CallbackInfo& info) {
  const auto found = loads_.find(whole(info, 0, "id"));
  if (found == loads_.end()) throw Napi::RangeError::New(info.Env(), "there is no such load");
  return found->second;
}

Napi::Value Tables::replace_clients(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsArray())
    throw Napi::TypeError::New(info.Env(), "entries must be an array");
  const auto pieces = info[0].As<Napi::Array>();
  std::vector<Napi::Object> kept;
  std::vector<ByteView> parts;
  for (uint32_t i = 0; i < pieces.Length(); ++i) {
    parts.push_back(bytes_of(pieces.Get(i), "entries"));
    kept.push_back(parts.back().object);
  }
  std::vector<std::pair<const uint8_t*, size_t>> views;
  for (const ByteView& part : parts) views.emplace_back(part.data, part.size);
  return Job<Nothing>::run(
      info.Env(),
      [directory = directory(info), views = std::move(views)] {
        tables::Bytes whole;
        for (const auto& [data, size] : views) whole.insert(whole.end(), data, data + size);
        std::string why;
        if (!directory->replace_clients(whole, why)) throw Failure(kUnwritten, "a mapping: " + why);
        return Nothing{};
      },
      undefined, kept);
}

Napi::Value Tables::change_clients(const Napi::CallbackInfo& info) {
  const ByteView entries = bytes_of(info[0], "entries");
  return Job<Nothing>::run(info.Env(),
                           [directory = directory(info), data = entries.data, size = entries.size] {
                             change(directory->clients(), data, size);
                             return Nothing{};
                           },
                           undefined, {entries.object});
}

Napi::Value Tables::find_client(const Napi::CallbackInfo& info) {
  const ByteView address = bytes_of(info[0], "address");
  tables::ClientRecord found;
  if (!directory(info)->clients().find(address.data, address.size, found)) return info.Env().Undefined();
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("address", Napi::Buffer<uint8_t>::Copy(info.Env(), found.address, found.family == 4 ? 4 : 16));
  out.Set("length", Napi::Number::New(info.Env(), found.length));
  out.Set("roleSet", Napi::Number::New(info.Env(), found.role_set));
  return out;
}

Napi::Value Tables::count_clients(const Napi::CallbackInfo& info) {
  using Counts = std::vector<uint64_t>;
  return Job<Counts>::run(
      info.Env(), [directory = directory(info)] { return directory->clients().counts(); },
      [](Napi::Env env, const Counts& counts) -> Napi::Value {
        Napi::Float64Array out = Napi::Float64Array::New(env, counts.size());
        for (size_t i = 0; i < counts.size(); ++i) out[i] = static_cast<double>(counts[i]);
        return out;
      });
}

Napi::Value Tables::prepare_list(const Napi::CallbackInfo& info) {
  const Directory directory = this->directory(info);
  const uint32_t list = whole(info, 0, "list");
  if (info.Length() < 2 || !info[1].IsObject())
    throw Napi::TypeError::New(info.Env(), "source must be an object");
  const auto source = info[1].As<Napi::Object>();
  const Napi::Value exceptions = source.Get("exceptions");
  const uint32_t id = ++last_load_;
  const auto load = std::make_shared<ListTaker>(
      directory->name_store(), list,
      exceptions.IsNumber() ? exceptions.As<Napi::Number>().Uint32Value() : uint32_t{tables::kNoList},
      texts_of(source.Get("protect"), "protect"));
  // Kept once it is read, and not when that failed: nobody would ask for it again.
  const auto give = [this, id](Napi::Env env, const std::shared_ptr<ListTaker>& done) {
    loads_[id] = done;
    return load_value(env, id, *done);
  };
  const std::vector<Napi::Object> kept{info.This().As<Napi::Object>()};
  if (source.Has("entries")) {
    const auto pieces = texts_of(source.Get("entries"), "entries");
    return Job<std::shared_ptr<ListTaker>>::run(
        info.Env(),
        [load, pieces] {
          for (const std::string& each : pieces) load->entries(each);
          load->settle();
          return load;
        },
        give, kept);
  }
  tables::ListOptions options;
  const std::string format = source.Get("format").ToString().Utf8Value();
  if (!tables::list_format_of(format, options.format))
    throw Napi::TypeError::New(info.Env(), "no such format: " + format);
  options.subdomains = source.Get("subdomains").ToBoolean().Value();
  return Job<std::shared_ptr<ListTaker>>::run(
      info.Env(),
      [load, options, path = source.Get("path").ToString().Utf8Value()] {
        read_list(*load, path, options);
        if (load->loader().rows().empty()) load->settle();
        return load;
      },
      give, kept);
}

// Arguments: id, and the texts of `unicode` converted, empty where that cannot be. What is given then is
// complete.
Napi::Value Tables::convert_list(const Napi::CallbackInfo& info) {
  const std::shared_ptr<ListTaker> load = this->load(info);
  if (info.Length() < 2 || !info[1].IsArray())
    throw Napi::TypeError::New(info.Env(), "texts must be an array");
  const auto from = info[1].As<Napi::Array>();
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < from.Length() && i < load->loader().rows().size(); ++i)
    texts.push_back(from.Get(i).ToString().Utf8Value());
  return Job<Nothing>::run(
      info.Env(),
      [load, texts = std::move(texts)] {
        for (size_t i = 0; i < texts.size(); ++i) load->loader().converted(i, texts[i]);
        load->settle();
        return Nothing{};
      },
      [load, id = whole(info, 0, "id")](Napi::Env env, const Nothing&) {
        return load_value(env, id, *load);
      });
}

Napi::Value Tables::finish_load(const Napi::CallbackInfo& info) {
  const std::shared_ptr<ListTaker> load = this->load(info);
  loads_.erase(whole(info, 0, "id"));
  const bool takes = info.Length() > 1 && info[1].ToBoolean().Value();
  return Job<Nothing>::run(
      info.Env(),
      [load, takes, directory = directory(info)] {
        if (takes) load->take(directory->name_store());
        return Nothing{};
      },
      undefined);
}

Napi::Value Tables::change_names(const Napi::CallbackInfo& info) {
  const ByteView entries = bytes_of(info[0], "entries");
  return Job<Nothing>::run(
      info.Env(),
      [directory = directory(info), data = entries.data, size = entries.size] {
        for (size_t at = 0; at + 4 <= size && at + 4 + data[at + 3] <= size; at += 4u + data[at + 3]) {
          const uint32_t list = data[at] | static_cast<uint32_t>(data[at + 1]) << 8;
          const uint8_t flags = data[at + 2];
          const tables::Listed listed = (flags & 2) != 0   ? tables::Listed::kNo
                                        : (flags & 1) != 0 ? tables::Listed::kSubtree
                                                           : tables::Listed::kExact;
          if (!directory->name_store().set(list, data + at + 4, data[at + 3], listed))
            throw Failure(kUnwritten, "a name of list " + std::to_string(list) + " is none");
        }
        return Nothing{};
      },
      undefined, {entries.object});
}

Napi::Value Tables::keep_lists(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsTypedArray() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint16_array)
    throw Napi::TypeError::New(info.Env(), "lists must be a Uint16Array");
  const auto lists = info[0].As<Napi::Uint16Array>();
  return Job<Nothing>::run(
      info.Env(),
      [directory = directory(info),
       kept = std::vector<uint16_t>(lists.Data(), lists.Data() + lists.ElementLength())] {
        for (const auto& [list, names, changed, now] : directory->name_store().lists()) {
          bool stays = names + changed + now == 0;
          for (const uint16_t each : kept) stays = stays || each == list;
          if (!stays) directory->name_store().drop(list);
        }
        return Nothing{};
      },
      undefined);
}

Napi::Value Tables::list_sizes(const Napi::CallbackInfo& info) {
  Napi::Float64Array out = Napi::Float64Array::New(info.Env(), tables::kMaxLists);
  for (size_t i = 0; i < tables::kMaxLists; ++i) out[i] = 0;
  for (const auto& each : directory(info)->name_store().lists())
    if (each.list < tables::kMaxLists) out[each.list] = static_cast<double>(each.now);
  return out;
}

Napi::Value Tables::check_programs(const Napi::CallbackInfo& info) {
  const ByteView section = bytes_of(info[0], "section");
  const auto limits = info[1].ToObject();
  const auto of = [&](const char* name) { return limits.Get(name).ToNumber().Uint32Value(); };
  tables::Memory memory = tables::Memory::allocate(section.size);
  std::string why = "there is no memory to check it in";
  if (memory) {
    why.clear();
    std::memcpy(memory.data(), section.data, section.size);
    tables::Programs programs;
    const tables::Limits most{of("roleSets"), of("lists"), of("actions")};
    if (!tables::Programs::open(memory.body(), most, programs, why) && why.empty()) why = "it is damaged";
  }
  return Napi::String::New(info.Env(), why);
}

Napi::Value Tables::lost(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), directory(info)->lost());
}

Napi::Value Tables::publish(const Napi::CallbackInfo& info) {
  const auto request = std::make_shared<PublishRequest>(request_of(info[0]));
  return Job<Published>::run(
      info.Env(), [directory = directory(info), request] { return directory->publish(std::move(*request)); },
      published_value);
}

Napi::Value Tables::rebuild(const Napi::CallbackInfo& info) {
  const bool names = text(info, 0, "what") == "names";
  return Job<Nothing>::run(
      info.Env(),
      [directory = directory(info), names] {
        if (names)
          directory->rebuild_names();
        else
          directory->rebuild_clients();
        return Nothing{};
      },
      undefined);
}

void Tables::close(const Napi::CallbackInfo&) {
  loads_.clear();
  directory_.reset();
}

}  // namespace nnoe::addon
