// SPDX-License-Identifier: BSD-2-Clause
#include "dma/window_config_text.h"

#include <cctype>
#include <charconv>
#include <set>
#include <sstream>

#include "dma/doorbell_device.h"

namespace anchor {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

unsigned shift_of(char unit) noexcept {
  switch (unit) {
    case 'K':
      return 10;
    case 'M':
      return 20;
    case 'G':
      return 30;
    default:
      return 0;
  }
}

// Decimal or 0x, perhaps with K, M or G behind it.
bool parse_number(std::string_view text, std::uint64_t* value) noexcept {
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal) text.remove_prefix(2);
  const unsigned shift = text.empty() || hexadecimal ? 0 : shift_of(text.back());
  if (shift != 0) text.remove_suffix(1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, hexadecimal ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size() || number > UINT64_MAX >> shift) return false;
  *value = number << shift;
  return true;
}

// "PATH [OFFSET [SIZE]]"
bool parse_place(std::string_view text, WindowPlace* place) {
  std::istringstream words{std::string(text)};
  std::string offset, size, rest;
  words >> place->path >> offset >> size >> rest;
  return rest.empty() && !place->path.empty() && (offset.empty() || parse_number(offset, &place->offset)) &&
         (size.empty() || parse_number(size, &place->size));
}

// What is said behind a value that cannot be.
const char* wanted(std::string_view key) noexcept {
  if (key == "doorbell") return ": it is socket:/FOLDER or vfio:0000:00:04.0";
  if (key == "memory") return ": it is coherent, write-combined or non-coherent; for tests, simulated or checked";
  if (key.starts_with("partition.")) return ": it is PATH [OFFSET [SIZE]]";
  return key == "path" ? "" : ": a number, decimal or 0x..., K, M or G behind it";
}

bool take(std::string_view key, std::string_view value, WindowConfigText* written, std::string* reason) {
  bool understood = true;
  if (key == "path") {
    written->common.path = value;
  } else if (key == "offset") {
    understood = parse_number(value, &written->common.offset);
  } else if (key == "size") {
    understood = parse_number(value, &written->common.size);
  } else if (key == "hosts") {
    understood = parse_number(value, &written->hosts);
  } else if (key == "host") {
    understood = parse_number(value, &written->host);
  } else if (key == "timeout") {
    understood = parse_number(value, &written->timeout.emplace());
  } else if (key == "memory") {
    understood = parse_memory_type(value, &written->memory.emplace());
  } else if (key == "doorbell") {
    written->doorbell = value;
    understood = is_doorbell(written->doorbell);
  } else if (key.starts_with("partition.")) {
    std::uint64_t host = 0;
    understood = parse_number(key.substr(10), &host) && parse_place(value, &written->partitions[host]);
  } else {
    *reason = "unknown key " + std::string(key);
    return false;
  }
  if (!understood) *reason = std::string(key) + " cannot be " + std::string(value) + wanted(key);
  return understood;
}

}  // namespace

bool parse_lines(std::string_view text, WindowConfigText* written, std::string* reason) {
  std::set<std::string_view> keys;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const std::size_t equals = line.find('=');
    std::string why = "a line is KEY = VALUE";
    const std::string_view key = trimmed(line.substr(0, equals));
    if (equals != line.npos && !keys.insert(key).second) {
      *reason = "line " + std::to_string(number) + ": " + std::string(key) + " is there a second time";
      return false;
    }
    if (equals == line.npos || !take(key, trimmed(line.substr(equals + 1)), written, &why)) {
      *reason = "line " + std::to_string(number) + ": " + why;
      return false;
    }
  }
  return true;
}

}  // namespace anchor
