#define _GNU_SOURCE
#include "SystemMemory.h"

#include <errno.h>
#include <fcntl.h>

#if defined(__linux__)
#include <features.h>
#include <link.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>
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

#if defined(__linux__)
static int releaseObject(struct dl_phdr_info *object, size_t size, void *context) {
  (void)size;
  (void)context;
  // The kernel's own page is no file.
  if (object->dlpi_addr == getauxval(AT_SYSINFO_EHDR)) return 0;
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int index = 0; index < object->dlpi_phnum; index += 1) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[index];
    // Nobody has written to these pages, so the file has what they hold.
    if (part->p_type != PT_LOAD || (part->p_flags & (PF_X | PF_W)) != PF_X) continue;
    uintptr_t start = (object->dlpi_addr + part->p_vaddr) & ~(page - 1);
    uintptr_t end = (object->dlpi_addr + part->p_vaddr + part->p_filesz + page - 1) & ~(page - 1);
    madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

void leveret_release_code(void) { dl_iterate_phdr(releaseObject, NULL); }
#else
void leveret_release_code(void) {}
#endif
