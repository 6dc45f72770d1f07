# SPDX-License-Identifier: MIT
"""Interactive shells on a terminal of their own, for the tests of completions.

systemctl, machinectl and the hosts are scripts and files of the test. A shell tells by a fifo what was offered and
what the line became; that is waited for.
"""

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import tempfile
import termios
import time

PATIENCE_SEC = 60

# What it was asked stands in the log; names of the manager, of a container and of a host.
SYSTEMCTL = r'''#!/bin/sh
echo "$*" >>"$ASKED"
case "$*" in
*--host=*) printf '%s loaded active running far\n' far.service ;;
*--machine=*) printf '%s loaded active running inner\n' inner.service ;;
*--user*list-units) printf '%s loaded active running x\n' mine.service ;;
*list-units)
        printf '%s loaded active running a unit\n' nginx.service 'mnt-a\x2db.service' 'mnt-a\x2dc.service' \
                gatewatch@hermes.service 'gatewatch@two\x2dwords.service'
        printf '%s not-found inactive dead\n' gone.service
        printf '%s masked inactive dead\n' masked.service
        ;;
*--user*list-unit-files) printf '%s enabled enabled\n' resting.service ;;
*list-unit-files) printf '%s enabled enabled\n' nginx.service gatewatch@.service idle.service ;;
esac
echo 'a complaint' >&2
'''
MACHINECTL = r'''#!/bin/sh
echo "$*" >>"$ASKED"
printf '%s container systemd-nspawn debian 12 -\n' attic cellar
echo 'a complaint' >&2
'''

# Fields that anybody may have written, too.
JOURNALCTL = r'''#!/bin/sh
echo "$*" >>"$ASKED"
case "$*" in
*--directory=*--field=GATEWATCH_UNIT*) echo elsewhere.service ;;
*--field=GATEWATCH_UNIT*)
        printf '%s\n' hermes.service gatewatch@hermes.service 'mnt-a\x2db.service' removed.service hermes.service
        printf '%s\n' '$(touch pwned).service' 'a b.service' 'hermes' 'x;y.service' "$(printf 'red\033[31m.service')"
        ;;
*--field=_BOOT_ID*) printf '%s\n' 11111111111111111111111111111111 2222222222222222222222222222222a ;;
*--list-boots*)
        printf '%s\n' '-1 11111111111111111111111111111111 Fri 2026-11-20 10:00:00 UTC—Fri 2026-11-20 12:00:00 UTC' \
                ' 0 2222222222222222222222222222222a Sat 2026-11-21 10:00:00 UTC—Sat 2026-11-21 12:00:00 UTC'
        ;;
esac
echo 'a complaint' >&2
'''

BASH_SETUP = r'''
PS1= PS2= PROMPT_COMMAND= HISTFILE= HOSTFILE=$HOME/hosts
bind 'set bell-style none' 2>/dev/null
bind 'set completion-query-items 0' 2>/dev/null
bind 'set page-completions off' 2>/dev/null
bind 'set enable-bracketed-paste off' 2>/dev/null
LOAD
tell_line() {
        printf 'line\t%s\n\f' "$READLINE_LINE" >"$ANSWERS"
        READLINE_LINE= READLINE_POINT=0
}
bind -x '"\C-xl": tell_line' 2>/dev/null
# The function under the name of another, and what it answers.
tell_offers() {
        _gatewatch "$@"
        {
                printf 'offers\n'
                ((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
                printf '\f'
        } >"$ANSWERS"
}
complete -F tell_offers gatewatch
_withown() { COMPREPLY=("$COMP_CWORD-${#COMP_WORDS[@]}-$COMP_LINE-$COMP_POINT"); }
complete -F _withown withown
complete -W 'alpha beta' withwords
printf 'ready\n\f' >"$ANSWERS"
'''

ZSH_SETUP = r'''
PS1= PS2= RPS1= HISTFILE=
fpath=("$COMPLETIONS" $fpath)
autoload -Uz compinit
compinit -D -u
zstyle ':completion:*' hosts alpha beta
setopt no_beep no_auto_list no_auto_menu no_list_ambiguous
bindkey -e
bindkey '^I' complete-word
tell_line() {
        printf 'line\t%s\n\f' "$BUFFER" >$ANSWERS
        BUFFER=
}
zle -N tell_line
bindkey '^Xl' tell_line
# All that is offered to compadd and fits, without its being put in.
tell_offers() {
        local -a all
        compadd() {
                local -a hits
                if [[ " $* " == *' -'[a-zA-Z]#[OAD]' '* ]]; then
                        builtin compadd "$@"
                        return
                fi
                builtin compadd -O hits "$@"
                all+=("${(@)hits}")
                builtin compadd "$@"
        }
        _main_complete
        unfunction compadd
        compstate[insert]= compstate[list]=
        {
                printf 'offers\n'
                (($#all)) && print -rl -- $all
                printf '\f'
        } >$ANSWERS
}
zle -C tell_offers complete-word tell_offers
bindkey '^Xo' tell_offers
_withown() { compadd -- "$CURRENT-$#words-$words"; }
compdef _withown withown
setopt extended_glob
printf 'ready\n\f' >$ANSWERS
'''


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(path, mode)


