// SPDX-License-Identifier: BSD-2-Clause
#include "dma/vfio_doorbell.h"

#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "os/log.h"

namespace anchor {
namespace {

constexpr std::uint32_t kIvshmem = 0x1110'1af4;  // device, vendor: what the configuration space begins with
// In its first range.
constexpr std::uint64_t kPositionRegister = 8;
constexpr std::uint64_t kDoorbellRegister = 12;
constexpr std::uint64_t kRegisterBytes = 16;
constexpr unsigned kPositionShift = 16;  // a word is the position, and below it the vector: ours is the first
constexpr std::uint32_t kMostPosition = 0xffff;

vfio_region_info region(std::uint32_t index) noexcept {
  vfio_region_info info{};
  info.argsz = sizeof info;
  info.index = index;
  return info;
}

// Whether all of it went; else errno says why not.
bool whole(ssize_t done, std::size_t wanted) noexcept {
  if (done >= 0 && static_cast<std::size_t>(done) != wanted) errno = EIO;
  return done >= 0 && static_cast<std::size_t>(done) == wanted;
}

template <class Value>
bool load(int device, Value* value, std::uint64_t offset) noexcept {
  return whole(::pread(device, value, sizeof *value, static_cast<off_t>(offset)), sizeof *value);
}

template <class Value>
bool store(int device, const Value& value, std::uint64_t offset) noexcept {
  return whole(::pwrite(device, &value, sizeof value, static_cast<off_t>(offset)), sizeof value);
}

}  // namespace

int VfioDoorbell::refuse(const char* what, int error) const noexcept {
  ANCHOR_WARN(kDomain, "doorbell vfio:%s: %s: %s", name_.c_str(), what, std::strerror(-error));
  return error;
}

int VfioDoorbell::open(const std::string& name, std::uint32_t /*host*/) {
  name_ = name;
  if (const int error = open_device()) return error;
  if (const int error = find_registers()) return error;
  return set_up_interrupt();
}

int VfioDoorbell::open_device() {
  char link[PATH_MAX];
  const std::string at = "/sys/bus/pci/devices/" + name_ + "/iommu_group";
  const ssize_t length = ::readlink(at.c_str(), link, sizeof link);
  if (length < 0) return refuse("no such device, or it has no IOMMU group (a guest needs an IOMMU)", -errno);
  const std::string target(link, static_cast<std::size_t>(length));
  const std::string path = "/dev/vfio/" + target.substr(target.rfind('/') + 1);
  container_.reset(::open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
  if (!container_) return refuse("/dev/vfio/vfio, of the kernel's module vfio-pci, cannot be opened", -errno);
  group_.reset(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!group_ && errno == EBUSY) return -EBUSY;
  if (!group_ && errno == ENOENT) return refuse("vfio-pci does not drive it", -ENOENT);
  if (!group_) return refuse(path.c_str(), -errno);
  int container = container_.get();
  if (::ioctl(group_.get(), VFIO_GROUP_SET_CONTAINER, &container) != 0 ||
      ::ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU) != 0)
    return refuse("its IOMMU group cannot be used: vfio-pci must drive all devices of it", -errno);
  device_.reset(::ioctl(group_.get(), VFIO_GROUP_GET_DEVICE_FD, name_.c_str()));
  return device_ ? 0 : refuse("its descriptor is refused", -errno);
}

int VfioDoorbell::find_registers() noexcept {
  vfio_region_info configuration = region(VFIO_PCI_CONFIG_REGION_INDEX);
  vfio_region_info registers = region(VFIO_PCI_BAR0_REGION_INDEX);
  std::uint32_t identity = 0, position = 0;
  std::uint16_t command = 0;
  if (::ioctl(device_.get(), VFIO_DEVICE_GET_REGION_INFO, &configuration) != 0 ||
      ::ioctl(device_.get(), VFIO_DEVICE_GET_REGION_INFO, &registers) != 0 ||
      !load(device_.get(), &identity, configuration.offset))
    return refuse("it cannot be looked at", -errno);
  if (identity != kIvshmem || registers.size < kRegisterBytes) return refuse("it is no ivshmem device", -ENODEV);
  // Interrupts are stores of the device to memory. vfio-pci clears the bit when the device is closed.
  if (!load(device_.get(), &command, configuration.offset + PCI_COMMAND) ||
      !store(device_.get(), static_cast<std::uint16_t>(command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
             configuration.offset + PCI_COMMAND) ||
      !load(device_.get(), &position, registers.offset + kPositionRegister))
    return refuse("its registers cannot be used", -errno);
  if (position > kMostPosition) return refuse("its server has given it no number", -ENXIO);
  registers_ = registers.offset;
  word_ = position << kPositionShift;
  return 0;
}

int VfioDoorbell::set_up_interrupt() noexcept {
  vfio_irq_info vectors{};
  vectors.argsz = sizeof vectors;
  vectors.index = VFIO_PCI_MSIX_IRQ_INDEX;
  if (::ioctl(device_.get(), VFIO_DEVICE_GET_IRQ_INFO, &vectors) != 0 || vectors.count == 0)
    return refuse("it has no interrupts: it must be an ivshmem-doorbell with vectors=1 or more", -ENXIO);
  event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event_) return refuse("no descriptor for its interrupt", -errno);
  const int event = event_.get();
  alignas(vfio_irq_set) char bytes[sizeof(vfio_irq_set) + sizeof event] = {};
  auto* request = reinterpret_cast<vfio_irq_set*>(bytes);
  request->argsz = sizeof bytes;
  request->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
  request->index = VFIO_PCI_MSIX_IRQ_INDEX;
  request->count = 1;
  std::memcpy(request->data, &event, sizeof event);
  return ::ioctl(device_.get(), VFIO_DEVICE_SET_IRQS, request) == 0 ? 0 : refuse("its interrupt is refused", -errno);
}

void VfioDoorbell::take_rings() noexcept {
  eventfd_t count;
  static_cast<void>(::eventfd_read(event_.get(), &count));
}

int VfioDoorbell::ring(std::uint32_t word) noexcept {
  return store(device_.get(), word, registers_ + kDoorbellRegister) ? 0 : -errno;
}

int VfioDoorbell::shared(std::uint64_t* offset) const noexcept {
  *offset = registers_ + kDoorbellRegister;
  return device_.get();
}

}  // namespace anchor
