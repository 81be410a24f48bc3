// The activations of a backbone, and their slopes, by the number that goes in.
#pragma once
#include "common.cuh"

#define LECUN_TANH 0
#define TANH 1
#define RELU 2
#define SILU 3
#define GELU 4

// The normal distribution: how much of it is below x.
__device__ inline real below(real x) {
  return real(0.5) * (1 + erf(x * real(0.70710678118654752)));
}

__device__ inline real activation(real x) {
#if ACTIVATION == LECUN_TANH
  return real(1.7159) * tanh(real(0.666) * x);
#elif ACTIVATION == TANH
  return tanh(x);
#elif ACTIVATION == RELU
  return x < 0 ? 0 : x;  // NaN stays NaN
#elif ACTIVATION == SILU
  return x * sigmoid(x);
#else
  return x * below(x);
#endif
}

__device__ inline real activation_slope(real x) {
#if ACTIVATION == LECUN_TANH
  const real t = tanh(real(0.666) * x);
  return real(1.7159) * real(0.666) * (1 - t * t);
#elif ACTIVATION == TANH
  const real t = tanh(x);
  return 1 - t * t;
#elif ACTIVATION == RELU
  return x > 0;
#elif ACTIVATION == SILU
  const real s = sigmoid(x);
  return s * (1 + x * (1 - s));
#else
  return below(x) + x * real(0.39894228040143268) * exp(real(-0.5) * x * x);
#endif
}
