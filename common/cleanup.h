/* SPDX-License-Identifier: MIT */
#pragma once

/* Ownership in the declaration: a variable marked _cleanup_() gives its value back when it goes
 * out of scope, TAKE_PTR() and TAKE_FD() hand it on. A destructor takes NULL (or -EBADF). */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function)   __attribute__((cleanup(function)))
#define _unused_              __attribute__((unused))
#define _warn_unused_         __attribute__((warn_unused_result))
#define _printf_(text, first) __attribute__((format(printf, text, first)))
#define _noreturn_            __attribute__((noreturn))

#define ELEMENTSOF(array) (sizeof(array) / sizeof((array)[0]))

#define TAKE_PTR(pointer)                               \
        ({                                              \
                __typeof__(pointer) _taken = (pointer); \
                (pointer) = NULL;                       \
                _taken;                                 \
        })

#define TAKE_FD(fd)                \
        ({                         \
                int _taken = (fd); \
                (fd) = -EBADF;     \
                _taken;            \
        })

/* Defines TYPE_freep() for `_cleanup_(x_freep) Type *x`, from a destructor that takes the pointer. */
#define DEFINE_POINTER_CLEANUP(Type, function)           \
        static inline void function##p(Type **pointer) { \
                if (*pointer)                            \
                        function(*pointer);              \
        }

/* Closes fd if it is open, keeps errno. Returns -EBADF, so that `fd = fd_close(fd)` unsets. */
static inline int fd_close(int fd) {
        if (fd >= 0) {
                int saved_errno = errno;
                (void) close(fd);
                errno = saved_errno;
        }
        return -EBADF;
}

static inline void fd_closep(int *fd) {
        *fd = fd_close(*fd);
}

static inline void freep(void *pointer_to_pointer) {
        void *pointer = *(void **) pointer_to_pointer;
        free(pointer);
}

static inline void fclosep(FILE **file) {
        if (*file)
                (void) fclose(*file);
}

static inline void closedirp(DIR **directory) {
        if (*directory)
                (void) closedir(*directory);
}

#define _cleanup_free_     _cleanup_(freep)
#define _cleanup_close_    _cleanup_(fd_closep)
#define _cleanup_fclose_   _cleanup_(fclosep)
#define _cleanup_closedir_ _cleanup_(closedirp)
