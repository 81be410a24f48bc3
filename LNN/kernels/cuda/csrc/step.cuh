// What the kernels around both passes of a training step read: sizes and places.
//
// One launch serves many models that are alike but for their numbers: a block's y is
// its model. What they work on stands model by model in the same memory (`Step`); what
// each brings along, it names itself (`Model`). Both are made on the host from these
// very declarations (../structs.py), so each field is 8 bytes, in this order.
#pragma once
#include "common.cuh"

#define THREADS 256
#define READERS 128  // of a block that reads out
#define SUMMERS 8    // that sum up one parameter's gradient

// A product left' right over all rows: the gradient of the weights between what a map
// has read and what it has answered. `left` is null for a column of ones.
struct Job {
  const real *left, *right;
  long long left_apart, n_left, right_apart, n_right;  // numbers from row to row
  long long rows;                                      // of one model
  long long shifted;  // whether it is the row of the step before that was read
  long long active;   // whether its activation was
  long long entry;    // where the product stands among the partial sums
  long long first_tile;
};

struct Step {
  // The samples of a batch, the steps of each, and numbers of one step.
  long long batch, steps, channels, inputs, neurons, width, drive_size;
  // Of the read-out: what it reads, how it pools (0: each step), its outputs.
  long long read, pooling, outputs, rows, loss, per_step, whole;
  // Where weights begin: in the constants, and in the vector of parameters.
  long long input_weight, input_bias, sensory, leak, head_weight, head_bias;
  long long n_sensory, policy;
  // The constants: formulas of parameters. Only those before `n_written` are written.
  long long n_constants, n_written, n_parameters, n_uses, n_sums;
  const int *formula, *first, *second, *third, *entry;
  const int *first_use, *use;
  const real* settings;  // epsilon of the leak, decay of Adam's squares
  const int* place;      // the state's column of each neuron
  const int *first_edge, *edge_source, *edge_target;
  // Products.
  const Job* jobs;
  long long n_jobs, n_tiles, chunk, n_chunks, n_entries, loss_entry, sensory_entry;
  long long norm_blocks, by_norm, decay_apart;
  // What the kernels hand on to each other.
  long long* samples;
  int* lengths;
  real *spans, *values, *constants, *drive, *states, *final, *carry, *grad_states;
  real *grad_drive, *sums, *features, *errors, *losses, *partial, *gradient, *norms;
};

struct Model {
  // The rows of data, where the samples stand in them, and what to answer.
  const real *rows, *gaps;  // no gaps: ones
  const long long *start, *length, *first_target;
  const void* target;
  const real *weight, *neutral;  // no weights: ones
  // The order of the samples; four numbers of the optimiser for each batch.
  const long long* order;
  long long n_samples;
  const real* numbers;
  const real* rule;  // clip (0: none), weight decay, mean weight of a sample
  real *vector, *mean, *square, *total;
  long long* now;  // the batch
};

// How many samples of a model are in this batch: none once all have been.
__device__ inline long long count(const Step& step, const Model& model) {
  const long long left = model.n_samples - *model.now * step.batch;
  return left < 0 ? 0 : left < step.batch ? left : step.batch;
}

__device__ inline long long at_x() {
  return (long long)blockIdx.x * THREADS + threadIdx.x;
}
