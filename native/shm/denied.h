// SPDX-License-Identifier: MPL-2.0
// What stands in the way when the system refuses a path, and who has to change what.
#pragma once

#include <string>

namespace nnoe::journal {

enum class Want { kRead, kWrite };

// For the end of a message, as ": ..."; empty when `code` (an errno value) is no refusal or `path` is not
// absolute. Looks at every directory on the way. Slow, and reads /etc/passwd and /etc/group: for errors
// alone.
std::string denied(const std::string& path, Want want, int code);

// The same of a file in a directory that is open.
std::string denied_at(int directory, const std::string& name, Want want, int code);

}  // namespace nnoe::journal
