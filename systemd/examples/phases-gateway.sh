#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A chat gateway in POSIX sh, as far as its stop goes: sessions, and adapters to chat services. It tells its
# supervisor what it does by `gatewatch notify`:
#
#   notify_active_sessions   each session hears that the gateway leaves
#   drain                    sessions finish; --active= counts them down
#   post_interrupt_kill      only when the drain was interrupted: the sessions that were cut short
#   disconnect_adapters      a step "disconnect NAME" for each, one after the other
#   final_kill               whatever is left
#   close_database           a step "close database"
#
# It bounds nothing itself. When the drain takes too long, or a step is overdue, the supervisor sends SIGINT,
# the second phase of its schedule: that abandons what the gateway waits for, and the stop goes on.
#
# usage: phases-gateway.sh [--sessions=N] [--drain=SECONDS] [--adapters='NAME…'] [--disconnect=SECONDS]
#                          [--hang=NAME] [--step-timeout=TIME] [--close=SECONDS]
#   --drain=        how long a session still works once it was told to leave; infinity
#   --hang=         an adapter whose peer never answers
#   --step-timeout= the bound of a disconnect; the supervisor's own without it
#
# $GATEWATCH names the program where it is not in PATH.

set -u

sessions=3
drain=1
adapters='telegram slack'
disconnect=0.2
hang=
step_timeout=
close=0.1
for argument; do
        value=${argument#*=}
        case $argument in
        --sessions=*) sessions=$value ;;
        --drain=*) drain=$value ;;
        --adapters=*) adapters=$value ;;
        --disconnect=*) disconnect=$value ;;
        --hang=*) hang=$value ;;
        --step-timeout=*) step_timeout=$value ;;
        --close=*) close=$value ;;
        *)
                echo "phases-gateway: unknown option $argument" >&2
                exit 64
                ;;
        esac
done

# What cannot be told must not keep the gateway from its work.
tell() {
        [ -n "${NOTIFY_SOCKET:-}" ] || return 0
        "${GATEWATCH:-gatewatch}" notify "$@" || :
}

# ---- Signals ------------------------------------------------------------------------------------

# A trap runs once the command in the foreground has ended, but at once within `wait`: so everything that
# takes its time runs in the background and is waited for. The traps end it as well, because a signal may
# arrive just before the `wait` begins.
is_leaving=
is_interrupted=
waited_for=

# shellcheck disable=SC2317 # by a trap
leave() {
        is_leaving=yes
        [ -z "$pause_pid" ] || kill "$pause_pid" 2>/dev/null
}

# shellcheck disable=SC2317
interrupt() {
        # As the first signal (Ctrl-C) it is a stop like any other.
        if [ -z "$is_leaving" ]; then
                leave
                return
        fi
        is_interrupted=yes
        [ -z "$waited_for" ] || kill "$waited_for" 2>/dev/null
}

pause_pid=
trap leave TERM
trap interrupt INT

# Waits for a child. Returns 1, and forgets the interrupt, when one ended the wait.
wait_for() {
        waited_for=$1
        while [ -z "$is_interrupted" ] && kill -0 "$1" 2>/dev/null; do
                wait "$1" || :
        done
        waited_for=
        [ -n "$is_interrupted" ] || return 0
        is_interrupted=
        return 1
}

# ---- Sessions -------------------------------------------------------------------------------------

# A session waits for a line, which is the word to leave, and has some work left then.
folder=$(mktemp -d) || exit 1
mkfifo "$folder/word" && exec 3<>"$folder/word" || exit 1
rm -r "$folder"

session() {
        trap - TERM INT
        read -r _ <&3
        exec 3>&-
        exec sleep "$drain"
}

session_pids=
number=0
while [ "$number" -lt "$sessions" ]; do
        session &
        session_pids="$session_pids $!"
        number=$((number + 1))
done
active=$sessions

kill_sessions() {
        for pid in $session_pids; do
                kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
        done
        session_pids=
}

# ---- Serving --------------------------------------------------------------------------------------

# Twice as often as the supervisor wants a heartbeat, or else for as long as it takes.
pause=infinity
if [ -n "${WATCHDOG_USEC:-}" ]; then
        pause=$(printf '%d.%06d' $((WATCHDOG_USEC / 2000000)) $((WATCHDOG_USEC / 2 % 1000000)))
fi
tell --ready --active="$active"
while [ -z "$is_leaving" ]; do
        [ "$pause" = infinity ] || tell --watchdog
        sleep "$pause" &
        pause_pid=$!
        [ -n "$is_leaving" ] || wait "$pause_pid" || :
        kill "$pause_pid" 2>/dev/null || :
        pause_pid=
done

# ---- Stopping -------------------------------------------------------------------------------------

tell --stopping --phase=notify_active_sessions --active="$active"
for pid in $session_pids; do
        echo >&3
done

tell --phase=drain
for pid in $session_pids; do
        if ! wait_for "$pid"; then
                tell --phase=post_interrupt_kill
                kill_sessions
                tell --active=0
                break
        fi
        active=$((active - 1))
        tell --active="$active"
done

tell --phase=disconnect_adapters
for adapter in $adapters; do
        tell --step-begin="disconnect $adapter" ${step_timeout:+--step-timeout="$step_timeout"}
        if [ "$adapter" = "$hang" ]; then
                sleep infinity &
        else
                sleep "$disconnect" &
        fi
        wait_for $! || kill $! 2>/dev/null
        tell --step-end="disconnect $adapter"
done

tell --phase=final_kill
kill_sessions

tell --phase=close_database --step-begin='close database'
sleep "$close" &
wait_for $! || :
tell --step-end='close database'
tell --phase=
exit 0
