// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <vector>

#include "core/intrusive_list.h"

using namespace anchor;

namespace {

struct Element {
  Links<Element> links;
};
using List = IntrusiveList<Element, &Element::links>;

std::vector<Element*> contents(List& list) {
  std::vector<Element*> all;
  list.for_each([&](Element* element) {
    all.push_back(element);
    return true;
  });
  return all;
}

}  // namespace

Test(intrusive_list, keeps_order_and_removes_anywhere) {
  Element a, b, c, d;
  List list;
  cr_assert(list.empty());
  for (Element* element : {&a, &b, &c, &d}) list.push_back(element);
  cr_assert(contents(list) == std::vector<Element*>({&a, &b, &c, &d}));
  list.remove(&b);
  list.remove(&d);
  list.remove(&a);
  cr_assert(contents(list) == std::vector<Element*>({&c}));
  list.push_back(&a);
  cr_assert_eq(list.front(), &c);
  cr_assert_eq(list.after(&c), &a);
  cr_assert_eq(list.size(), 2u);
  list.remove(&c);
  list.remove(&a);
  cr_assert(list.empty());
  list.push_back(&b);
  cr_assert_eq(list.front(), &b);
}

Test(intrusive_list, the_visitor_may_remove_and_stop) {
  Element elements[6];
  List list;
  for (Element& element : elements) list.push_back(&element);
  unsigned visits = 0;
  list.for_each([&](Element* element) {
    list.remove(element);
    return ++visits < 4;
  });
  cr_assert(contents(list) == std::vector<Element*>({&elements[4], &elements[5]}));
}
