// SPDX-License-Identifier: MPL-2.0
#include "addon/table_values.h"

#include <cstring>

namespace nnoe::addon {
namespace {

using tables::Section;

Napi::TypeError wrong(Napi::Env env, const std::string& what) { return Napi::TypeError::New(env, what); }

Napi::Number number(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

uint32_t whole(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (value.IsNumber()) return value.As<Napi::Number>().Uint32Value();
  throw wrong(object.Env(), std::string(name) + " must be a number");
}

std::string text(const Napi::Value& value, const char* what) {
  if (value.IsString()) return value.As<Napi::String>().Utf8Value();
  throw wrong(value.Env(), std::string(what) + " must be a string");
}

Napi::Array array(const Napi::Value& value, const char* what) {
  if (value.IsArray()) return value.As<Napi::Array>();
  throw wrong(value.Env(), std::string(what) + " must be an array");
}

std::vector<std::string> strings(const Napi::Value& value, const char* what) {
  const Napi::Array from = array(value, what);
  std::vector<std::string> all;
  for (uint32_t i = 0; i < from.Length(); ++i) all.push_back(text(from.Get(i), what));
  return all;
}

// 'changed' or 'none'; left out: it stays.
Next next_of(const Napi::Value& value, const char* what) {
  if (value.IsUndefined()) return Next::kStays;
  const std::string is = text(value, what);
  if (is == "none") return Next::kNone;
  if (is == "changed") return Next::kChanged;
  throw wrong(value.Env(), std::string(what) + ": changed or none");
}

std::string raw(const Napi::Object& object, const char* name) {
  const ByteView bytes = bytes_of(object.Get(name), name);
  return {reinterpret_cast<const char*>(bytes.data), bytes.size};
}

tables::ActionSpec action_of(const Napi::Object& from) {
  tables::ActionSpec spec;
  spec.act = static_cast<tables::Act>(whole(from, "act"));
  spec.ttl = whole(from, "ttl");
  const std::string a = raw(from, "a");
  for (size_t at = 0; at + 4 <= a.size(); at += 4) {
    uint32_t address = 0;
    std::memcpy(&address, a.data() + at, 4);
    spec.a.push_back(__builtin_bswap32(address));
  }
  const std::string aaaa = raw(from, "aaaa");
  for (size_t at = 0; at + 16 <= aaaa.size(); at += 16) spec.aaaa.push_back(aaaa.substr(at, 16));
  spec.cname = raw(from, "cname");
  spec.pool = text(from.Get("pool"), "pool");
  spec.ede = static_cast<uint16_t>(whole(from, "ede"));
  spec.ede_text = text(from.Get("edeText"), "edeText");
  return spec;
}

Napi::Value action_value(Napi::Env env, const tables::ActionSpec& spec) {
  std::string a;
  for (const uint32_t address : spec.a) {
    const uint32_t swapped = __builtin_bswap32(address);
    a.append(reinterpret_cast<const char*>(&swapped), 4);
  }
  std::string aaaa;
  for (const std::string& address : spec.aaaa) aaaa += address;
  Napi::Object out = Napi::Object::New(env);
  out.Set("act", number(env, static_cast<uint64_t>(spec.act)));
  out.Set("ttl", number(env, spec.ttl));
  out.Set("a", Napi::Buffer<char>::Copy(env, a.data(), a.size()));
  out.Set("aaaa", Napi::Buffer<char>::Copy(env, aaaa.data(), aaaa.size()));
  out.Set("cname", Napi::Buffer<char>::Copy(env, spec.cname.data(), spec.cname.size()));
  out.Set("pool", Napi::String::New(env, spec.pool));
  out.Set("ede", number(env, spec.ede));
  out.Set("edeText", Napi::String::New(env, spec.ede_text));
  return out;
}

std::vector<uint16_t> words(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint16_array)
    throw wrong(object.Env(), std::string(name) + " must be a Uint16Array");
  const auto from = value.As<Napi::Uint16Array>();
  return {from.Data(), from.Data() + from.ElementLength()};
}

// Rows by class become rows by role set.
tables::SubscriptionsPlan plan_of(const Napi::Object& from) {
  const std::vector<uint16_t> classes = words(from, "classes");
  const std::vector<uint16_t> rows = words(from, "rows");
  const std::vector<uint16_t> order = words(from, "order");
  const std::string kinds = raw(from, "kinds");
  const size_t lists = kinds.size();
  const auto row_of = [&](size_t of_class) {
    if ((of_class + 1) * lists > rows.size()) throw wrong(from.Env(), "a class without a row");
    const auto begin = rows.begin() + static_cast<ptrdiff_t>(of_class * lists);
    return tables::SubscriptionsPlan::Row(begin, begin + static_cast<ptrdiff_t>(lists));
  };
  tables::SubscriptionsPlan plan;
  plan.lists.resize(lists);
  for (size_t i = 0; i < lists; ++i)
    plan.lists[i].kind = kinds[i] == 2 ? tables::ListKind::kAllow : tables::ListKind::kBlock;
  for (size_t i = 0; i < order.size(); ++i) {
    if (order[i] >= lists) throw wrong(from.Env(), "order names a list that there is not");
    plan.lists[order[i]].rank = static_cast<uint16_t>(i);
  }
  for (const uint16_t of_class : classes) plan.role_sets.push_back(row_of(of_class));
  plan.others = row_of(whole(from, "others"));
  return plan;
}

Names names_of(const Napi::Object& from) {
  Names names;
  const Napi::Array sets = array(from.Get("roleSets"), "roleSets");
  for (uint32_t i = 0; i < sets.Length(); ++i) names.role_sets.push_back(strings(sets.Get(i), "roles"));
  if (names.role_sets.empty()) throw wrong(from.Env(), "roleSets must have the default");
  names.lists = strings(from.Get("lists"), "lists");
  return names;
}

void add_programs(const Napi::Value& value, PublishRequest& request) {
  if (value.IsUndefined()) return;
  if (value.IsString()) {
    const std::string is = text(value, "programs");
    request.programs = is == "none" ? Next::kNone : Next::kChanged;
    if (is == "unplanned") request.program_body = unplanned_programs();
    return;
  }
  const ByteView body = bytes_of(value, "programs");
  request.programs = Next::kChanged;
  request.program_body.assign(body.data, body.data + body.size);
}

Napi::Value sections_value(Napi::Env env, const tables::ManifestContent& manifest) {
  Napi::Array out = Napi::Array::New(env);
  for (const tables::ManifestEntry& entry : manifest.entries) {
    Napi::Object each = Napi::Object::New(env);
    each.Set("name", Napi::String::New(env, tables::kSectionNames[entry.kind]));
    each.Set("bytes", number(env, entry.bytes));
    each.Set("generation", number(env, entry.generation));
    out.Set(out.Length(), each);
  }
  return out;
}

void set_manifest(Napi::Object out, const tables::ManifestContent& manifest) {
  const Napi::Env env = out.Env();
  // Nothing was published yet where nothing has a time.
  out.Set("generation", number(env, manifest.head.created_us == 0 ? 0 : manifest.head.generation));
  out.Set("createdUs", number(env, manifest.head.created_us));
  out.Set("sections", sections_value(env, manifest));
}

Napi::Value flags(Napi::Env env, const Published& published, bool Due::*flag) {
  Napi::Array out = Napi::Array::New(env);
  if (published.clients.*flag) out.Set(out.Length(), Napi::String::New(env, "clients"));
  if (published.names.*flag) out.Set(out.Length(), Napi::String::New(env, "names"));
  return out;
}

Napi::Value faults_value(Napi::Env env, const tables::ListReport& report) {
  Napi::Object out = Napi::Object::New(env);
  for (size_t i = 0; i < tables::kRowFaults; ++i) {
    const tables::FaultCount& count = report.faults[i];
    if (count.rows == 0) continue;
    Napi::Array lines = Napi::Array::New(env);
    for (const uint64_t line : count.lines)
      if (line != 0) lines.Set(lines.Length(), number(env, line));
    Napi::Object each = Napi::Object::New(env);
    each.Set("rows", number(env, count.rows));
    each.Set("lines", lines);
    out.Set(tables::kRowFaultNames[i], each);
  }
  return out;
}

// Texts alone; they are given back in the same order, converted.
Napi::Value unicode_value(Napi::Env env, const std::vector<tables::UnicodeRow>& rows) {
  Napi::Array out = Napi::Array::New(env, rows.size());
  for (uint32_t i = 0; i < rows.size(); ++i) out.Set(i, Napi::String::New(env, rows[i].text));
  return out;
}

}  // namespace

ByteView bytes_of(const Napi::Value& value, const char* what) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    throw wrong(value.Env(), std::string(what) + " must be a Uint8Array");
  const auto from = value.As<Napi::Uint8Array>();
  return {from, from.Data(), from.ElementLength()};
}

