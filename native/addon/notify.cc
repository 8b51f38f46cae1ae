// SPDX-License-Identifier: MPL-2.0
#include "addon/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "addon/arguments.h"
#include "addon/errors.h"
#include "shm/files.h"

namespace nnoe::addon {
Napi::Value notify(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = text(info, 0, "socket");
  const std::string message = text(info, 1, "message");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() < 2 || (name[0] != '/' && name[0] != '@'))
    throw coded(env, kNotify, "a socket is named by an absolute path, or by @ and a name");
  if (name.size() >= sizeof address.sun_path || name.find('\0') != std::string::npos)
    throw coded(env, kNotify, "the name of the socket is too long or has a zero in it");
  std::memcpy(address.sun_path, name.data(), name.size());
  // In an abstract name the first byte is zero, and every byte of the length belongs to it.
  if (name[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());

  const journal::Fd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) throw coded(env, kNotify, journal::system_error("create", "socket").text);
  const ssize_t sent = ::sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), length);
  if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
    throw coded(env, kNotify, journal::system_error("send to", name.c_str()).text);
  return Napi::Boolean::New(env, sent >= 0);
}

}  // namespace nnoe::addon
