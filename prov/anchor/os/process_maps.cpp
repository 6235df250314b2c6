// SPDX-License-Identifier: BSD-2-Clause
#include "os/process_maps.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "os/unique_fd.h"

namespace anchor {
namespace {

// Some ten thousand mappings: several milliseconds.
constexpr std::size_t kMostText = std::size_t{1} << 20;

struct MapsLine {
  std::uint64_t start, end, offset, inode;
  unsigned major, minor;
  char permissions[5];
  const char* path;
};

class MapsReader {
 public:
  explicit MapsReader(int fd) noexcept : fd_(fd) {}

  // The next line, until the call after it. 1; 0: that was all; a negated errno value.
  int next(char** line) noexcept {
    for (;;) {
      if (char* const end = static_cast<char*>(std::memchr(text_ + begin_, '\n', end_ - begin_))) {
        *end = '\0';
        *line = text_ + begin_;
        begin_ = static_cast<std::size_t>(end - text_) + 1;
        return 1;
      }
      if (const int more = fill(); more <= 0) return more;
    }
  }

 private:
  int fill() noexcept {
    std::memmove(text_, text_ + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (end_ == sizeof text_ || total_ > kMostText) return -E2BIG;
    const ssize_t count = ::read(fd_, text_ + end_, sizeof text_ - end_);
    if (count < 0) return -errno;
    end_ += static_cast<std::size_t>(count);
    total_ += static_cast<std::size_t>(count);
    return count != 0;
  }

  const int fd_;
  char text_[2 * PATH_MAX];
  std::size_t begin_ = 0, end_ = 0;
  std::size_t total_ = 0;
};

bool parse(const char* text, MapsLine* line) noexcept {
  int used = 0;
  if (std::sscanf(text, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &line->start, &line->end,
                  line->permissions, &line->offset, &line->major, &line->minor, &line->inode, &used) != 7)
    return false;
  line->path = text + used;
  return std::strlen(line->permissions) == 4;
}

FileIdentity file_of(const MapsLine& line) noexcept { return {makedev(line.major, line.minor), line.inode}; }
bool is_shared(const MapsLine& line) noexcept { return line.permissions[3] == 's' && line.inode != 0; }

bool begin_span(const MapsLine& line, std::uint64_t address, SharedSpan* span) noexcept {
  if (!is_shared(line) || std::strlen(line.path) >= sizeof span->path) return false;
  span->file = file_of(line);
  span->offset = line.offset + (address - line.start);
  span->readable = line.permissions[0] == 'r';
  span->writable = line.permissions[1] == 'w';
  span->start = line.start;
  span->end = line.end;
  std::strcpy(span->path, line.path);
  return true;
}

// One mapping may have been split: by mprotect(2), madvise(2) and the like.
bool extend_span(const MapsLine& line, std::uint64_t address, SharedSpan* span) noexcept {
  if (!is_shared(line) || file_of(line) != span->file) return false;
  span->readable = span->readable && line.permissions[0] == 'r';
  span->writable = span->writable && line.permissions[1] == 'w';
  return line.offset - span->offset == line.start - address;
}

}  // namespace

int find_shared_span(int process, std::uint64_t address, std::uint64_t length, SharedSpan* span) noexcept {
  if (length == 0 || address + length < address) return -ENXIO;
  const UniqueFd maps(::openat(process, "maps", O_RDONLY | O_CLOEXEC));
  if (!maps) return -errno;
  MapsReader reader(maps.get());
  SharedSpan found;
  std::uint64_t next = address;  // behind what was found
  char* text;
  int more;
  while ((more = reader.next(&text)) > 0) {
    MapsLine line;
    if (!parse(text, &line)) return -ENXIO;
    if (line.end <= next) continue;
    if (line.start > next) return -ENXIO;
    if (!(next == address ? begin_span(line, address, &found) : extend_span(line, address, &found))) return -ENXIO;
    next = line.end;
    if (next < address + length) continue;
    *span = found;
    return 0;
  }
  return more < 0 ? more : -ENXIO;
}

}  // namespace anchor
