// One solver step of a membrane, and that step's slopes.
//
// With I = current and G = conductance, c = capacity and h = the step's length. Forward
// records two numbers, from which the way back has its step without dividing by what
// may be zero; among them the change of v, so that v itself need not be recorded.
#pragma once
#include "common.cuh"

#define SEMI_IMPLICIT 0
#define EXPONENTIAL 3

struct Recorded {
  real first, second;
};

// Semi-implicit: (I - G v) / D and 1 / D with D = c + h G. Exponential: I / G - v and G.
__device__ inline Recorded recorded(real v, real current, real conductance, real h,
                                    real capacity) {
#if SOLVER == SEMI_IMPLICIT
  const real inverse = 1 / (capacity + h * conductance);
  return {(current - conductance * v) * inverse, inverse};
#else
  return {current / conductance - v, conductance};
#endif
}

// How far v goes.
__device__ inline real change(Recorded r, real h, real capacity) {
#if SOLVER == SEMI_IMPLICIT
  return h * r.first;
#else
  return -expm1(-h * r.second / capacity) * r.first;
#endif
}

struct StepSlopes {
  real v, current, conductance, capacity, h;
};

// `v` is the state before the step.
__device__ inline StepSlopes step_slopes(Recorded r, real v, real h, real capacity) {
  StepSlopes slope;
#if SOLVER == SEMI_IMPLICIT
  const real k = h * r.second;
  slope.v = capacity * r.second;
  slope.current = k;
  slope.conductance = -k * (v + h * r.first);
  slope.capacity = -k * r.first;
  slope.h = r.first * slope.v;
#else
  const real inverse = 1 / capacity, left = exp(-h * r.second * inverse);
  const real gone = -expm1(-h * r.second * inverse);
  const real pull = r.first * left * inverse;
  slope.v = left;
  slope.current = gone / r.second;
  // I / G = r.first + v.
  slope.conductance = pull * h - slope.current * (r.first + v);
  slope.capacity = -pull * h * r.second * inverse;
  slope.h = pull * r.second;
#endif
  return slope;
}
