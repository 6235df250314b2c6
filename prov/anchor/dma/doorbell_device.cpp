// SPDX-License-Identifier: BSD-2-Clause
#include "dma/doorbell_device.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <new>

#include "dma/socket_doorbell.h"
#include "dma/vfio_doorbell.h"

namespace anchor {
namespace {

constexpr std::string_view kVfio = "vfio:";
constexpr std::string_view kSocket = "socket:";

// As in "0000:00:04.0".
bool is_device_name(std::string_view name) noexcept {
  constexpr std::string_view kForm = "xxxx:xx:xx.x";
  return std::equal(name.begin(), name.end(), kForm.begin(), kForm.end(), [](char given, char form) {
    return form == 'x' ? std::isxdigit(static_cast<unsigned char>(given)) != 0 : given == form;
  });
}

template <class Kind>
int open_as(std::string_view where, std::uint32_t host, std::unique_ptr<DoorbellDevice>* device) {
  auto made = std::make_unique<Kind>();
  if (const int error = made->open(std::string(where), host)) return error;
  *device = std::move(made);
  return 0;
}

}  // namespace

std::string DoorbellDevice::unreachable(std::uint32_t /*word*/, int error) const { return std::strerror(-error); }

bool is_doorbell(std::string_view description) noexcept {
  if (description.starts_with(kVfio)) return is_device_name(description.substr(kVfio.size()));
  return description.starts_with(kSocket) && description.substr(kSocket.size()).starts_with('/');
}

int open_doorbell(const std::string& description, std::uint32_t host, std::unique_ptr<DoorbellDevice>* device) noexcept
    try {
  const std::string_view all = description;
  if (!is_doorbell(all)) return -EINVAL;
  if (all.starts_with(kVfio)) return open_as<VfioDoorbell>(all.substr(kVfio.size()), host, device);
  return open_as<SocketDoorbell>(all.substr(kSocket.size()), host, device);
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

}  // namespace anchor
