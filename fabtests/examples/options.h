// SPDX-License-Identifier: BSD-2-Clause
// "--name value" pairs of a command line. Unknown names end the program, with the names there are.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "endpoint.h"

namespace anchor::examples {

class Options {
 public:
  Options(int argc, char** argv, std::initializer_list<std::string_view> known) {
    for (int i = 1; i < argc; i += 2) {
      const std::string_view name = std::strncmp(argv[i], "--", 2) == 0 ? argv[i] + 2 : argv[i];
      if (std::find(known.begin(), known.end(), name) == known.end() || i + 1 == argc)
        give_up(argv[i], "no such option, or no value for it; there are" + listed(known));
      values_[std::string(name)] = argv[i + 1];
    }
  }

  std::string text(const std::string& name, const std::string& otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
  }
  long number(const std::string& name, long otherwise) const {
    return std::strtol(text(name, std::to_string(otherwise)).c_str(), nullptr, 0);
  }

 private:
  static std::string listed(std::initializer_list<std::string_view> names) {
    std::string text;
    for (const std::string_view name : names) text.append(" --").append(name);
    return text;
  }

  std::map<std::string, std::string> values_;
};

}  // namespace anchor::examples
