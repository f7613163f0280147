#define _GNU_SOURCE
#include "SystemMemory.h"

#include <errno.h>
#include <fcntl.h>

#if defined(__GLIBC__) || defined(__linux__)
#include <features.h>
#endif

#if defined(__GLIBC__)
#include <malloc.h>
// Swift's module of Glibc leaves malloc.h out.
void leveret_give_back_memory(void) { malloc_trim(0); }
#else
void leveret_give_back_memory(void) {}
#endif

int leveret_open_uncached(const char *path, int flags) {
  int file = -1;
#if defined(O_DIRECT)
  // Swift's module of Glibc leaves it out, too.
  file = open(path, flags | O_DIRECT, 0600);
  if (file >= 0 || errno != EINVAL) return file;
#endif
  return open(path, flags, 0600);
}
