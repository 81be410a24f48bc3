// The closed form of the CfC for one neuron: its new state, and that state's slopes.
//
// The new state is linear in nothing, but its gradient is: gradients of maps are slopes
// times the state's gradient. Slopes need no gradient, so a kernel has them ready
// before the one that it waits for arrives.
#pragma once
#include "common.cuh"

#define DEFAULT 0
#define NO_GATE 1
#define PURE 2
#define EXPONENTIAL 3

struct Slopes {
  real map[MAPS], own, span, asymptote, rate;
};

__device__ inline real closed_form(const real* z, real own, real span, real asymptote,
                                   real rate) {
#if MODE == PURE
  return asymptote - asymptote * exp(-span * (fabs(rate) + fabs(z[0]))) * z[0];
#elif MODE == EXPONENTIAL
  // Not 1 - exp: that has no digits left where little time goes by.
  return own - expm1(-span * softplus(z[1])) * (tanh(z[0]) - own);
#else
  const real f1 = tanh(z[0]), f2 = tanh(z[1]), s = sigmoid(z[2] * span + z[3]);
  return MODE == NO_GATE ? f1 + s * f2 : f1 + s * (f2 - f1);
#endif
}

__device__ inline Slopes closed_form_slopes(const real* z, real own, real span,
                                            real asymptote, real rate) {
  Slopes slope = {};
#if MODE == PURE
  const real speed = fabs(rate) + fabs(z[0]), left = exp(-span * speed);
  const real sign = (rate > 0) - (rate < 0);
  slope.map[0] = -asymptote * left * (1 - span * fabs(z[0]));
  slope.span = asymptote * speed * left * z[0];
  slope.asymptote = 1 - left * z[0];
  slope.rate = asymptote * span * left * z[0] * sign;
#elif MODE == EXPONENTIAL
  const real goal = tanh(z[0]), speed = softplus(z[1]);
  const real left = exp(-span * speed);
  slope.map[0] = -expm1(-span * speed) * (1 - goal * goal);
  slope.map[1] = (goal - own) * span * left * sigmoid(z[1]);
  slope.span = (goal - own) * speed * left;
  slope.own = left;
#else
  const real f1 = tanh(z[0]), f2 = tanh(z[1]), s = sigmoid(z[2] * span + z[3]);
  const real gate = (MODE == NO_GATE ? f2 : f2 - f1) * s * (1 - s);
  slope.map[0] = (MODE == NO_GATE ? 1 : 1 - s) * (1 - f1 * f1);
  slope.map[1] = s * (1 - f2 * f2);
  slope.map[2] = gate * span;
  slope.map[3] = gate;
  slope.span = gate * z[2];
#endif
  return slope;
}
