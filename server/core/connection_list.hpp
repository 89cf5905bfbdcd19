// The connections that have something to do at the end of this turn, or in one of the next.
#pragma once

#include <cstddef>
#include <vector>

namespace fairlead {

class Connection;

// A queue of connections, each in it at most once at a time. Room for all of them is made when they
// are accepted, so that nothing fails later for want of it.
//
// Invariant: head_ <= connections_.size(); connections_.size() - head_ <= the capacity reserved.
class ConnectionList {
 public:
  void reserve(std::size_t connections) { connections_.reserve(connections); }

  void add(Connection& connection) noexcept {
    // A flush may add one behind those that have been taken; their room is used again.
    if (connections_.size() == connections_.capacity()) {
      connections_.erase(connections_.begin(),
                         connections_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    connections_.push_back(&connection);
  }

  bool empty() const noexcept { return head_ == connections_.size(); }
  std::size_t size() const noexcept { return connections_.size() - head_; }

  // Null when there is none.
  Connection* take() noexcept {
    if (head_ < connections_.size()) return connections_[head_++];
    connections_.clear();
    head_ = 0;
    return nullptr;
  }

 private:
  std::vector<Connection*> connections_;
  std::size_t head_ = 0;  // those before it have been taken
};

}  // namespace fairlead
