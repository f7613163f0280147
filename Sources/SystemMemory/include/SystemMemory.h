#ifndef LEVERET_SYSTEM_MEMORY_H
#define LEVERET_SYSTEM_MEMORY_H

/// Gives memory that malloc keeps for later back to the system, in all of its arenas. Does nothing where malloc has no
/// such call.
void leveret_give_back_memory(void);

/// Takes the code of the program and its libraries out of the resident set; what is used again comes back from the
/// page cache at once. After a start, which runs a lot of code that nothing needs any more.
void leveret_release_code(void);

/// Opens a file so that what is read and written passes by the system's page cache, where the file system can do that:
/// memory, offsets and sizes are then multiples of 4096. `flags` as for `open`; a new file is its owner's alone.
int leveret_open_uncached(const char *path, int flags);

#endif
