// SPDX-License-Identifier: BSD-2-Clause
// Every operation on every datatype, on a peer's memory, against a local model; and the queries that say which there
// are.
#include <cstring>
#include <limits>

#include "atomic_model.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kKey = 5;
constexpr std::size_t kMemory = 8192;
constexpr int kOps = 20;
constexpr Family kFamilies[] = {Family::kBase, Family::kFetch, Family::kCompare};

template <class T>
std::vector<T> values() {
  if constexpr (kIsComplex<T>) {
    return {{0, 0}, {1, 0}, {-2, 0.5}, {3, -4}};
  } else if constexpr (std::is_floating_point_v<T>) {
    return {0, 1, -2.5, 1e10f, T(1) / 3};
  } else {
    const T highest = static_cast<T>(T(1) << (8 * sizeof(T) - 2));
    return {0, 1, static_cast<T>(-1), highest, static_cast<T>(~highest), 77};
  }
}

// Arrays of all combinations of values, in the peer's memory and here, again and again until there are as many elements
// as one call is said to take.
template <class T>
struct Combinations {
  explicit Combinations(std::size_t most) {
    while (targets.size() < most) add_all(most);
    results.resize(targets.size());
  }
  void add_all(std::size_t most) {
    for (const T t : values<T>())
      for (const T o : values<T>())
        for (const T c : values<T>()) {
          if (targets.size() == most) return;
          targets.push_back(t);
          operands.push_back(o);
          compares.push_back(c);
        }
  }
  std::vector<T> targets, operands, compares, results;
};

class Initiator {
 public:
  explicit Initiator(Node& node) : node_(node) {}

  template <class T>
  void try_type(int datatype, std::size_t place) {
    for (int op = 0; op < kOps; ++op)
      for (const Family family : kFamilies) try_operation<T>(family, datatype, op, place);
  }

 private:
  template <class T>
  void try_operation(Family family, int datatype, int op, std::size_t place) {
    std::size_t size = 0;
    const auto type = static_cast<fi_datatype>(datatype);
    const std::size_t most = most_elements(node_.domain(), family, type, static_cast<fi_op>(op), &size);
    CHECK_EQ(most != 0, model_has<T>(family, op));
    CHECK_EQ(valid(family, type, static_cast<fi_op>(op)), most);
    if (most == 0) return expect_refusal(family, type, static_cast<fi_op>(op));
    CHECK_EQ(size, sizeof(T));
    Combinations<T> all(most);
    Atomic a{.operand = all.targets.data(),
             .compare = all.compares.data(),
             .result = all.results.data(),
             .count = all.targets.size(),
             .to = node_.peer(1),
             .address = place,
             .key = kKey,
             .datatype = type,
             .op = FI_ATOMIC_WRITE};
    carry_out(node_, Family::kBase, a);
    a.operand = all.operands.data();
    a.op = static_cast<fi_op>(op);
    carry_out(node_, family, a);
    if (family != Family::kBase) expect(all.results, all.targets, datatype, op, "former value");
    for (std::size_t i = 0; i < all.targets.size(); ++i)
      all.targets[i] = model_of(op, all.targets[i], all.operands[i], all.compares[i]);
    a.op = FI_ATOMIC_READ;
    carry_out(node_, Family::kFetch, a);
    expect(all.results, all.targets, datatype, op, "new value");
  }

  template <class T>
  void expect(const std::vector<T>& got, const std::vector<T>& wanted, int datatype, int op, const char* what) {
    for (std::size_t i = 0; i < got.size(); ++i)
      if (!(got[i] == wanted[i])) {
        note_failure(FABTESTS_PLACE, "datatype " + std::to_string(datatype) + " operation " + std::to_string(op) +
                                         ": " + what + " of case " + std::to_string(i));
        return;
      }
  }

  std::size_t valid(Family family, fi_datatype type, fi_op op) {
    std::size_t count = 0;
    const int rc = family == Family::kBase    ? fi_atomicvalid(node_.ep(), type, op, &count)
                   : family == Family::kFetch ? fi_fetch_atomicvalid(node_.ep(), type, op, &count)
                                              : fi_compare_atomicvalid(node_.ep(), type, op, &count);
    if (rc != 0) CHECK_EQ(rc, -FI_EOPNOTSUPP);
    return count;
  }

