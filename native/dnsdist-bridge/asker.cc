// SPDX-License-Identifier: MPL-2.0
#include "dnsdist-bridge/asker.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace nnoe::bridge {

using journal::monotonic_ms;

namespace {

constexpr int64_t kConnectEvery = 500;  // ms, while the host does not listen
constexpr int64_t kPatience = 5'000;    // ms without an answer; then the question may be asked again
constexpr int64_t kForgetEvery = 50;    // ms
// Query threads make no system call, so rings are looked into: soon while there are questions, else less
// often.
constexpr int kSoon = 1;             // ms
constexpr int kIdle = 10;            // ms
constexpr int64_t kBusyFor = 1'000;  // ms after a question
constexpr int kUnwanted = -1;        // until there is a role set to ask about

// To standard error, which is the log of the server.
void say(const std::string& text) noexcept { std::fprintf(stderr, "nnoe: %s\n", text.c_str()); }

}  // namespace

Asker::Asker(std::string directory)
    : directory_(std::move(directory)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Asker::~Asker() {
  stop_.store(true, std::memory_order_relaxed);
  const uint64_t one = 1;
  if (thread_.joinable() && ::write(wake_.get(), &one, sizeof one) == sizeof one) thread_.join();
}

std::shared_ptr<QuestionRing> Asker::join() {
  auto ring = std::make_shared<QuestionRing>();
  const std::lock_guard<std::mutex> lock(mutex_);
  rings_.push_back(ring);
  return ring;
}

void Asker::wanted(bool wanted) noexcept {
  wanted_.store(wanted, std::memory_order_relaxed);
  const uint64_t one = 1;
  if (thread_.joinable()) {
    [[maybe_unused]] const ssize_t told = ::write(wake_.get(), &one, sizeof one);
  } else if (wanted && wake_) {
    // Signals are the server's.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& error) {
      say(std::string("the host is not asked what Cerbos says: ") + error.what());
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
}

// --- the thread ---

void Asker::run() noexcept {
  pthread_setname_np(pthread_self(), "nnoe-rulings");
  while (!stop_.load(std::memory_order_relaxed)) {
    const int64_t now = monotonic_ms();
    const bool wanted = wanted_.load(std::memory_order_relaxed);
    try {
      if (wanted) connect_again(now);
      if (gather()) busy_until_ms_ = now + kBusyFor;
      forget_old(now);
      if (socket_ && !out_.empty()) send_some();
    } catch (const std::exception& error) {
      disconnect(error.what());
    }
    pollfd events[] = {{wake_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}};
    if (!out_.empty()) events[1].events |= POLLOUT;
    ::poll(events, socket_ ? 2 : 1, !wanted ? kUnwanted : now < busy_until_ms_ ? kSoon : kIdle);
    uint64_t told = 0;
    if (events[0].revents != 0) {
      [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &told, sizeof told);
    }
    try {
      if (socket_ && (events[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) receive_some();
    } catch (const std::exception& error) {
      disconnect(error.what());
    }
  }
}

// Takes what query threads left; whether there was something.
bool Asker::gather() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto gone = [this](const std::shared_ptr<QuestionRing>& ring) {
      // Nobody but we have it: its thread has ended.
      const bool ended = ring.use_count() == 1 && ring->empty();
      if (ended) lost_before_ += ring->lost();
      return ended;
    };
    rings_.erase(std::remove_if(rings_.begin(), rings_.end(), gone), rings_.end());
    taken_ = rings_;
  }
  QuestionRing::Entry entry;
  bool some = false;
  for (const auto& ring : taken_) {
    // Once around at the most, so that nobody keeps the others waiting.
    for (uint64_t i = 0; i < QuestionRing::kSlots && ring->pop(entry); ++i) {
      some = true;
      offer(entry);
    }
  }
  taken_.clear();
  return some;
}

void Asker::offer(const QuestionRing::Entry& entry) {
  const auto known = pending_.find(entry.key.low);
  uint16_t action = 0;
  if (known != pending_.end() || rulings_.find(entry.key, journal::now_us() / 1000, action)) return;
  if (!socket_ || pending_.size() >= tables::kMaxOutstanding) {
    ++not_asked_;
    return;
  }
  uint64_t dropped = not_asked_ + lost_before_;
  for (const auto& ring : taken_) dropped += ring->lost();
  const uint64_t fresh = dropped - told_;
  put_question(out_, entry.question, entry.key.low,
               static_cast<uint32_t>(std::min<uint64_t>(fresh, UINT32_MAX)));
  told_ = dropped;
  pending_.emplace(entry.key.low, Pending{entry.key, monotonic_ms(), 0});
}

void Asker::forget_old(int64_t now) {
  if (now < next_forget_ms_) return;
  next_forget_ms_ = now + kForgetEvery;
  for (auto at = pending_.begin(); at != pending_.end();) {
    const Pending& pending = at->second;
    const bool over = pending.again_ms == 0 ? now - pending.since_ms > kPatience : now >= pending.again_ms;
    at = over ? pending_.erase(at) : std::next(at);
  }
}

// --- the socket ---

void Asker::connect_again(int64_t now) {
  if (socket_ || now < next_connect_ms_) return;
  next_connect_ms_ = now + kConnectEvery;
  const std::string path = directory_ + "/" + tables::kRulingSocket;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return complain(path + " is too long for a socket");
  std::memcpy(address.sun_path, path.data(), path.size());
  journal::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // Without waiting: when the host's queue is full it is tried again.
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return complain(journal::system_error("connect to", path).text);
  if (!is_hosts(fd.get()))
    return complain(path + " is not the host's: the user that the host runs as has to own " + directory_);
  socket_ = std::move(fd);
  out_.clear();
  in_.clear();
  pending_.clear();
  if (!complaint_.empty()) say("the host answers again what Cerbos says");
  complaint_.clear();
}

// Whoever may write to the directory could put a socket there: it has to be the directory's owner who
// listens.
bool Asker::is_hosts(int fd) const noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  struct stat directory {};
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  if (::stat(directory_.c_str(), &directory) != 0) return false;
  return peer.uid == 0 || peer.uid == directory.st_uid;
}

// What was asked is asked again by whoever misses it.
void Asker::disconnect(const char* why) {
  socket_.reset();
  out_.clear();
  in_.clear();
  pending_.clear();
  next_connect_ms_ = monotonic_ms() + kConnectEvery;
  complain(why);
}

void Asker::send_some() {
  const ssize_t sent = ::send(socket_.get(), out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) {
    out_.erase(out_.begin(), out_.begin() + sent);
  } else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    disconnect("the host went away");
  }
}

