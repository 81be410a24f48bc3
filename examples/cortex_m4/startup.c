/* What a Cortex-M4 needs before main: a stack, an interrupt table, its FPU. */
#include <stdint.h>

extern uint32_t stack_top;
void _start(void);

static void reset(void)
{
    /* Coprocessors 10 and 11 are the FPU. */
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;
    __asm volatile("dsb\n isb");
    _start();
}

static void stop(void)
{
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const struct {
    const uint32_t *stack;
    void (*handlers[3])(void);
} vectors = {&stack_top, {reset, stop, stop}};
