/* SPDX-License-Identifier: MIT */

/* A picture that is drawn over itself: the cursor goes home, each line is written and its old rest erased, then
 * everything below. Nothing is cleared first, so nothing flickers, and it goes out in one write. What does not
 * fit on the screen is left out and counted.
 *
 * The terminal is without echo and line editing meanwhile; signals are read from a descriptor, so that whatever
 * ends this also puts the terminal back. Stopped by Ctrl-Z it gives the terminal back until it goes on. A
 * SIGKILL leaves it as it is, as with every program.
 *
 * While systemd and the journal are asked, which a manager that hangs draws out to the timeout of the call,
 * handlers do the same. Nothing is being drawn then. A key is read only when the answer is there.
 *
 * A manager that goes away (systemctl daemon-reexec) is said so in the picture and asked again. The journal is
 * read again only when a run has ended since. */

#include "report/list-watch.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "memory-stream.h"
#include "report/list-last.h"
#include "report/list-print.h"
#include "terminal.h"
#include "text-wrap.h"

#define WATCH_INTERVAL_USEC USEC_PER_SEC
#define WATCH_HEIGHT        24 /* of a terminal that does not say */

#define TERMINAL_HOME       "\033[H"
#define TERMINAL_CLEAR      "\033[H\033[2J"
#define TERMINAL_ERASE_LINE "\033[K"
#define TERMINAL_ERASE_REST "\033[J"
#define TERMINAL_HIDE       "\033[?25l"
#define TERMINAL_SHOW       "\033[?25h"

/* What is known of a unit's last stop, and when that was asked. */
typedef struct WatchedStop {
        char *name;
        pid_t main_pid;
        ListedState state;
        ListedStop stop;
} WatchedStop;

/* Those that do not wait for an answer. */
static const int watch_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

typedef struct Watch {
        ListSource source;
        bool is_taken; /* the terminal */
        bool has_keys; /* stdin is one */
        struct termios terminal;
        sigset_t signals_before;
        struct sigaction actions_before[ELEMENTSOF(watch_signals)];
        int signals_fd;
        bool is_stale; /* what is on the screen does not fit it any more */
        bool is_over;
        WatchedStop *stops;
        size_t n_stops;
} Watch;

/* ---- The terminal ---------------------------------------------------------------------------- */