void Asker::receive_some() {
  uint8_t buffer[64 * tables::kRulingBytes];
  const ssize_t size = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return disconnect("the host went away");
  in_.insert(in_.end(), buffer, buffer + size);
  size_t at = 0;
  Ruling ruling;
  for (;;) {
    const Frame frame = take_ruling(in_.data() + at, in_.size() - at, ruling);
    if (frame == Frame::kBad) return disconnect("the host says what is no answer");
    if (frame == Frame::kPart) break;
    at += tables::kRulingBytes;
    settle(ruling);
  }
  in_.erase(in_.begin(), in_.begin() + static_cast<ptrdiff_t>(at));
}

void Asker::settle(const Ruling& ruling) {
  const auto found = pending_.find(ruling.number);
  if (found == pending_.end() || found->second.again_ms != 0) return;
  if (ruling.until_ms == 0) {
    found->second.again_ms = monotonic_ms() + ruling.again_ms;
    return;
  }
  rulings_.put(found->second.key, ruling.action, ruling.from_ms, ruling.until_ms, journal::now_us() / 1000);
  pending_.erase(found);
}

void Asker::complain(const std::string& text) {
  if (complaint_ != text) say("queries without a program get what `on-miss` says: " + text);
  complaint_ = text;
}

}  // namespace nnoe::bridge
