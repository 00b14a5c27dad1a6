/* A disk on which every call that waits for it takes at least a millisecond, as on a common one: syncs of virtual disks are
 * often answered from memory. Preloaded into both that are measured, so that it is the same disk for both. The real call is
 * made first, and what is left of the millisecond is slept. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LEAST_NS 1000000L

static long slowly(long number, long a, long b, long c, long d) {
    struct timespec began, now;
    clock_gettime(CLOCK_MONOTONIC, &began);
    long answer = syscall(number, a, b, c, d);
    int error = errno;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long left = LEAST_NS - (now.tv_sec - began.tv_sec) * 1000000000L - (now.tv_nsec - began.tv_nsec);
    if (left > 0) nanosleep(&(struct timespec){.tv_nsec = left}, NULL);
    errno = error;
    return answer;
}

int fsync(int file) { return slowly(SYS_fsync, file, 0, 0, 0); }
int fdatasync(int file) { return slowly(SYS_fdatasync, file, 0, 0, 0); }
int msync(void *at, size_t length, int flags) { return slowly(SYS_msync, (long)at, length, flags, 0); }
int sync_file_range(int file, off64_t from, off64_t length, unsigned flags) {
    return slowly(SYS_sync_file_range, file, from, length, flags);
}
