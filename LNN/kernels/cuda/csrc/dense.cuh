// A dense map y = W x by the threads of a block.
//
// `LANES` threads share a row, and a row has several passes where there are more rows
// than such teams. W stands column by column, (COLS, ROWS): neighbouring threads read
// neighbouring numbers. KEPT holds all of a thread's weights in registers for the whole
// sequence; else they are read again at each step, mostly from the caches.
#pragma once
#include "common.cuh"

template <int ROWS, int COLS, int LANES, int THREADS>
struct Deal {
  static constexpr int TEAMS = THREADS / LANES;
  static constexpr int PASSES = (ROWS + TEAMS - 1) / TEAMS;
  // Four columns in a row are one load of x.
  static constexpr int BLOCK = LANES > 1 ? 4 : 1;
  static constexpr int BLOCKS = (COLS + BLOCK * LANES - 1) / (BLOCK * LANES);
  static constexpr int EACH = BLOCK * BLOCKS;
  static constexpr int SLOTS = PASSES * EACH;
};

template <int ROWS, int COLS, int LANES, int THREADS, bool KEPT>
struct Dense : Deal<ROWS, COLS, LANES, THREADS> {
  using D = Deal<ROWS, COLS, LANES, THREADS>;
  const real* weights;
  real kept[KEPT ? D::SLOTS : 1];

  __device__ int row(int pass) const {
    return pass * D::TEAMS + int(threadIdx.x) / LANES;
  }
  __device__ int column(int k) const {
    const int lane = int(threadIdx.x) % LANES;
    return (k / D::BLOCK * LANES + lane) * D::BLOCK + k % D::BLOCK;
  }
  __device__ real read(int pass, int k) const {
    const int r = row(pass), c = column(k);
    return r < ROWS && c < COLS ? weights[(long long)c * ROWS + r] : 0;
  }
  __device__ void load(const real* all) {
    weights = all;
    if constexpr (KEPT) {
#pragma unroll
      for (int pass = 0; pass < D::PASSES; ++pass)
#pragma unroll
        for (int k = 0; k < D::EACH; ++k) kept[pass * D::EACH + k] = read(pass, k);
    }
  }
  // Call `store(pass, row, sum)` in one thread for each row. No thread may stay away.
  template <class Store>
  __device__ void apply(const real* x, Store store) const {
    const unsigned mates = team<LANES>();
    // Several sums, as each addition would wait for the one before.
    auto take = [&](real* sums, real weight, int k) {
      const int c = column(k);
      // What a missing column reads must not be NaN, times a weight of 0.
      sums[k % 4] += weight * (c < COLS ? x[c] : 0);
    };
#pragma unroll
    for (int pass = 0; pass < D::PASSES; ++pass) {
      real sums[4] = {};
      if constexpr (KEPT) {
#pragma unroll
        for (int k = 0; k < D::EACH; ++k) take(sums, kept[pass * D::EACH + k], k);
      } else {
#pragma unroll 8
        for (int k = 0; k < D::EACH; ++k) take(sums, read(pass, k), k);
      }
      const real sum =
          sum_lanes<LANES>((sums[0] + sums[1]) + (sums[2] + sums[3]), mates);
      if (int(threadIdx.x) % LANES == 0 && row(pass) < ROWS) store(pass, row(pass), sum);
    }
  }
};
