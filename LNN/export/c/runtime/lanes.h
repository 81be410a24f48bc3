/* Neurons, and synapses, that are computed side by side. */
#if defined(__SSE2__) || defined(_M_X64) || defined(__ARM_NEON)
#define LNN_LANES 4
#define LNN_SYNAPSES 16
#else
#define LNN_LANES 1
#define LNN_SYNAPSES 1
#endif