  void expect_refusal(Family family, fi_datatype type, fi_op op) {
    std::byte bytes[64] = {};
    const Atomic a{.operand = bytes,
                   .compare = bytes,
                   .result = bytes,
                   .to = node_.peer(1),
                   .key = kKey,
                   .datatype = type,
                   .op = op};
    CHECK_EQ(atomic_message(node_.ep(), family, a, 0), -FI_EOPNOTSUPP);
  }

  Node& node_;
};

void initiate(Node& node, std::size_t place) {
  Initiator initiator(node);
  initiator.try_type<std::int8_t>(FI_INT8, place);
  initiator.try_type<std::uint8_t>(FI_UINT8, place);
  initiator.try_type<std::int16_t>(FI_INT16, place);
  initiator.try_type<std::uint16_t>(FI_UINT16, place);
  initiator.try_type<std::int32_t>(FI_INT32, place);
  initiator.try_type<std::uint32_t>(FI_UINT32, place);
  initiator.try_type<std::int64_t>(FI_INT64, place);
  initiator.try_type<std::uint64_t>(FI_UINT64, place);
  initiator.try_type<float>(FI_FLOAT, place);
  initiator.try_type<double>(FI_DOUBLE, place);
  initiator.try_type<std::complex<float>>(FI_FLOAT_COMPLEX, place);
  initiator.try_type<std::complex<double>>(FI_DOUBLE_COMPLEX, place);
  initiator.try_type<long double>(FI_LONG_DOUBLE, place);
  initiator.try_type<std::complex<long double>>(FI_LONG_DOUBLE_COMPLEX, place);
  initiator.try_type<Int128>(FI_INT128, place);
  initiator.try_type<Uint128>(FI_UINT128, place);
}

void try_all_types(Team& team, std::size_t place) {
  Node node(team, kAtomicNode);
  node.introduce();
  alignas(16) std::byte memory[kMemory] = {};
  const Owned<fid_mr> region = expose(node.domain(), memory, kMemory, kKey);
  team.barrier();
  if (team.rank() == 0) initiate(node, place);
  team.barrier();
}

}  // namespace

TEST(atomic_every_type_and_operation, .ranks = 2, .seconds = 60, .anchor_only = true) { try_all_types(team, 0); }

// fi_atomic(3) does not ask for alignment.
TEST(atomic_every_type_unaligned, .ranks = 2, .seconds = 60, .anchor_only = true) { try_all_types(team, 13); }

// libfabric 2.x has more types than the headers that the plugin is built with.
TEST(atomic_small_floats, .ranks = 2, .anchor_only = true) {
  struct Sum {
    int datatype;
    std::uint16_t a, b, sum;  // 1.5 + 2 = 3.5
  };
  const Sum sums[] = {
      {16, 0x3e00, 0x4000, 0x4300}, {17, 0x3fc0, 0x4000, 0x4060}, {18, 0x3c, 0x40, 0x46}, {19, 0x3e, 0x40, 0x43}};
  Node node(team, kAtomicNode);
  node.introduce();
  std::byte memory[16] = {};
  const Owned<fid_mr> region = expose(node.domain(), memory, sizeof memory, kKey);
  team.barrier();
  if (team.rank() == 0) {
    for (const Sum& sum : sums) {
      std::uint16_t result = 0;
      Atomic a{.operand = &sum.a,
               .result = &result,
               .to = node.peer(1),
               .address = 8,
               .key = kKey,
               .datatype = static_cast<fi_datatype>(sum.datatype),
               .op = FI_ATOMIC_WRITE};
      carry_out(node, Family::kBase, a);
      a.operand = &sum.b;
      a.op = FI_SUM;
      carry_out(node, Family::kBase, a);
      a.op = FI_ATOMIC_READ;
      carry_out(node, Family::kFetch, a);
      CHECK_EQ(result, sum.sum);
      CHECK_EQ(most_elements(node.domain(), Family::kBase, a.datatype, FI_BXOR), 0u);
    }
    for (const int nonsense : {20, 255, 256, 1000, -1})
      CHECK_EQ(most_elements(node.domain(), Family::kBase, static_cast<fi_datatype>(nonsense), FI_SUM), 0u);
  }
  team.barrier();
}

}  // namespace anchor::fabtests
