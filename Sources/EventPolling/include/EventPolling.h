#ifndef LEVERET_EVENT_POLLING_H
#define LEVERET_EVENT_POLLING_H

// epoll and timerfd, which Swift's module of Glibc leaves out. No type of the system's headers shows here, or two
// modules would own it. All calls return -1 and set errno when they fail.

#include <stdint.h>

/// What has changed for a socket.
typedef struct {
    /// As given to `leveret_polling_add`.
    uint64_t index;
    int32_t is_readable;
    int32_t is_writable;
} leveret_polling_event;

/// A descriptor to watch others with.
int leveret_polling_create(void);
/// Watches a descriptor, edge-triggered: every change is told once.
int leveret_polling_add(int polling, int descriptor, uint64_t index);
/// Waits for changes, at most so long, and fills in at most `capacity` of them. Returns how many.
int leveret_polling_wait(int polling, leveret_polling_event *events, int capacity, int milliseconds);

/// A descriptor that becomes readable at a time of the monotonic clock.
int leveret_timer_create(void);
int leveret_timer_set(int timer, uint64_t nanoseconds);

#endif
