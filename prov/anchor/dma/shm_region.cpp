// SPDX-License-Identifier: BSD-2-Clause
#include "dma/shm_region.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include "dma/shm_wait_pipe.h"
#include "os/file_lock.h"
#include "os/log.h"

namespace anchor {
namespace {

constexpr std::string_view kPrefix = "anchor-";
constexpr std::string_view kUnborn = ".";  // a region's own name never begins like this

// A name is at most 63 characters, each becoming at most three, behind the prefix and a 32-bit user number.
// A pipe's name has a mark and a file's number besides.
static_assert(kPrefix.size() + 11 + 3 * (kNameSize - 1 - kNamePrefix.size()) + 1 + 20 <= NAME_MAX);

// A directory that another user fills with names like ours must not keep us for ever.
constexpr unsigned kVisitLimit = 16384;

bool plain(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

void append_escaped(std::string_view text, std::string* out) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (plain(c)) {
      out->push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out->push_back('%');
    out->push_back(kDigits[byte >> 4]);
    out->push_back(kDigits[byte & 15]);
  }
}

std::string own_prefix() { return std::string(kPrefix) + std::to_string(::geteuid()) + "-"; }

std::string in_directory(std::string_view directory) { return std::string(directory) + "/"; }

// Nothing behind a name in a directory that everybody may write to is worth blocking for or following.
constexpr int kOpenFlags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

// Files are opened again and again while there is a shortage of descriptors: one warning speaks for all of it.
std::atomic<bool> shortage_told{false};

int explain_refusal(const char* path, int error) noexcept {
  if (error == -ENOENT) return error;
  if (error == -EMFILE || error == -ENFILE) {
    if (shortage_told.exchange(true, std::memory_order_relaxed)) return error;
    ANCHOR_WARN(kEndpoint, "no file descriptor left to open %s (%s): raise the limit of open files (ulimit -n)", path,
                std::strerror(-error));
    return error;
  }
  if (error == -EACCES || error == -EPERM || error == -ELOOP || error == -ENXIO || error == -EISDIR) {
    ANCHOR_WARN(kEndpoint, "%s is in the way (%s): not a file that user %u may use; its owner has to remove it", path,
                std::strerror(-error), ::geteuid());
    return -EACCES;
  }
  ANCHOR_WARN(kEndpoint, "cannot open %s: %s", path, std::strerror(-error));
  return error;
}

int check_ownership(const char* path, const struct stat& status) noexcept {
  if (S_ISREG(status.st_mode) && status.st_uid == ::geteuid()) return 0;
  ANCHOR_WARN(kEndpoint, "%s belongs to user %u and has mode %o: not a region of user %u; its owner has to remove it",
              path, status.st_uid, status.st_mode, ::geteuid());
  return -EACCES;
}

// Held while it is looked at: an unborn region's maker takes this byte before the liveness byte, so a free liveness
// byte seen under it belongs to a dead file and not to one that is being made.
int unlink_dead(const char* path, const ProcessFd& file, const FileIdentity& identity) noexcept {
  if (const int error = try_lock_byte(file.get(), kRemovalByte); error != 0) return error;
  const int locked = byte_locked(file.get(), kLivenessByte);
  if (locked != 0) return locked < 0 ? locked : -EADDRINUSE;
  if (!leads_to(path, identity)) return 0;
  // The pipe first: once the region's name is free, somebody else may have it.
  try {
    ::unlink(wait_pipe_path(path, identity).c_str());
  } catch (const std::bad_alloc&) {  // then it goes with the next sweep
  }
  if (::unlink(path) != 0 && errno != ENOENT) return -errno;
  ANCHOR_INFO(kDomain, "removed %s, left behind by an owner that died", path);
  return 0;
}

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

// The type of a file of this user's, 0 of any other. Asked before opening, so that another user's files bring no
// warning for each of them into each log.
mode_t own_file_type(const char* path) noexcept {
  struct stat status {};
  return ::lstat(path, &status) == 0 && status.st_uid == ::geteuid() ? status.st_mode & S_IFMT : 0;
}

// A pipe is made after its region was published, and both names are its owner's alone. So one whose region is not there
// any more, or is dead, or another one, has no living owner.
void remove_pipe_if_dead(const std::string& path) {
  std::string_view number;
  const std::string region(owner_of_wait_pipe(path, &number));
  if (region.empty()) return;
  ProcessFd file;
  struct stat status {};
  const int error = open_region(region.c_str(), &file, &status);
  if (error != 0 && error != -ENOENT) return;
  const bool same = error == 0 && std::to_string(status.st_ino) == number;
  if (same && byte_locked(file.get(), kLivenessByte) != 0) return;
  ::unlink(path.c_str());
}

void visit_all(const std::string& directory) {
  const std::unique_ptr<DIR, CloseDirectory> entries(::opendir(directory.c_str()));
  if (entries == nullptr) {
    ANCHOR_WARN(kDomain, "cannot look for leftovers in %s: %s", directory.c_str(), std::strerror(errno));
    return;
  }
  const std::string before = in_directory(directory);
  unsigned visited = 0;
  while (const dirent* entry = ::readdir(entries.get())) {
    if (!names_own_region(entry->d_name)) continue;
    if (++visited > kVisitLimit) break;
    const std::string path = before + entry->d_name;
    const mode_t type = own_file_type(path.c_str());
    if (type == S_IFIFO) remove_pipe_if_dead(path);
    if (type != S_IFREG) continue;
    const int error = remove_if_dead(path.c_str());
    if (error == -EMFILE || error == -ENFILE) break;
  }
}

}  // namespace

std::string region_path(std::string_view directory, const EndpointName& name) {
  std::string path = in_directory(directory) + own_prefix();
  append_escaped(name.view().substr(kNamePrefix.size()), &path);
  return path;
}

std::string unborn_path(std::string_view directory, unsigned attempt) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  return in_directory(directory) + std::string(kUnborn) + own_prefix() + std::to_string(::getpid()) + "-" +
         std::to_string(now) + "-" + std::to_string(attempt);
}

bool names_own_region(std::string_view entry) noexcept {
  char prefix[32];
  const int length = std::snprintf(prefix, sizeof prefix, "%s%u-", kPrefix.data(), ::geteuid());
  if (entry.substr(0, kUnborn.size()) == kUnborn) entry.remove_prefix(kUnborn.size());
  return entry.substr(0, static_cast<std::size_t>(length)) == prefix;
}

int open_region(const char* path, ProcessFd* file, struct stat* status) noexcept {
  if (const int error = file->open(path, kOpenFlags); error != 0) return explain_refusal(path, error);
  shortage_told.store(false, std::memory_order_relaxed);
  int error = ::fstat(file->get(), status) == 0 ? 0 : -errno;
  if (error == 0) error = check_ownership(path, *status);
  if (error != 0) file->reset();
  return error;
}

int remove_if_dead(const char* path) noexcept {
  ProcessFd file;
  struct stat status {};
  if (const int error = open_region(path, &file, &status); error != 0) return error == -ENOENT ? 0 : error;
  // Asked first without the removal byte, so that looking at living regions disturbs nobody who removes dead ones.
  const int locked = byte_locked(file.get(), kLivenessByte);
  if (locked != 0) return locked < 0 ? locked : -EADDRINUSE;
  return unlink_dead(path, file, identity_of(status));
}

void remove_all_dead(const std::string& directory) noexcept {
  try {
    visit_all(directory);
  } catch (const std::bad_alloc&) {
    ANCHOR_WARN(kDomain, "no memory left to look for leftovers in %s", directory.c_str());
  }
}

}  // namespace anchor