std::vector<std::string> texts_of(const Napi::Value& value, const char* what) {
  const Napi::Array from = array(value, what);
  std::vector<std::string> all;
  for (uint32_t i = 0; i < from.Length(); ++i) {
    const ByteView each = bytes_of(from.Get(i), what);
    all.emplace_back(reinterpret_cast<const char*>(each.data), each.size);
  }
  return all;
}

PublishRequest request_of(const Napi::Value& value) {
  if (!value.IsObject()) throw wrong(value.Env(), "a request is an object");
  const auto from = value.As<Napi::Object>();
  PublishRequest request;
  const Napi::Value registry = from.Get("registry");
  if (registry.IsObject()) request.registry = names_of(registry.As<Napi::Object>());
  const Napi::Value actions = from.Get("actions");
  if (!actions.IsUndefined()) {
    const Napi::Array all = array(actions, "actions");
    request.actions.emplace();
    for (uint32_t i = 0; i < all.Length(); ++i)
      request.actions->push_back(action_of(all.Get(i).As<Napi::Object>()));
  }
  request.clients = next_of(from.Get("clients"), "clients");
  request.names = next_of(from.Get("names"), "names");
  const Napi::Value subscriptions = from.Get("subscriptions");
  if (subscriptions.IsObject()) {
    request.subscriptions = Next::kChanged;
    request.plan = plan_of(subscriptions.As<Napi::Object>());
  } else {
    request.subscriptions = next_of(subscriptions, "subscriptions");
  }
  add_programs(from.Get("programs"), request);
  return request;
}

