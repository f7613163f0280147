#include "SystemMemory.h"

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
