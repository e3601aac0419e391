// Makes one system call fail, to test a program's reaction (Tools/check_faults.py).
//
//   clang -shared -fPIC -O1 Tools/faults.c -o faults.so -ldl
//   LD_PRELOAD=./faults.so FAULT_CALL=write FAULT_AT=3 FAULT_ERRNO=28 FAULT_LOG=log program
//
// Counts the calls of FAULT_CALL (open, write, fsync, rename, mmap) and makes the FAULT_AT-th fail with FAULT_ERRNO.
// An mmap counts if it allocates a megabyte or more, as the library does for its large buffers. An open counts unless
// it is for /proc or /sys, whose failures make libdispatch trap. A line is appended to FAULT_LOG at the fault
// ("failed") and at the end of the process (the number of calls).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long calls;

static void report(const char *text) {
  const char *path = getenv("FAULT_LOG");
  if (!path) return;
  long file = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (file < 0) return;
  syscall(SYS_write, file, text, strlen(text));
  syscall(SYS_close, file);
}

/// Returns whether this call of `name` must fail.
static int fails(const char *name) {
  const char *wanted = getenv("FAULT_CALL"), *place = getenv("FAULT_AT"), *number = getenv("FAULT_ERRNO");
  if (!wanted || strcmp(wanted, name) != 0) return 0;
  if (atomic_fetch_add(&calls, 1) + 1 != atol(place ? place : "0")) return 0;
  report("failed\n");
  errno = atoi(number ? number : "5");
  return 1;
}

__attribute__((destructor)) static void end(void) {
  char text[32];
  snprintf(text, sizeof text, "%ld\n", (long)calls);
  report(text);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *bytes, size_t count) {
  return fails("write") ? -1 : NEXT(write)(file, bytes, count);
}

int fsync(int file) { return fails("fsync") ? -1 : NEXT(fsync)(file); }

int rename(const char *from, const char *to) { return fails("rename") ? -1 : NEXT(rename)(from, to); }

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
  int counts = flags & MAP_ANONYMOUS && length >= 1 << 20 && protection == (PROT_READ | PROT_WRITE);
  if (counts && fails("mmap")) return MAP_FAILED;
  return NEXT(mmap)(address, length, protection, flags, file, offset);
}

static int open_fails(const char *path) {
  return strncmp(path, "/proc/", 6) != 0 && strncmp(path, "/sys/", 5) != 0 && fails("open");
}

#define MODE(flags)                                  \
  mode_t mode = 0;                                   \
  if (flags & (O_CREAT | O_TMPFILE)) {               \
    va_list list;                                    \
    va_start(list, flags);                           \
    mode = va_arg(list, mode_t);                     \
    va_end(list);                                    \
  }

int open(const char *path, int flags, ...) {
  MODE(flags)
  return open_fails(path) ? -1 : NEXT(open)(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
  MODE(flags)
  return open_fails(path) ? -1 : NEXT(openat)(folder, path, flags, mode);
}