Napi::Value restored_value(Napi::Env env, const TableDirectory& directory) {
  Napi::Object out = Napi::Object::New(env);
  set_manifest(out, directory.manifest());
  out.Set("found", Napi::String::New(env, directory.found()));
  const Names& names = directory.names();
  Napi::Array sets = Napi::Array::New(env);
  for (const auto& roles : names.role_sets) {
    Napi::Array set = Napi::Array::New(env);
    for (const std::string& role : roles) set.Set(set.Length(), Napi::String::New(env, role));
    sets.Set(sets.Length(), set);
  }
  out.Set("roleSets", sets);
  Napi::Array lists = Napi::Array::New(env);
  for (const std::string& list : names.lists) lists.Set(lists.Length(), Napi::String::New(env, list));
  out.Set("lists", lists);
  Napi::Array actions = Napi::Array::New(env);
  for (const tables::ActionSpec& action : directory.actions())
    actions.Set(actions.Length(), action_value(env, action));
  out.Set("actions", actions);
  return out;
}

Napi::Value published_value(Napi::Env env, const Published& published) {
  Napi::Object out = Napi::Object::New(env);
  set_manifest(out, published.manifest);
  out.Set("seconds", Napi::Number::New(env, published.seconds));
  out.Set("due", flags(env, published, &Due::rebuild));
  out.Set("missing", flags(env, published, &Due::missing));
  out.Set("again", flags(env, published, &Due::again));
  return out;
}

Napi::Value load_value(Napi::Env env, uint32_t id, ListTaker& load) {
  const tables::ListLoader& loader = load.loader();
  const tables::ListReport& report = loader.report();
  Napi::Object out = Napi::Object::New(env);
  out.Set("id", number(env, id));
  out.Set("names", number(env, load.names()));
  out.Set("exceptions", number(env, load.exceptions()));
  out.Set("rows", number(env, load.names() + load.exceptions() + loader.protected_count() + report.bad()));
  out.Set("format", Napi::String::New(env, tables::kListFormatNames[static_cast<size_t>(report.format)]));
  out.Set("bad", faults_value(env, report));
  Napi::Object withheld = Napi::Object::New(env);
  withheld.Set("names", number(env, loader.protected_count()));
  Napi::Array first = Napi::Array::New(env);
  for (const std::string& each : loader.protected_names())
    first.Set(first.Length(), Napi::String::New(env, each));
  withheld.Set("first", first);
  out.Set("withheld", withheld);
  out.Set("bytes", number(env, report.bytes));
  out.Set("checksum", number(env, report.crc));
  out.Set("unicode", unicode_value(env, loader.rows()));
  return out;
}

}  // namespace nnoe::addon
