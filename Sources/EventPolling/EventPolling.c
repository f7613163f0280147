#include "EventPolling.h"

#if defined(__linux__)
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

int leveret_polling_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int leveret_polling_add(int polling, int descriptor, uint64_t index) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.u64 = index}};
    return epoll_ctl(polling, EPOLL_CTL_ADD, descriptor, &event);
}

int leveret_polling_wait(int polling, leveret_polling_event *events, int capacity, int milliseconds) {
    struct epoll_event found[256];
    int count = epoll_wait(polling, found, capacity < 256 ? capacity : 256, milliseconds);
    for (int i = 0; i < count; i++) {
        // Who reads or writes a socket that has ended learns of it there.
        int is_end = (found[i].events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0;
        events[i].index = found[i].data.u64;
        events[i].is_readable = is_end || (found[i].events & EPOLLIN) != 0;
        events[i].is_writable = is_end || (found[i].events & EPOLLOUT) != 0;
    }
    return count;
}

int leveret_timer_create(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); }

int leveret_timer_set(int timer, uint64_t nanoseconds) {
    struct itimerspec setting = {0};
    // Zero would switch it off.
    if (nanoseconds == 0) nanoseconds = 1;
    setting.it_value.tv_sec = nanoseconds / 1000000000;
    setting.it_value.tv_nsec = nanoseconds % 1000000000;
    return timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, 0);
}
#else
#include <errno.h>

static int unsupported(void) {
    errno = ENOSYS;
    return -1;
}

int leveret_polling_create(void) { return unsupported(); }
int leveret_polling_add(int polling, int descriptor, uint64_t index) { return unsupported(); }
int leveret_polling_wait(int polling, leveret_polling_event *events, int capacity, int milliseconds) {
    return unsupported();
}
int leveret_timer_create(void) { return unsupported(); }
int leveret_timer_set(int timer, uint64_t nanoseconds) { return unsupported(); }
#endif
