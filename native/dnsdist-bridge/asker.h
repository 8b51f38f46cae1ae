// SPDX-License-Identifier: MPL-2.0
// Asks the host what the policy decision point rules about queries that no program decides. Query threads
// look a ruling up and, when there is none, leave their question in a ring of their own; a thread of its own
// takes these to the host's socket and puts the answers into the cache. Nobody waits for it: a host that is
// slow, gone or damaged costs rulings, and `on-miss` holds.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "dnsdist-bridge/question_ring.h"
#include "dnsdist-bridge/ruling_frames.h"
#include "shm/files.h"

namespace nnoe::bridge {

class Asker {
 public:
  // `directory` has the host's socket. Throws std::bad_alloc; starts nothing.
  explicit Asker(std::string directory);
  ~Asker();
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  const Rulings& rulings() const noexcept { return rulings_; }

  // A ring for one query thread, once in its life; throws std::bad_alloc.
  std::shared_ptr<QuestionRing> join();

  // Whether there are role sets to be asked about; the first time there are, the thread begins. For one
  // thread.
  void wanted(bool wanted) noexcept;

 private:
  struct Pending {
    Hash128 key;
    int64_t since_ms;  // monotonic
    int64_t again_ms;  // 0: no answer yet; else when it may be asked again
  };

  void run() noexcept;
  bool gather();
  void offer(const QuestionRing::Entry& entry);
  void forget_old(int64_t now);
  void connect_again(int64_t now);
  bool is_hosts(int fd) const noexcept;
  void disconnect(const char* why);
  void send_some();
  void receive_some();
  void settle(const Ruling& ruling);
  void complain(const std::string& text);

  const std::string directory_;
  Rulings rulings_;
  std::mutex mutex_;                                  // of rings_
  std::vector<std::shared_ptr<QuestionRing>> rings_;  // a thread that ended gives its up
  std::atomic<bool> wanted_{false};                   // relaxed; wake_ follows
  journal::Fd wake_;                                  // eventfd
  std::atomic<bool> stop_{false};                     // likewise

  // The thread's own.
  journal::Fd socket_;
  std::unordered_map<uint64_t, Pending> pending_;  // by low half of the key, which is the question's number
  std::vector<uint8_t> out_;
  std::vector<uint8_t> in_;
  std::vector<std::shared_ptr<QuestionRing>> taken_;
  uint64_t not_asked_ = 0;    // for want of a place
  uint64_t told_ = 0;         // of lost and not asked, that the host was told of
  uint64_t lost_before_ = 0;  // in rings that are gone
  int64_t next_connect_ms_ = 0;
  int64_t next_forget_ms_ = 0;
  int64_t busy_until_ms_ = 0;
  std::string complaint_;
  std::thread thread_;
};

}  // namespace nnoe::bridge
