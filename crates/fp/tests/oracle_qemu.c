/* Executes records of one floating-point instruction each on the processor it runs on.
 *
 * Linked with a generated table of routines. Each loads FPCR, clears FPSR, executes its instruction with
 * the operands in x0 to x2 and in v0 to v2, and returns the result and FPSR. */
#include <stdint.h>
#include <stdio.h>

struct record {
    uint32_t op, fpcr;
    uint64_t a, b, c;
};

struct outcome {
    uint64_t result, fpsr;
};

typedef struct outcome routine(uint64_t a, uint64_t b, uint64_t c, uint64_t fpcr);

extern routine *const routines[];

enum { BATCH = 4096 };

int main(void)
{
    static struct record in[BATCH];
    static struct outcome out[BATCH];
    size_t n;

    while ((n = fread(in, sizeof *in, BATCH, stdin)) != 0) {
        for (size_t i = 0; i < n; i++)
            out[i] = routines[in[i].op](in[i].a, in[i].b, in[i].c, in[i].fpcr);
        if (fwrite(out, sizeof *out, n, stdout) != n)
            return 1;
    }
    return fflush(stdout) != 0;
}