class Surroundings:
    """A home, a PATH with the program and what stands in for systemd, and a fifo for answers."""

    def __init__(self, program, source):
        self.program = program
        self.completions = os.path.join(source, 'docs', 'completions')
        self.folder = tempfile.mkdtemp(prefix='gatewatch-completions-')
        self.bin = self.path('bin')
        self.place_programs()
        for name in ('withown', 'withwords', 'withnothing'):
            write(self.path('bin', name), '#!/bin/sh\n', 0o755)
        write(self.path('hosts'), '192.0.2.1 alpha beta\n')
        write(self.path('.ssh', 'config'), 'Host gamma *.example\n  User me\n')
        for name in ('a file.service', 'plain.service', 'settings.conf'):
            write(self.path('place', 'files', name), '')
        os.mkdir(self.path('place', 'files', 'a folder'))
        self.answers = self.path('answers')
        os.mkfifo(self.answers)
        self.asked = self.path('asked')

    def place_programs(self):
        write(self.path('bin', 'systemctl'), SYSTEMCTL, 0o755)
        write(self.path('bin', 'machinectl'), MACHINECTL, 0o755)
        write(self.path('bin', 'journalctl'), JOURNALCTL, 0o755)
        write(self.path('bin', 'gatewatch'), '#!/bin/sh\nexec "%s" "$@"\n' % self.program, 0o755)

    def break_programs(self):
        for name in ('systemctl', 'machinectl', 'journalctl', 'gatewatch'):
            write(self.path('bin', name), '#!/bin/sh\necho complaint >&2\nexit 1\n', 0o755)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def environment(self):
        return {
            'PATH': self.bin + ':/usr/bin:/bin', 'HOME': self.folder, 'ZDOTDIR': self.folder, 'TERM': 'dumb',
            'ANSWERS': self.answers, 'ASKED': self.asked, 'LANG': 'C.UTF-8', 'USER': 'nobody',
            'COMPLETIONS': self.completions,
            'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', ''),
        }

    def what_was_asked(self):
        """Since the last time."""
        try:
            with open(self.asked, encoding='utf-8') as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []
        finally:
            write(self.asked, '')

    def remove(self):
        shutil.rmtree(self.folder)


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, surroundings, command):
        self.answers_fd = os.open(surroundings.answers, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.answers = ''
        self.screen = b''
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(surroundings.path('place'))
                os.execvpe(command[0], command, surroundings.environment())
            finally:
                os._exit(127)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 500, 300, 0, 0))
        self.read('ready')

    def read(self, kind):
        """The lines of the next answer, which must be of this kind."""
        deadline = time.monotonic() + PATIENCE_SEC
        while '\f' not in self.answers:
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError('no answer, on the screen: %r' % self.screen[-2000:])
            for fd in select.select([self.answers_fd, self.terminal], [], [], left)[0]:
                data = os.read(fd, 65536)
                if fd == self.terminal:
                    self.screen += data
                else:
                    self.answers += data.decode()
        answer, self.answers = self.answers.split('\f', 1)
        lines = answer.split('\n')[:-1]
        if lines[0].split('\t')[0] != kind:
            raise AssertionError('expected %s, read %r' % (kind, lines))
        return lines

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def line(self):
        """What the line is; it is empty then."""
        self.type('\x18l')
        return self.read('line')[0].split('\t', 1)[1]

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)
        os.close(self.answers_fd)


class Bash(Shell):
    def __init__(self, surroundings, load='source "$COMPLETIONS/gatewatch"'):
        write(surroundings.path('bashrc'), BASH_SETUP.replace('LOAD', load))
        super().__init__(surroundings, ['bash', '--noprofile', '--rcfile', surroundings.path('bashrc'), '-i'])

    def offers(self, line):
        """What replaces the piece of the line before the cursor."""
        self.type(line + '\t')
        offers = self.read('offers')[1:]
        self.line()
        return offers

    def complete(self, line):
        """What the line becomes."""
        self.type(line + '\t')
        if 'gatewatch ' in line:
            self.read('offers')
        return self.line()


class Zsh(Shell):
    def __init__(self, surroundings):
        write(surroundings.path('.zshrc'), ZSH_SETUP)
        super().__init__(surroundings, ['zsh', '-d', '-i'])

    def offers(self, line):
        self.type(line + '\x18o')
        offers = self.read('offers')[1:]
        self.line()
        return offers

    def complete(self, line):
        self.type(line + '\t')
        return self.line()
