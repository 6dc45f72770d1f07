/* SPDX-License-Identifier: MIT */
#pragma once

/* The sender catcher's threads, and what they share with its loop. Only sender-catcher.c uses this. */

#include <pthread.h>
#include <stdatomic.h>

#include "sender-catcher.h"

/* free -> caught (a thread) -> described (the same thread) -> free (the loop); or, when that takes too
 * long, caught -> abandoned (the loop) -> free (the thread, should it come back). */
typedef enum SenderSlotState {
        SENDER_SLOT_FREE, /* zero: as the memory comes */
        SENDER_SLOT_CAUGHT,
        SENDER_SLOT_DESCRIBED,
        SENDER_SLOT_ABANDONED,
} SenderSlotState;

/* From caught on, what identifies the signal does not change any more; the state of the sender, the
 * sender and the parent are the thread's until the slot is described. */
typedef struct SenderSlot {
        _Atomic int state;        /* SenderSlotState */
        usec_t abandoned_at_usec; /* the loop's */
        CaughtSignal caught;
        char exe[PROCESS_EXE_MAX]; /* the thread's */
} SenderSlot;

/* From where senders are looked at. */
typedef struct SenderView {
        int proc_fd;
        pid_t own_pid, manager_pid;
        bool is_unit_main;
} SenderView;

typedef struct SenderThreads SenderThreads;

typedef struct SenderThread {
        SenderThreads *threads; /* weak */
        pthread_t id;
        int epoll_fd;
        bool is_demoted, is_short; /* the thread's own */
} SenderThread;

struct SenderThreads {
        /* These do not change while there are threads. */
        SenderCatcherRelay relay;
        void *userdata; /* weak */
        SenderView view;
        int signal_fd;
        int quit_fd;   /* readable: the threads end */
        int wake_fd;   /* to the first thread: there may be signals again */
        int notify_fd; /* to the loop: a timer */

        _Atomic bool is_realtime, is_plain; /* neither: not decided yet */
        _Atomic bool is_quitting;
        _Atomic bool is_stuck;     /* set by the loop */
        _Atomic bool is_catching;  /* one of them has the catch */
        _Atomic bool is_reading;   /* it may have a signal that is neither pending nor counted */
        _Atomic bool is_full;      /* signals may have been left in the kernel for want of a slot */
        _Atomic unsigned n_caught; /* written by the one that has the catch */
        _Atomic size_t n_awake;    /* threads that are not waiting for a signal */

        SenderSlot slots[SENDER_CATCHER_SLOTS];
        _Atomic size_t n_threads, n_running;
        SenderThread threads[SENDER_CATCHER_THREADS_MAX];
};

/* The slot of the nth signal. */
SenderSlot *sender_threads_slot(SenderThreads *threads, unsigned n);

/* Zeroed memory becomes threads that have not been started, with their own eventfds and timer.
 * proc_fd and signal_fd are for the caller to set; all five are owned.
 * Returns: 0; negative errno of eventfd(2), timerfd_create(2). */
int sender_threads_init(SenderThreads *threads) _warn_unused_;

/* Returns: 0; 1: realtime was asked for and is not permitted; negative errno of epoll_create1(2),
 * epoll_ctl(2), pthread_create(3): there is none. */
int sender_threads_start(SenderThreads *threads, SenderCapture capture) _warn_unused_;

/* The loop gives a slot back. */
void sender_threads_free_slot(SenderThreads *threads, SenderSlot *slot);

/* Ends the threads and closes the descriptors.
 * Returns: 0; -ETIMEDOUT: one hangs. Then nothing is closed, and the memory must stay. */
int sender_threads_done(SenderThreads *threads) _warn_unused_;
