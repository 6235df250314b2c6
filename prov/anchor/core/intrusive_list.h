// SPDX-License-Identifier: BSD-2-Clause
// A doubly linked list whose links are members of its elements: no allocation, O(1) removal from the middle.
//
// Not thread-safe. Owns nothing: an element must outlive its stay, and stand in one list for each Links member it has.
#pragma once

#include <cstddef>

namespace anchor {

// Meaningless unless the element stands in a list.
template <class Node>
struct Links {
  Node* next;
  Node* previous;
};

template <class Node, Links<Node> Node::*kLinks>
class IntrusiveList {
 public:
  IntrusiveList() noexcept = default;
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  void push_back(Node* node) noexcept {
    (node->*kLinks) = {nullptr, last_};
    (last_ ? (last_->*kLinks).next : first_) = node;
    last_ = node;
    ++size_;
  }

  // Requires: node stands in this list.
  void remove(Node* node) noexcept {
    const Links<Node> links = node->*kLinks;
    (links.next ? (links.next->*kLinks).previous : last_) = links.previous;
    (links.previous ? (links.previous->*kLinks).next : first_) = links.next;
    --size_;
  }

  Node* front() const noexcept { return first_; }
  Node* after(const Node* node) const noexcept { return (node->*kLinks).next; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return first_ == nullptr; }

  // Each element from the oldest on, until `visit(Node*)` returns false; it may remove the element it was given.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (Node *node = first_, *next = nullptr; node != nullptr; node = next) {
      next = after(node);
      if (!visit(node)) return;
    }
  }

 private:
  Node* first_ = nullptr;
  Node* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace anchor
