// SPDX-License-Identifier: MPL-2.0
// What is said of a path that the system refuses: the first thing in the way, and who has to change what.
#include "shm/denied.h"

#include <doctest/doctest.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "shm/test/support.h"

using namespace nnoe::test;

namespace {

constexpr unsigned kNobody = 65534;

bool is_root() { return ::getuid() == 0; }

// Whoever is above permissions is somebody else meanwhile, without a group of what is made here.
class Unprivileged {
 public:
  Unprivileged() {
    if (!is_root()) return;
    groups_.resize(static_cast<size_t>(::getgroups(0, nullptr)));
    REQUIRE(::getgroups(static_cast<int>(groups_.size()), groups_.data()) >= 0);
    REQUIRE(::setgroups(0, nullptr) == 0);
    REQUIRE(::setegid(kNobody) == 0);
    REQUIRE(::seteuid(kNobody) == 0);
  }
  ~Unprivileged() {
    if (!is_root()) return;
    if (::seteuid(0) != 0 || ::setegid(0) != 0 || ::setgroups(groups_.size(), groups_.data()) != 0) ::abort();
  }

 private:
  std::vector<gid_t> groups_;
};

struct Place {
  TempDir temporary;
  std::string directory = temporary.path() + "/outer/tables";
  std::string outer = temporary.path() + "/outer";

  Place() {
    ::chmod(temporary.path().c_str(), 0755);
    REQUIRE(::mkdir(outer.c_str(), 0755) == 0);
    REQUIRE(::mkdir(directory.c_str(), 0755) == 0);
  }

  ~Place() {
    ::chmod(outer.c_str(), 0755);
    ::chmod(directory.c_str(), 0755);
  }
};

std::string of(const std::string& path, Want want, int code = EACCES) {
  const Unprivileged someone;
  return denied(path, want, code);
}

bool says(const std::string& text, const std::string& part) {
  CAPTURE(text);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

}  // namespace

TEST_CASE("a directory on the way that may not be entered is named before what is behind it") {
  Place place;
  ::chmod(place.outer.c_str(), is_root() ? 0750 : 0600);
  const std::string text = of(place.directory, Want::kRead);
  says(text, ": " + place.outer + " is ");
  says(text, is_root() ? ":root 0750, and this process runs as nobody, which has to own it"
                       : "has to let the owner enter it");
}

TEST_CASE("a group that has the right is what the user has to be in") {
  if (!is_root()) return;  // files cannot be given away
  Place place;
  REQUIRE(::chown(place.directory.c_str(), 1, 12345) == 0);
  ::chmod(place.directory.c_str(), 02770);
  const std::string who =
      place.directory + " is daemon:12345 2770, and this process runs as nobody, which has to ";
  CHECK(of(place.directory, Want::kRead) == ": " + who + "be in the group 12345, and be started anew");
  CHECK(of(place.directory + "/new", Want::kWrite) ==
        ": " + who + "be in the group 12345, and be started anew");
  ::chmod(place.directory.c_str(), 0755);
  CHECK(of(place.directory, Want::kWrite) ==
        ": " + place.directory +
            " is daemon:12345 0755, and this process runs as nobody, which has to own it, or be in its group "
            "with the right to write it");
}

TEST_CASE("its owner is told of the mode") {
  if (is_root()) return;
  Place place;
  ::chmod(place.directory.c_str(), 0500);
  says(of(place.directory + "/new", Want::kWrite), " 0500, and this process runs as ");
  says(of(place.directory + "/new", Want::kWrite), ": its mode has to let the owner write it");
}

TEST_CASE("what owner and mode allow is for AppArmor and systemd to allow") {
  Place place;
  ::chmod(place.directory.c_str(), 0777);
  says(of(place.directory, Want::kRead), "AppArmor");
  says(of(place.directory + "/new", Want::kWrite), "sandbox of its systemd unit");
  says(of(place.directory, Want::kWrite, EROFS), "ReadWritePaths=");
}

TEST_CASE("nothing is said of other errors, of names alone, and of what is not there") {
  const Place place;
  CHECK(of(place.directory, Want::kRead, ENOENT).empty());
  CHECK(of("segment", Want::kRead).empty());
  CHECK(of("", Want::kRead).empty());
  CHECK(denied_at(-1, "manifest", Want::kRead, EACCES).empty());
}

TEST_CASE("a file is found by its directory") {
  Place place;
  const int directory = ::open(place.directory.c_str(), O_RDONLY | O_DIRECTORY);
  REQUIRE(directory >= 0);
  const std::string file = place.directory + "/manifest";
  REQUIRE(::close(::open(file.c_str(), O_CREAT | O_WRONLY, 0600)) == 0);
  if (!is_root()) ::chmod(file.c_str(), 0);
  {
    const Unprivileged someone;
    says(denied_at(directory, "manifest", Want::kRead, EACCES), ": " + file + " is ");
  }
  ::close(directory);
}
