// Sums over all rows of a batch: products left' right, and sums of columns.
//
// Rows are summed in chunks, each by a block of its own, and the chunks by whoever reads
// them: the same order whatever the device does, so the same bits.
#pragma once
#include "activation.cuh"
#include "step.cuh"

#define SIDE 16  // of a tile of a product: a thread for each of its numbers
#define DEEP_ROWS 32

// What a map has read: row k of `left`.
__device__ inline real left_of(const Job& job, const real* left, long long k,
                               long long column, long long steps) {
  if (job.shifted) {
    if (k % steps == 0) return 0;  // every sequence starts from 0
    k -= 1;
  }
  const real x = left[k * job.left_apart + column];
  return job.active ? activation(x) : x;
}

__device__ inline void multiply(const Step& step, const Job& job, long long tile,
                                long long first, long long last, real* out) {
  __shared__ real left[DEEP_ROWS][SIDE + 1], right[DEEP_ROWS][SIDE + 1];
  const long long across = (job.n_right + SIDE - 1) / SIDE;
  const long long i0 = tile / across * SIDE, j0 = tile % across * SIDE;
  const int i = threadIdx.x / SIDE, j = threadIdx.x % SIDE;
  const real* all_left = job.left + blockIdx.y * job.rows * job.left_apart;
  const real* all_right = job.right + blockIdx.y * job.rows * job.right_apart;
  real sum = 0;
  for (long long k0 = first; k0 < last; k0 += DEEP_ROWS) {
    for (int e = threadIdx.x; e < DEEP_ROWS * SIDE; e += THREADS) {
      const int row = e / SIDE, column = e % SIDE;
      const long long k = k0 + row;
      const bool in_left = k < last && i0 + column < job.n_left;
      const bool in_right = k < last && j0 + column < job.n_right;
      left[row][column] =
          in_left ? left_of(job, all_left, k, i0 + column, step.steps) : 0;
      right[row][column] =
          in_right ? all_right[k * job.right_apart + j0 + column] : 0;
    }
    __syncthreads();
#pragma unroll
    for (int row = 0; row < DEEP_ROWS; ++row) sum += left[row][i] * right[row][j];
    __syncthreads();
  }
  if (i0 + i < job.n_left && j0 + j < job.n_right)
    out[(i0 + i) * job.n_right + j0 + j] = sum;
}

__device__ inline void add_up(const Job& job, long long tile, long long first,
                              long long last, real* out) {
  const long long column = tile * THREADS + threadIdx.x;
  if (column >= job.n_right) return;
  const real* right = job.right + blockIdx.y * job.rows * job.right_apart;
  real sum = 0;
#pragma unroll 4
  for (long long k = first; k < last; ++k) sum += right[k * job.right_apart + column];
  out[column] = sum;
}

// A block computes one tile of one product over one chunk of rows.
extern "C" __global__ void __launch_bounds__(THREADS)
products(const Step* steps, const Model*) {
  const Step& step = *steps;
  const long long chunk = blockIdx.x / step.n_tiles, tile = blockIdx.x % step.n_tiles;
  int which = 0;
  while (which + 1 < step.n_jobs && step.jobs[which + 1].first_tile <= tile) ++which;
  const Job& job = step.jobs[which];
  // Jobs of fewer rows have nothing in the last chunks, and say so.
  const long long first = chunk * step.chunk;
  const long long last = first + step.chunk < job.rows ? first + step.chunk : job.rows;
  real* const out = step.partial + job.entry +
                    (blockIdx.y * step.n_chunks + chunk) * step.n_entries;
  if (job.left)
    multiply(step, job, tile - job.first_tile, first, last, out);
  else
    add_up(job, tile - job.first_tile, first, last, out);
}
