// SPDX-License-Identifier: MPL-2.0
// The arguments of a callout where they lie. Kea's own getArgument goes through a map of strings from its
// root and copies a shared pointer, two locked instructions, for each of them: together more than anything
// else that an event takes. It is a template, so that a specialisation for a class of ours may look at the
// map itself.
#pragma once

#include <hooks/callout_handle.h>

#include <cstring>
#include <string>

namespace nnoe::hook {

class Arguments {
 public:
  // Of a callout that runs: nobody changes them before it returns.
  inline explicit Arguments(const isc::hooks::CalloutHandle& handle);

  // To be asked for in the order of their names, which is that of the map; the last one again, as often as
  // wanted. Throws isc::hooks::NoSuchArgument, or boost::bad_any_cast for one of another type.
  template <typename T, size_t kSize>
  const T& get(const char (&name)[kSize]) {
    for (; at_ != end_; ++at_) {
      const std::string& found = at_->first;
      if (found.size() == kSize - 1 && std::memcmp(found.data(), name, kSize - 1) == 0) {
        return boost::any_cast<const T&>(at_->second);
      }
    }
    missing(name);
  }

 private:
  friend isc::hooks::CalloutHandle;
  using Map = isc::hooks::CalloutHandle::ElementCollection;

  [[noreturn]] static void missing(const char* name);  // hook.cc

  Map::const_iterator at_;
  Map::const_iterator end_;
};

}  // namespace nnoe::hook

template <>
inline void isc::hooks::CalloutHandle::getArgument(const std::string&, nnoe::hook::Arguments& all) const {
  all.at_ = arguments_.begin();
  all.end_ = arguments_.end();
}

nnoe::hook::Arguments::Arguments(const isc::hooks::CalloutHandle& handle) {
  handle.getArgument(std::string(), *this);
}
