#ifndef LEVERET_SYSTEM_MEMORY_H
#define LEVERET_SYSTEM_MEMORY_H

/// Gives memory that malloc keeps for later back to the system, in all of its arenas. Does nothing where malloc has no
/// such call.
void leveret_give_back_memory(void);

#endif
