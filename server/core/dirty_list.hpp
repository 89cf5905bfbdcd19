// The sessions that have something to do at the end of this turn, or in one of the next.
#pragma once

#include <cstddef>
#include <vector>

namespace fairlead {

class Session;

// A queue of sessions, each in it at most once at a time. Room for all of them is made when they
// are accepted, so that nothing fails later for want of it.
//
// Invariant: head_ <= sessions_.size(); sessions_.size() - head_ <= the capacity reserved.
class DirtyList {
 public:
  void reserve(std::size_t sessions) { sessions_.reserve(sessions); }

  void add(Session& session) noexcept {
    // A flush may add one again behind those that have been taken; their room is used again.
    if (sessions_.size() == sessions_.capacity()) {
      sessions_.erase(sessions_.begin(), sessions_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    sessions_.push_back(&session);
  }

  bool empty() const noexcept { return head_ == sessions_.size(); }
  std::size_t size() const noexcept { return sessions_.size() - head_; }

  // Null when there is none.
  Session* take() noexcept {
    if (head_ < sessions_.size()) return sessions_[head_++];
    sessions_.clear();
    head_ = 0;
    return nullptr;
  }

 private:
  std::vector<Session*> sessions_;
  std::size_t head_ = 0;  // what stands before it has been taken
};

}  // namespace fairlead
