// SPDX-License-Identifier: BSD-2-Clause
// Runs the target over every file of its corpus: fuzz/corpus/<name of the program>/, found below $srcdir as make check
// says, or the files and folders that are given. TAP.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "target.h"

namespace {

using Paths = std::vector<std::filesystem::path>;

void collect(const std::filesystem::path& from, Paths* files) {
  if (!std::filesystem::is_directory(from)) return files->push_back(from);
  for (const auto& entry : std::filesystem::directory_iterator(from)) files->push_back(entry.path());
}

std::filesystem::path own_corpus(const char* program) {
  const char* source = std::getenv("srcdir");
  std::string name = std::filesystem::path(program).filename();
  if (name.starts_with("lt-")) name.erase(0, 3);  // libtool's wrapped program
  return std::filesystem::path(source != nullptr ? source : ".") / "fabtests/fuzz/corpus" / name;
}

void replay(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  Paths files;
  if (argc == 1) collect(own_corpus(argv[0]), &files);
  for (int i = 1; i < argc; ++i) collect(argv[i], &files);
  std::sort(files.begin(), files.end());
  if (files.empty()) return EXIT_FAILURE;
  std::printf("1..%zu\n", files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    replay(files[i]);
    std::printf("ok %zu - %s\n", i + 1, files[i].filename().c_str());
    std::fflush(stdout);
  }
  return EXIT_SUCCESS;
}
