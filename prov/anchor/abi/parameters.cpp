// SPDX-License-Identifier: BSD-2-Clause
#include "abi/parameters.h"

#include <rdma/fi_errno.h>

#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <variant>

#include "abi/provider.h"
#include "os/log.h"
#include "proto/limits.h"

namespace anchor {
namespace {

using Field = std::variant<std::size_t Parameters::*, bool Parameters::*, std::string Parameters::*>;

struct Row {
  const char* name;
  Field field;
  std::size_t least;  // of a number
  std::size_t most;
  const char* help;
};

constexpr std::size_t kDay = 24u * 60 * 60 * 1000;

constexpr Row kRows[] = {
    {"devices", &Parameters::devices, 0, 0, "Devices to use, comma-separated (shm, window); none named: all there are"},
    {"shm_dir", &Parameters::shm_dir, 0, 0, "Directory of the shm device's regions; none named: /dev/shm"},
    {"window", &Parameters::window, 0, 0, "Configuration file of the window device; none named: there is no window"},
    {"connect_timeout", &Parameters::connect_timeout, 1, kDay,
     "Milliseconds a peer that is not there yet is waited for before what was sent to it fails"},
    {"liveness_interval", &Parameters::liveness_interval, 1, kDay,
     "Milliseconds between two looks at whether a connected peer still lives"},
    {"tx_size", &Parameters::tx_size, 1, kMaxTransmitSize,
     "Default number of sends outstanding at once on an endpoint"},
    {"rx_size", &Parameters::rx_size, 1, 1u << 20, "Default number of receives advertised for an endpoint"},
    {"cq_size", &Parameters::cq_size, 1, 1u << 24, "Entries of a completion queue that is opened with size 0"},
    {"unexpected_limit", &Parameters::unexpected_limit, 0, SIZE_MAX / 2,
     "Bytes of messages without a receive that are buffered for one peer before that peer has to wait"},
    {"large_areas", &Parameters::large_areas, 0, 4096,
     "Peers for whose long messages an endpoint sets aside 120 KiB each, first come, first served"},
    {"spin", &Parameters::spin, 0, 1'000'000, "Microseconds a blocking call polls before it sleeps"},
    {"cma", &Parameters::cma, 0, 0, "Let memory of peers be read and written directly (cross-memory attach)"},
    {"mapping", &Parameters::mapping, 0, 0,
     "With cma: let memory of peers that is a shared file's be mapped, and read and written by plain loads and stores"},
};

std::string default_text(const Field& field) {
  const Parameters defaults;
  if (const auto* number = std::get_if<std::size_t Parameters::*>(&field)) return std::to_string(defaults.**number);
  if (const auto* flag = std::get_if<bool Parameters::*>(&field)) return defaults.**flag ? "yes" : "no";
  const std::string& text = defaults.*std::get<std::string Parameters::*>(field);
  return text.empty() ? "none" : text;
}

fi_param_type fabric_type(const Field& field) noexcept {
  if (std::holds_alternative<std::size_t Parameters::*>(field)) return FI_PARAM_SIZE_T;
  return std::holds_alternative<bool Parameters::*>(field) ? FI_PARAM_BOOL : FI_PARAM_STRING;
}

constexpr std::string_view kPrefix = "FI_ANCHOR_";

std::string variable_of(const Row& row) {
  std::string variable(kPrefix);
  for (const char* letter = row.name; *letter != 0; ++letter)
    variable += static_cast<char>(std::toupper(static_cast<unsigned char>(*letter)));
  return variable;
}

// As the user has spelled it: libfabric reads numbers as far as it can, and negative ones as large ones.
struct Setting {
  explicit Setting(const Row& row) : variable(variable_of(row)) {
    const char* value = std::getenv(variable.c_str());
    text = value != nullptr ? value : "";
  }
  std::string variable;
  std::string text;
};

// libfabric reads 30s as 30, and abc as 0.
bool is_number(const std::string& text) noexcept {
  char* end = nullptr;
  static_cast<void>(std::strtoll(text.c_str(), &end, 0));
  return !text.empty() && *end == 0;
}

void read_number(const Row& row, std::size_t Parameters::*field, Parameters* values) {
  std::size_t value = 0;
  const int status = fi_param_get(&provider(), row.name, &value);
  if (status == -FI_ENODATA || status == -FI_ENOENT) return;
  const Setting setting(row);
  if (status == 0 && value >= row.least && value <= row.most && is_number(setting.text)) {
    values->*field = value;
    return;
  }
  ANCHOR_WARN(kCore, "%s must be a number between %zu and %zu, not '%s'; %zu is used", setting.variable.c_str(),
              row.least, row.most, setting.text.c_str(), values->*field);
}

void read_flag(const Row& row, bool Parameters::*field, Parameters* values) {
  int value = 0;
  const int status = fi_param_get(&provider(), row.name, &value);
  if (status == 0) values->*field = value != 0;
  if (status == 0 || status == -FI_ENODATA || status == -FI_ENOENT) return;
  const Setting setting(row);
  ANCHOR_WARN(kCore, "%s must be yes or no, not '%s'; %s is used", setting.variable.c_str(), setting.text.c_str(),
              values->*field ? "yes" : "no");
}

void read_text(const Row& row, std::string Parameters::*field, Parameters* values) {
  char* value = nullptr;  // libfabric's own
  if (fi_param_get(&provider(), row.name, &value) == 0 && value != nullptr) values->*field = value;
}

void warn_of_unknown() {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!text.starts_with(kPrefix)) continue;
    const std::string_view variable = text.substr(0, text.find('='));
    if (std::any_of(std::begin(kRows), std::end(kRows), [&](const Row& row) { return variable_of(row) == variable; }))
      continue;
    ANCHOR_WARN(kCore, "%.*s is no parameter; fi_info -g anchor lists those there are",
                static_cast<int>(variable.size()), variable.data());
  }
}

}  // namespace

void define_parameters() noexcept {
  for (const Row& row : kRows) {
    try {
      fi_param_define(&provider(), row.name, fabric_type(row.field), "%s (default: %s)", row.help,
                      default_text(row.field).c_str());
    } catch (const std::bad_alloc&) {
      return;  // the default holds then
    }
  }
}

Parameters read_parameters() {
  Parameters values;
  warn_of_unknown();
  for (const Row& row : kRows) {
    if (const auto* number = std::get_if<std::size_t Parameters::*>(&row.field)) read_number(row, *number, &values);
    if (const auto* flag = std::get_if<bool Parameters::*>(&row.field)) read_flag(row, *flag, &values);
    if (const auto* text = std::get_if<std::string Parameters::*>(&row.field)) read_text(row, *text, &values);
  }
  return values;
}

const Parameters& parameters() {
  static const Parameters values = read_parameters();
  return values;
}

DeviceOptions device_options() {
  const Parameters& knobs = parameters();
  return {.directory = knobs.shm_dir,
          .direct_copy = knobs.cma,
          .window = knobs.window,
          .near_as_shm = knobs.devices != "window"};
}

}  // namespace anchor
