/* Prints the monotonic clock in nanoseconds: the stopwatch of the scripts in tests/programs. */
#include <stdio.h>
#include <time.h>

int main(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    printf("%lld\n", t.tv_sec * 1000000000ll + t.tv_nsec);
}
