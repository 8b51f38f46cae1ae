// SPDX-License-Identifier: MPL-2.0
#include "dnsdist-bridge/runtime.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <new>
#include <system_error>

#include "dnsdist-bridge/query.h"

namespace nnoe::bridge {

using journal::Fd;
using tables::Epochs;
using tables::Generation;
using tables::Read;

namespace {

constexpr int kLookEvery = 1000;  // ms; a directory that is not there yet cannot be watched
constexpr int kAgainEvery = 10;   // looks; then a generation that was refused is loaded once more
constexpr uint32_t kWatched = IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

std::atomic<uint64_t> runtimes{0};

// To standard error, which is the log of the server.
void say(const std::string& text) noexcept { std::fprintf(stderr, "nnoe: %s\n", text.c_str()); }

// Tells when something was renamed into a directory; looks again for one that was not there.
class Watch {
 public:
  explicit Watch(std::string path) : path_(std::move(path)), fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

  int fd() const noexcept { return fd_.get(); }

  // Begins to watch, if there is something to watch and it is not done yet. Before a look, so that nothing
  // that comes after that is missed.
  void begin() noexcept {
    if (fd_ && watch_ < 0) watch_ = inotify_add_watch(fd_.get(), path_.c_str(), kWatched);
  }

  // Takes what was told. When the directory itself was taken away, the next `begin` watches the new one.
  void take() noexcept {
    alignas(inotify_event) char buffer[4096];
    for (ssize_t size; fd_ && (size = ::read(fd_.get(), buffer, sizeof(buffer))) > 0;) {
      for (ssize_t at = 0; at < size;) {
        inotify_event event{};
        std::memcpy(&event, buffer + at, sizeof(event));
        if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0) forget();
        at += static_cast<ssize_t>(sizeof(event) + event.len);
      }
    }
  }

 private:
  void forget() noexcept {
    if (watch_ >= 0) inotify_rm_watch(fd_.get(), watch_);
    watch_ = -1;
  }

  std::string path_;
  Fd fd_;
  int watch_ = -1;
};

}  // namespace

// The runtimes that a thread has asked: one in a server; tests have more.
struct Runtime::Threads {
  std::map<uint64_t, std::unique_ptr<Thread>> all;
  static thread_local Threads here;
};

const Generation Runtime::kNothing;

thread_local Runtime::Threads Runtime::Threads::here;

__thread Runtime::Last Runtime::Last::here{0, nullptr};

Runtime::Runtime(const Options& options)
    : options_(options),
      fail_(options.fail_closed ? tables::Act::kRefused : tables::Act::kAllow),
      number_(runtimes.fetch_add(1, std::memory_order_relaxed) + 1),
      shared_(std::make_shared<Shared>()),
      loader_(options.directory),
      stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (options.decisions.empty()) return;
  tables::DecisionOptions decisions;
  decisions.bridge = options.bridge;
  decisions.dnsdist = options.server;
  decisions.fail = options.fail_closed ? tables::FailMode::kClosed : tables::FailMode::kOpen;
  decisions.sampling = options.sampling;
  decisions_ = tables::DecisionWriter::create(options.decisions, decisions);
  asker_ = std::make_unique<Asker>(options.decisions);
}

std::unique_ptr<Runtime> Runtime::start(const Options& options, std::string& why) noexcept try {
  std::unique_ptr<Runtime> runtime(new Runtime(options));
  runtime->try_look(true);
  if (!runtime->held_) why = "there are no tables to go by in " + options.directory;
  // Signals are the server's.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    runtime->helper_ = std::thread([self = runtime.get()] { self->run(); });
  } catch (const std::system_error& error) {
    why = error.what();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!runtime->helper_.joinable()) return nullptr;
  return runtime;
} catch (const std::exception& error) {
  why = error.what();
  return nullptr;
}

Runtime::~Runtime() {
  const uint64_t one = 1;
  if (helper_.joinable() && ::write(stop_.get(), &one, sizeof(one)) == sizeof(one)) helper_.join();
  current_.store(&kNothing, std::memory_order_release);
}

uint64_t Runtime::generation() const noexcept {
  // SYNC read:generation - only its number is looked at, and a generation is freed by the helper alone.
  Thread* thread = const_cast<Runtime*>(this)->enter();
  if (thread == nullptr) return 0;
  const Generation* current = current_.load(std::memory_order_acquire);
  const uint64_t number = current->head.generation;
  Epochs::exit(*thread->reader);
  return number;
}

// --- the helper ---

void Runtime::run() noexcept {
  pthread_setname_np(pthread_self(), "nnoe-tables");
  Watch watch(options_.directory);
  for (int looks = 1;; ++looks) {
    watch.begin();
    try_look(looks % kAgainEvery == 0);
    pollfd events[] = {{stop_.get(), POLLIN, 0}, {watch.fd(), POLLIN, 0}};
    ::poll(events, watch.fd() < 0 ? 1 : 2, kLookEvery);
    if (events[0].revents != 0) return;
    watch.take();
  }
}

// Whatever is in the way now may not be there next time.
void Runtime::try_look(bool again) noexcept try {
  look(again);
  keep_decisions();
} catch (const std::exception& error) {
  say(std::string("tables were not loaded: ") + error.what());
}

void Runtime::look(bool again) {
  std::shared_ptr<const Generation> next;
  std::string why;
  const Read read = loader_.poll(again, next, why);
  if (read == Read::kDone) replace(std::move(next));
  if (read != Read::kRefused) return;
  say("refused the tables in " + options_.directory + ": " + why);
  if (decisions_) decisions_->set_refused(loader_.refused(), why);
}

// The file appears with the first query: a check of the server's configuration asks nothing and leaves
// nothing.
void Runtime::keep_decisions() {
  if (!decisions_ || !shared_->asked.load(std::memory_order_relaxed)) return;
  std::string why;
  if (decisions_->maintain(why)) {
    complaint_.clear();
  } else if (complaint_ != why) {
    say("decisions are counted, but the host is not told of them: " + why);
    complaint_ = why;
  }
}

void Runtime::replace(std::shared_ptr<const Generation> next) {
  // SYNC write:generation - release, so that who gets the pointer finds the tables; partner: Query.
  current_.store(next.get(), std::memory_order_release);
  shared_->epochs.wait();
  held_ = std::move(next);
  if (asker_) asker_->wanted(held_->programs && held_->programs->view.header().basis != 0);
  if (decisions_) decisions_->set_loaded(held_->head.generation, held_->bytes);
}

// --- query threads ---

__attribute__((noinline, cold)) Runtime::Thread* Runtime::enter_any() noexcept {
  Thread* thread = join();
  if (thread != nullptr) shared_->epochs.enter(*thread->reader);
  return thread;
}

// The first query of a thread, or one after it asked another runtime; any where readers need a fence.
__attribute__((noinline, cold)) Runtime::Thread* Runtime::join() noexcept try {
  std::unique_ptr<Thread>& mine = Threads::here.all[number_];
  if (!mine) {
    Epochs::Reader* reader = shared_->epochs.join();
    if (reader == nullptr) return nullptr;
    mine.reset(new Thread{*this, shared_, reader, decisions_ ? decisions_->claim() : nullptr,
                          asker_ ? asker_->join() : nullptr});
    shared_->asked.store(true, std::memory_order_relaxed);
  }
  if (shared_->epochs.asymmetric()) Last::here = {number_, mine.get()};
  return mine.get();
} catch (const std::bad_alloc&) {
  return nullptr;
}

}  // namespace nnoe::bridge