static void watch_write(const char *text, size_t size) {
        while (size > 0) {
                ssize_t n = write(STDOUT_FILENO, text, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return; /* it is gone: SIGHUP follows */
                text += n;
                size -= (size_t) n;
        }
}

static void watch_take_terminal(Watch *watch) {
        struct termios raw;

        watch->has_keys = tcgetattr(STDIN_FILENO, &watch->terminal) == 0;
        if (watch->has_keys) {
                raw = watch->terminal;
                raw.c_lflag &= ~(tcflag_t) (ICANON | ECHO);
                raw.c_cc[VMIN] = 1;
                raw.c_cc[VTIME] = 0;
                (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
        }
        watch_write(TERMINAL_HIDE TERMINAL_CLEAR, strlen(TERMINAL_HIDE TERMINAL_CLEAR));
        watch->is_taken = true;
}

static void watch_give_terminal(Watch *watch) {
        if (!watch->is_taken)
                return;
        watch_write("\n" TERMINAL_SHOW, strlen("\n" TERMINAL_SHOW));
        if (watch->has_keys)
                (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &watch->terminal);
        watch->is_taken = false;
}

static void watch_find_size(unsigned *ret_width, unsigned *ret_height) {
        struct winsize size = {};

        *ret_width = terminal_width(stdout);
        (void) ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        *ret_height = size.ws_row > 0 ? size.ws_row : WATCH_HEIGHT;
}

/* ---- Signals --------------------------------------------------------------------------------- */

/* weak: of handlers, which are told nothing but a number. NULL: nobody watches. */
static Watch *watch_of_handlers;

static void watch_stop(Watch *watch) {
        bool was_taken = watch->is_taken;

        watch_give_terminal(watch);
        (void) raise(SIGSTOP);
        if (was_taken)
                watch_take_terminal(watch);
        watch->is_stale = true;
}

/* Calls nothing but what signal-safety(7) allows. */
static void watch_handle_signal(int signo) {
        int saved_errno = errno;

        if (signo != SIGTSTP) {
                watch_give_terminal(watch_of_handlers);
                _exit(EXIT_SUCCESS); /* as after watch_dispatch_signal() */
        }
        watch_stop(watch_of_handlers);
        errno = saved_errno;
}

static sigset_t watch_signal_set(void) {
        sigset_t signals;

        (void) sigemptyset(&signals);
        for (size_t i = 0; i < ELEMENTSOF(watch_signals); i++)
                (void) sigaddset(&signals, watch_signals[i]);
        return signals;
}

static void watch_unblock_signals(void) {
        sigset_t signals = watch_signal_set();

        (void) sigprocmask(SIG_UNBLOCK, &signals, NULL);
}

static void watch_block_signals(void) {
        sigset_t signals = watch_signal_set();

        (void) sigprocmask(SIG_BLOCK, &signals, NULL);
}

static int watch_take_signals(Watch *watch) {
        const struct sigaction action = {
                .sa_handler = watch_handle_signal,
                .sa_mask = watch_signal_set(),
                .sa_flags = SA_RESTART,
        };
        sigset_t signals = watch_signal_set();

        (void) sigaddset(&signals, SIGWINCH);
        if (sigprocmask(SIG_BLOCK, &signals, &watch->signals_before) < 0)
                return -errno;
        watch->signals_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
        if (watch->signals_fd < 0) {
                int r = -errno;

                (void) sigprocmask(SIG_SETMASK, &watch->signals_before, NULL);
                return r;
        }
        watch_of_handlers = watch;
        for (size_t i = 0; i < ELEMENTSOF(watch_signals); i++)
                (void) sigaction(watch_signals[i], &action, &watch->actions_before[i]);
        return 0;
}

static void watch_give_signals(Watch *watch) {
        for (size_t i = 0; i < ELEMENTSOF(watch_signals); i++)
                (void) sigaction(watch_signals[i], &watch->actions_before[i], NULL);
        watch_of_handlers = NULL;
        (void) sigprocmask(SIG_SETMASK, &watch->signals_before, NULL);
        watch->signals_fd = fd_close(watch->signals_fd);
}

static void watch_dispatch_signal(Watch *watch) {
        struct signalfd_siginfo info;

        while (read(watch->signals_fd, &info, sizeof(info)) == sizeof(info))
                switch (info.ssi_signo) {
                case SIGWINCH:
                        watch_write(TERMINAL_CLEAR, strlen(TERMINAL_CLEAR));
                        watch->is_stale = true;
                        break;
                case SIGTSTP:
                        watch_stop(watch);
                        break;
                default:
                        watch->is_over = true;
                }
}

static void watch_dispatch_keys(Watch *watch) {
        char keys[64];
        ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

        if (n <= 0) { /* nobody types there any more */
                watch->has_keys = false;
                return;
        }
        for (ssize_t i = 0; i < n; i++)
                if (keys[i] == 'q' || keys[i] == 'Q')
                        watch->is_over = true;
}

/* Waits until it is time to draw again, or something has happened. Returns: 0; errno of poll(2). */
static int watch_wait(Watch *watch, usec_t until_usec) {
        struct pollfd fds[] = {
                { .fd = watch->signals_fd, .events = POLLIN },
                { .fd = watch->has_keys ? STDIN_FILENO : -1, .events = POLLIN },
        };
        usec_t left_usec = usec_sub(until_usec, usec_now(CLOCK_MONOTONIC));
        int n;

        n = poll(fds, ELEMENTSOF(fds), (int) ((left_usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC));
        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        if (fds[0].revents)
                watch_dispatch_signal(watch);
        if (fds[1].revents)
                watch_dispatch_keys(watch);
        return 0;
}

/* ---- Last stops ------------------------------------------------------------------------------ */

static void watch_forget_stops(Watch *watch) {
        for (size_t i = 0; i < watch->n_stops; i++) {
                free(watch->stops[i].name);
                free(watch->stops[i].stop.outcome);
                free(watch->stops[i].stop.cause);
        }
        free(watch->stops);
        watch->stops = NULL;
        watch->n_stops = 0;
}

/* Whether no unit has come, and none has ended a run, since the journal was asked. */
static bool watch_has_stops(const Watch *watch, const ListSet *set) {
        if (!watch->stops || watch->n_stops != set->n_units)
                return false;
        for (size_t i = 0; i < set->n_units; i++)
                if (strcmp(watch->stops[i].name, set->units[i].view->name) != 0 ||
                        watch->stops[i].main_pid != set->units[i].main_pid ||
                        watch->stops[i].state != set->units[i].state)
                        return false;
        return true;
}

static int stop_copy(const ListedStop *stop, ListedStop *ret_stop) {
        *ret_stop = *stop;
        ret_stop->outcome = stop->outcome ? strdup(stop->outcome) : NULL;
        ret_stop->cause = stop->cause ? strdup(stop->cause) : NULL;
        return (stop->outcome && !ret_stop->outcome) || (stop->cause && !ret_stop->cause) ? -ENOMEM
                                                                                          : 0;
}

static int watch_keep_stops(Watch *watch, const ListSet *set) {
        int r = 0;

        watch_forget_stops(watch);
        watch->stops = calloc(set->n_units + 1, sizeof(WatchedStop));
        if (!watch->stops)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < set->n_units; i++) {
                WatchedStop *kept = &watch->stops[watch->n_stops++];

                kept->name = strdup(set->units[i].view->name);
                kept->main_pid = set->units[i].main_pid;
                kept->state = set->units[i].state;
                r = kept->name ? stop_copy(&set->units[i].last, &kept->stop) : -ENOMEM;
        }
        return r;
}

static int watch_read_stops(Watch *watch, ListSet *set) {
        char error[LIST_LAST_ERROR_MAX];
        int r = 0;

        if (!watch_has_stops(watch, set)) {
                r = list_last_read(&watch->source.options->target, &set->clock, set->units,
                        set->n_units, error);
                return r < 0 ? r : watch_keep_stops(watch, set);
        }
        for (size_t i = 0; r >= 0 && i < set->n_units; i++) {
                ListedUnit *unit = &set->units[i];

                r = stop_copy(&watch->stops[i].stop, &unit->last);
                if (unit->last.outcome)
                        unit->last_age_usec =
                                usec_sub(set->clock.realtime_usec, unit->last.at_realtime_usec);
        }
        return r;
}

/* ---- The picture ----------------------------------------------------------------------------- */

/* Writes a page over the one before. */
static int watch_put_page(const char *page, const ListPrintOptions *options, unsigned height) {
        _cleanup_free_ char *text = NULL;
        size_t size, n_lines = 0, n_shown = 0;
        FILE *file;

        for (const char *c = page; *c; c++)
                n_lines += *c == '\n';
        file = open_memstream(&text, &size);
        if (!file)
                return -ENOMEM;
        (void) fputs(TERMINAL_HOME, file);
        for (const char *line = page; *line;) {
                int length = (int) strcspn(line, "\n");

                if (n_lines > height && n_shown + 1 >= height) {
                        (void) fprintf(file, "%s %zu more lines" TERMINAL_ERASE_LINE,
                                options->is_ascii ? "..." : "…", n_lines - n_shown);
                        break;
                }
                (void) fprintf(file, "%.*s" TERMINAL_ERASE_LINE, length, line);
                line += length + (line[length] == '\n');
                n_shown++;
                if (*line) /* behind the last line the screen would scroll */
                        (void) fputc('\n', file);
        }
        (void) fputs(TERMINAL_ERASE_REST, file);
        if (memory_stream_close(file, &text) < 0)
                return -ENOMEM;
        watch_write(text, size);
        return 0;
}

static int watch_draw(Watch *watch, const ListSet *set, const char *trouble) {
        ListPrintOptions options = {
                .has_colour = terminal_wants_colour(stdout),
                .has_legend = watch->source.options->has_legend,
                .is_ascii = !terminal_is_utf8(),
        };
        _cleanup_free_ char *page = NULL;
        unsigned height;
        size_t size;
        FILE *file;
        int r = 0;

        watch_find_size(&options.width, &height);
        file = open_memstream(&page, &size);
        if (!file)
                return -ENOMEM;
        if (*trouble)
                text_wrap(file, "", trouble, options.width);
        else
                r = list_print_table(file, set->units, set->n_units, &options);
        if (memory_stream_close(file, &page) < 0)
                r = -ENOMEM;
        return r < 0 ? r : watch_put_page(page, &options, height);
}

/* Asks systemd and the journal, during which signals come through. */
static int watch_read(Watch *watch, ListSet *set, char reterr[static LIST_SET_ERROR_MAX]) {
        int r;

        watch_unblock_signals();
        r = list_set_read(&watch->source, set, reterr);
        if (r >= 0)
                r = watch_read_stops(watch, set);
        watch_block_signals();
        return r;
}

static int watch_turn(Watch *watch, bool is_first) {
        _cleanup_(list_set_done) ListSet set = {};
        char error[LIST_SET_ERROR_MAX] = "";
        int r;

        r = watch_read(watch, &set, error);
        if (r == -ENOMEM)
                return r;
        if (r < 0 && is_first) {
                (void) fprintf(stderr, "gatewatch list: %s\n", error);
                return r;
        }
        if (is_first)
                watch_take_terminal(watch);
        return watch_draw(watch, &set, error);
}

static int watch_run(Watch *watch) {
        usec_t due_usec;
        int r;

        r = watch_turn(watch, /* is_first= */ true);
        due_usec = usec_add(usec_now(CLOCK_MONOTONIC), WATCH_INTERVAL_USEC);
        while (r >= 0 && !watch->is_over) {
                r = watch_wait(watch, due_usec);
                if (r < 0 || watch->is_over ||
                        (!watch->is_stale && usec_now(CLOCK_MONOTONIC) < due_usec))
                        continue;
                watch->is_stale = false;
                r = watch_turn(watch, /* is_first= */ false);
                due_usec = usec_add(usec_now(CLOCK_MONOTONIC), WATCH_INTERVAL_USEC);
        }
        return r < 0 ? r : 0;
}

int list_watch(const ListOptions *options) {
        _cleanup_free_ Watch *watch = NULL;
        int r;

        assert(options);

        if (!isatty(STDOUT_FILENO))
                return -ENOTTY;
        watch = malloc(sizeof(Watch));
        if (!watch)
                return -ENOMEM;
        *watch = (Watch){ .source.options = options, .signals_fd = -EBADF };
        r = watch_take_signals(watch);
        if (r < 0)
                return r;
        r = watch_run(watch);
        watch_give_terminal(watch);
        watch_give_signals(watch);
        watch_forget_stops(watch);
        list_source_done(&watch->source);
        return r;
}
