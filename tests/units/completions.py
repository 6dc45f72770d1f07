#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The completions of bash and zsh, in real shells on a terminal, against the program: what it takes, they offer;
what they offer, it takes.

usage: completions.py GATEWATCH SOURCE-DIR
"""

import os
import re
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True

from shells import PATIENCE_SEC, Bash, Surroundings, Zsh, write

GATEWATCH = ''
SOURCE = ''
BASH_COMPLETION = '/usr/share/bash-completion/bash_completion'

# With what each refuses, or does no harm, when an option before it was taken.
VERBS = {'run': [], 'notify': ['too-much'], 'post': ['too-much'], 'check': ['--headroom=nonsense'], 'unit': ['--', 'true'],
         'report': ['--nonsense'], 'list': ['--nonsense']}


# ---- What the program says ---------------------------------------------------------------------------


def ask_program(*arguments):
    return subprocess.run([GATEWATCH, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=PATIENCE_SEC, check=False)


def options_of_help(verb):
    """Of the left column, without values; the second one of a line that has two; the same by another name."""
    text = ask_program(verb, '--help').stdout
    heads = re.findall(r'^ {2,5}(-.*?)(?:  |$)', text, re.MULTILINE) + re.findall(r'(?:;  |\()(-.*?)(?:  |[,)])', text)
    return set(re.findall(r'(?:^|[ ])(--?[a-zA-Z][a-z0-9-]*)', ' '.join(heads)))


def options_of_verb(verb):
    options = options_of_help(verb)
    # Its help names them by a reference.
    return options | options_of_help('run') if verb == 'unit' else options


def fixed_values(verb):
    """The options that take a word out of a few, by the complaint about another one, with these words."""
    fixed = {}
    for option in sorted(option for option in options_of_verb(verb) if option.startswith('--')):
        complaint = ask_program(verb, option + '=nonsense', *VERBS[verb]).stderr
        words = re.search(r'nonsense is not usable: give ((?:[a-z]+, )*[a-z]+ or [a-z]+)\n', complaint)
        if words:
            fixed[option] = re.split(r', | or ', words.group(1))
    return fixed


def words_of_list(option):
    """What a list of words can have, by the complaint about another one."""
    complaint = ask_program('report', option + '=nonsense').stderr
    return re.search(r'nonsense is none: give (.*)\n', complaint).group(1).split(', ')


def rules():
    return [line.split()[0] for line in ask_program('check', '--list-rules').stdout.splitlines()]


class Cases:
    """What holds in both shells. A class of tests gives shell and surroundings."""

    surroundings = None
    shell = None

    @classmethod
    def setUpClass(cls):
        cls.surroundings = Surroundings(GATEWATCH, SOURCE)
        cls.addClassCleanup(cls.surroundings.remove)
        cls.shell = cls.start(cls.surroundings)
        cls.addClassCleanup(cls.shell.end)

    def setUp(self):
        self.surroundings.what_was_asked()

    def words(self, line):
        """What the last word can become; in bash without what stands before a "=" or "@" of it."""
        return sorted(set(self.shell.offers(line)))

    def test_verbs_are_those_of_help(self):
        text = ask_program('--help').stdout.split('Verbs:')[1].split('Options:')[0]
        verbs = re.findall(r'^  ([a-z]+) ', text, re.MULTILINE)
        self.assertEqual(self.words('gatewatch '), sorted(verbs))
        self.assertEqual(sorted(verbs), sorted(VERBS))

    def test_options_are_those_of_help(self):
        for verb in VERBS:
            with self.subTest(verb=verb):
                options = options_of_verb(verb)
                self.assertGreater(len(options), 5)
                offered = self.words('gatewatch %s --' % verb) + self.words('gatewatch %s -' % verb)
                self.assertEqual({word.rstrip('=') for word in offered}, options)

    def test_options_of_no_verb_are_those_of_help(self):
        self.assertEqual(set(self.words('gatewatch -') + self.words('gatewatch --')),
                         {'-h', '--help', '--version'})

    def test_values_are_those_of_the_program(self):
        for verb, n in ('run', 8), ('post', 2), ('check', 2), ('unit', 8), ('report', 3), ('list', 1):
            fixed = fixed_values(verb)
            self.assertGreaterEqual(len(fixed), n)
            for option, values in fixed.items():
                with self.subTest(verb=verb, option=option):
                    self.assertEqual(self.words('gatewatch %s %s=' % (verb, option)), sorted(values))

    def test_value_in_a_word_of_its_own_is_completed(self):
        self.assertEqual(self.shell.complete('gatewatch run --second-signal esc'),
                         'gatewatch run --second-signal escalate ')

    def test_signals_are_such_as_can_be_sent(self):
        for option, before in ('--watchdog-signal', []), ('--dump-signal', ['none']):
            words = self.words('gatewatch run %s=' % option)
            with self.subTest(option=option):
                self.assertLessEqual({'ABRT', 'QUIT', 'USR2', *before}, set(words))
                self.assertEqual({'KILL', 'STOP', 'EXIT'} & set(words), set())
                for word in words:
                    complaint = ask_program('run', '%s=%s' % (option, word), '--headroom=nonsense').stderr
                    self.assertIn('--headroom', complaint, word)

    def test_option_with_a_value_gets_no_space(self):
        self.assertEqual(self.shell.complete('gatewatch run --drain'), 'gatewatch run --drain-timeout=')

    def test_option_without_a_value_gets_a_space(self):
        self.assertEqual(self.shell.complete('gatewatch check --list'), 'gatewatch check --list-rules ')

    def test_rules_are_those_of_the_program(self):
        self.assertGreater(len(rules()), 30)
        self.assertEqual(self.words('gatewatch check --ignore='), sorted(rules()))

    def test_second_rule_is_none_that_was_named(self):
        offered = self.words('gatewatch check --ignore=kill-mode,linger,')
        self.assertEqual({word.split(',')[-1] for word in offered}, set(rules()) - {'kill-mode', 'linger'})
        self.assertEqual(self.shell.complete('gatewatch check --ignore=kill-mode,ling').rstrip(' ,'),
                         'gatewatch check --ignore=kill-mode,linger')

    def test_causes_and_outcomes_are_those_of_the_program(self):
        self.assertGreater(len(words_of_list('--cause')), 20)
        self.assertEqual(self.words('gatewatch report --cause='), sorted(words_of_list('--cause')))
        self.assertIn('running', words_of_list('--outcome'))
        self.assertEqual(self.words('gatewatch report --outcome='), sorted(words_of_list('--outcome')))

    def test_second_cause_is_none_that_was_named(self):
        offered = {word.split(',')[-1] for word in self.words('gatewatch report --cause=oom,crash,')}
        self.assertEqual(offered, set(words_of_list('--cause')) - {'oom', 'crash'})
        self.assertEqual(self.shell.complete('gatewatch report --outcome=lost,unrec').rstrip(' ,'),
                         'gatewatch report --outcome=lost,unrecorded')

    def test_format_behind_its_short_option(self):
        self.assertEqual(self.shell.complete('gatewatch report -o open'), 'gatewatch report -o openmetrics ')
        self.assertEqual(self.shell.complete('gatewatch report -oopen'), 'gatewatch report -oopenmetrics ')

    def test_units_of_past_stops_are_those_of_the_journal(self):
        for line in 'gatewatch report -n 3 --stats ', 'gatewatch report -b -S yesterday -- ':
            with self.subTest(line=line):
                offered = self.words(line)
                self.assertEqual({word.replace('\\\\', '\\') for word in offered},
                                 {'hermes.service', 'gatewatch@hermes.service', 'removed.service',
                                  r'mnt-a\x2db.service'})
        self.assertFalse(os.path.exists(self.surroundings.path('place', 'pwned')))
        self.assertEqual(self.shell.complete('gatewatch report rem'), 'gatewatch report removed.service ')
        self.assertEqual(self.shell.complete('gatewatch report gatewatch@h'),
                         'gatewatch report gatewatch@hermes.service ')

    def test_units_of_other_journals_are_asked_there(self):
        for line, option in (('-D files', '--directory=files'), ('--directory=files', '--directory=files'),
                             ('--directory files', '--directory=files'), ('-Dfiles', '--directory=files'),
                             ('-M attic', '--machine=attic'), ('--namespace=x', '--namespace=x'), ('-m', '--merge'),
                             ("--file='a b;touch pwned'", '--file=a b;touch pwned')):
            with self.subTest(line=line):
                self.surroundings.what_was_asked()
                offered = self.words('gatewatch report %s ' % line)
                self.assertEqual('elsewhere.service' in offered, '--directory' in option)
                self.assertIn(option, self.surroundings.what_was_asked()[0])
        self.assertFalse(os.path.exists(self.surroundings.path('place', 'pwned')))

    def test_boots_are_those_of_the_journal(self):
        for line in '--boot=', '-b':
            with self.subTest(line=line):
                self.assertEqual(self.shell.complete('gatewatch report %s22' % line),
                                 'gatewatch report %s2222222222222222222222222222222a ' % line)
        # Its value is in the same word.
        self.assertIn('removed.service', self.words('gatewatch report --boot '))

    def test_journal_files_and_folders_are_such(self):
        self.assertEqual(self.shell.complete('gatewatch report --file=files/pl'),
                         'gatewatch report --file=files/plain.service ')
        self.assertEqual(self.shell.complete('gatewatch report --directory=files/a'),
                         'gatewatch report --directory=files/a\\ folder/')
        self.assertEqual(self.shell.complete('gatewatch report --html files/pl'),
                         'gatewatch report --html files/plain.service ')

    def test_units_of_a_list_are_the_manager_s(self):
        self.assertEqual(self.words('gatewatch list --system n'), ['nginx.service'])
        self.assertEqual(self.words('gatewatch list --user '), ['mine.service', 'resting.service'])
        self.assertEqual(self.words('gatewatch list -H me@far '), ['far.service'])

    def test_units_of_the_system_manager(self):
        self.assertEqual(self.words('gatewatch check --system n'), ['nginx.service'])
        asked = self.surroundings.what_was_asked()
        self.assertEqual(len(asked), 2)
        for line in asked:
            self.assertIn('--system', line)
            self.assertNotIn('--user', line)

    def test_units_of_the_user_manager(self):
        self.assertEqual(self.words('gatewatch check --user '), ['mine.service', 'resting.service'])

    def test_unit_without_a_manager_is_root_s_only_for_root(self):
        expected = [] if os.geteuid() else ['nginx.service']
        self.assertEqual(self.words('gatewatch check ngi'), expected)

    def test_units_that_are_not_loaded_are_offered_where_they_are_files(self):
        self.assertEqual(self.words('gatewatch check --system id'), ['idle.service'])
        self.assertEqual(self.words('gatewatch check --system gone'), [])
        self.assertEqual(self.words('gatewatch check --system mask'), ['masked.service'])

    def test_units_of_a_host_are_asked_there(self):
        for line in ('-H me@far ', '--host=me@far ', '--host me@far ', '-Hme@far '):
            with self.subTest(line=line):
                self.assertEqual(self.words('gatewatch check ' + line), ['far.service'])
                for asked in self.surroundings.what_was_asked():
                    self.assertIn('--host=me@far', asked)
                    self.assertNotIn('--user', asked)

    def test_units_of_a_container_are_asked_there(self):
        for line in ('-M attic ', '--machine=attic ', '--machine attic ', '-Mattic '):
            with self.subTest(line=line):
                self.assertEqual(self.words('gatewatch check --system ' + line), ['inner.service'])
                for asked in self.surroundings.what_was_asked():
                    self.assertIn('--machine=attic', asked)

    def test_host_with_blanks_and_commands_stays_one_word(self):
        self.words("gatewatch check --host='a b;touch pwned' ")
        self.assertIn('--host=a b;touch pwned', self.surroundings.what_was_asked()[0])
        self.assertFalse(os.path.exists(self.surroundings.path('place', 'pwned')))

    def test_containers_are_offered(self):
        for line in ('-M ', '-M', '--machine=', '--machine '):
            with self.subTest(line=line):
                self.assertEqual(self.complete_all(line, ('attic', 'cellar')), {'attic', 'cellar'})
        self.assertEqual(self.shell.complete('gatewatch check --machine=root@at').rstrip(),
                         'gatewatch check --machine=root@attic')

    def test_hosts_are_offered(self):
        for line in ('-H ', '-H', '--host=', '--host '):
            with self.subTest(line=line):
                self.assertTrue(self.complete_all(line, ('alpha', 'beta')) >= {'alpha', 'beta'})
        self.assertEqual(self.shell.complete('gatewatch check --host=root@alp').rstrip(),
                         'gatewatch check --host=root@alpha')

    def complete_all(self, line, names):
        """Those of the names that their first two letters become."""
        return {name for name in names
                if self.shell.complete('gatewatch check %s%s' % (line, name[:2])).rstrip() ==
                'gatewatch check %s%s' % (line, name)}

    def test_unit_with_a_backslash_is_quoted(self):
        self.assertEqual(self.shell.complete('gatewatch check --system mnt-a'),
                         r'gatewatch check --system mnt-a\\x2d')
        self.assertEqual(self.shell.complete(r'gatewatch check --system mnt-a\\x2db'),
                         r'gatewatch check --system mnt-a\\x2db.service ')

    def test_unit_with_a_backslash_in_quotes_is_quoted_likewise(self):
        self.assertEqual(self.shell.complete(r"gatewatch check --system 'mnt-a\x2db"),
                         r"gatewatch check --system 'mnt-a\x2db.service' ")
        self.assertEqual(self.shell.complete(r'gatewatch check --system "mnt-a\\x2db'),
                         r'gatewatch check --system "mnt-a\\x2db.service" ')

    def test_unit_with_an_at_sign_is_offered_at_any_part_of_it(self):
        for typed in ('gatewatch@h', 'gatewatch@hermes.se', 'gatewatch@hermes'):
            with self.subTest(typed=typed):
                self.assertEqual(self.shell.complete('gatewatch check --system ' + typed),
                                 'gatewatch check --system gatewatch@hermes.service ')
        self.assertEqual(self.shell.complete('gatewatch check --system gatewatch@tw'),
                         r'gatewatch check --system gatewatch@two\\x2dwords.service ')

    def test_template_is_offered_for_an_instance(self):
        self.assertEqual(self.shell.complete('gatewatch check --system gatew'),
                         'gatewatch check --system gatewatch@')

    def test_drop_in_has_units_too(self):
        for line in ('--system --drop-in=', '--system --drop-in '):
            with self.subTest(line=line):
                self.assertEqual(self.shell.complete('gatewatch unit %sngi' % line),
                                 'gatewatch unit %snginx.service ' % line)
        self.assertEqual(self.shell.complete('gatewatch unit --system --drop-in=gatewatch@tw'),
                         r'gatewatch unit --system --drop-in=gatewatch@two\\x2dwords.service ')

    def test_word_with_a_slash_is_a_file(self):
        self.assertEqual(self.shell.complete('gatewatch check files/pl'), 'gatewatch check files/plain.service ')
        self.assertEqual(self.shell.complete('gatewatch check ./files/a\\ fi'),
                         'gatewatch check ./files/a\\ file.service ')
        self.assertEqual(self.shell.complete('gatewatch unit --drop-in=files/pl'),
                         'gatewatch unit --drop-in=files/plain.service ')
        self.assertEqual(self.surroundings.what_was_asked(), [])

    def test_offline_words_are_files(self):
        self.assertEqual(self.shell.complete('gatewatch check --offline fil'), 'gatewatch check --offline files/')
        self.assertEqual(self.surroundings.what_was_asked(), [])

    def test_config_is_a_file(self):
        self.assertEqual(self.shell.complete('gatewatch run --config=files/se'),
                         'gatewatch run --config=files/settings.conf ')
        self.assertEqual(self.shell.complete('gatewatch run --config=~/place/files/se'),
                         'gatewatch run --config=~/place/files/settings.conf ')
        self.assertEqual(self.shell.complete('gatewatch run --config files/a\\ fi'),
                         'gatewatch run --config files/a\\ file.service ')

    def test_state_dir_is_a_folder(self):
        self.assertEqual(self.shell.complete('gatewatch run --state-dir=files/a'),
                         'gatewatch run --state-dir=files/a\\ folder/')
        self.assertEqual(self.shell.complete('gatewatch post --state-dir=files/pl'),
                         'gatewatch post --state-dir=files/pl')

    def test_command_is_completed(self):
        for line in ('run ', 'run -- ', 'run --ready=exec ', 'run --ready exec -- ', 'unit ', 'unit -- ',
                     'unit --drop-in=x.service -- '):
            with self.subTest(line=line):
                self.assertEqual(self.shell.complete('gatewatch %swithow' % line),
                                 'gatewatch %swithown ' % line)
        path = self.surroundings.path('bin', 'withno')
        self.assertEqual(self.shell.complete('gatewatch run %s' % path), 'gatewatch run %sthing ' % path)
        self.assertEqual(self.shell.complete('gatewatch run ~/bin/withno'), 'gatewatch run ~/bin/withnothing ')

    def test_options_behind_the_command_are_its_own(self):
        self.assertEqual(self.words('gatewatch run withwords --'), [])
        self.assertEqual(self.words('gatewatch run -- --'), [])

    def test_value_of_a_time_is_not_guessed(self):
        self.assertEqual(self.words('gatewatch run --drain-timeout='), [])
        self.assertEqual(self.words('gatewatch run --drain-timeout '), [])

    def test_line_need_not_begin_nor_end_here(self):
        self.assertEqual(self.shell.complete('true; X=y  gatewatch  check --list'),
                         'true; X=y  gatewatch  check --list-rules ')
        completed = self.shell.complete('gatewatch check --system ngi --user' + '\x02' * len(' --user'))
        self.assertEqual(completed.split(), ['gatewatch', 'check', '--system', 'nginx.service', '--user'])

    def test_unknown_verb_offers_nothing(self):
        self.assertEqual(self.words('gatewatch nonsense '), [])
        self.assertEqual(self.words('gatewatch nonsense --'), [])

    def test_failing_programs_are_silent(self):
        self.surroundings.break_programs()
        self.addCleanup(self.surroundings.place_programs)
        self.shell.screen = b''
        for line in ('gatewatch check --system ngi', 'gatewatch check --machine=at', 'gatewatch check --ignore=ki',
                     'gatewatch report her', 'gatewatch report --boot=22', 'gatewatch list --system ngi'):
            with self.subTest(line=line):
                self.assertEqual(self.shell.complete(line), line)
        for word in (b'complaint', b'not found', b'No such', b'rror'):
            self.assertNotIn(word, self.shell.screen)

    def test_complaints_are_not_shown(self):
        self.shell.screen = b''
        self.words('gatewatch check --system ')
        self.words('gatewatch check --machine=')
        self.words('gatewatch report ')
        self.words('gatewatch report --boot=')
        self.assertGreater(len(self.surroundings.what_was_asked()), 4)
        self.assertNotIn(b'complaint', self.shell.screen)


class BashTest(Cases, unittest.TestCase):
    start = staticmethod(Bash)

    def test_post_takes_no_words(self):
        self.assertEqual(self.words('gatewatch post '), [])

    def test_value_in_quotes_is_quoted_likewise(self):
        self.assertEqual(self.shell.complete(r"gatewatch unit --system --drop-in='gatewatch@two\x"),
                         r"gatewatch unit --system --drop-in='gatewatch@two\x2dwords.service' ")

    def test_unit_with_a_backslash_may_be_pasted(self):
        self.assertEqual(self.shell.complete(r'gatewatch check --system mnt-a\x2db'),
                         r'gatewatch check --system mnt-a\\x2db.service ')

    def test_hosts_of_ssh_are_offered(self):
        offered = self.words('gatewatch check --host=')
        self.assertIn('gamma', offered)
        self.assertNotIn('*.example', offered)

    def test_arguments_of_the_command_are_its_own(self):
        self.assertEqual(self.words('gatewatch run --ready=exec -- withown --a=b '),
                         ['4-5-withown --a=b -14'])
        self.assertEqual(self.words('gatewatch run withwords a'), ['alpha'])
        self.assertEqual(self.shell.complete('gatewatch unit --drop-in=x.service -- withwords be'),
                         'gatewatch unit --drop-in=x.service -- withwords beta ')
        self.assertEqual(self.shell.complete('gatewatch run -- withnothing files/pl'),
                         'gatewatch run -- withnothing files/plain.service ')


@unittest.skipUnless(os.path.exists(BASH_COMPLETION), 'bash-completion is not installed')
class BashCompletionTest(unittest.TestCase):
    """Loaded by bash-completion when it is first needed, out of the folder of its kind."""

    def setUp(self):
        self.surroundings = Surroundings(GATEWATCH, SOURCE)
        self.addCleanup(self.surroundings.remove)
        folder = self.surroundings.path('share', 'bash-completion', 'completions')
        os.makedirs(folder)
        os.symlink(os.path.join(SOURCE, 'docs', 'completions', 'gatewatch'), os.path.join(folder, 'gatewatch'))
        write(os.path.join(folder, 'withnothing'), "complete -W 'gamma delta' withnothing\n")
        self.shell = Bash(self.surroundings, 'XDG_DATA_DIRS=$HOME/share:/usr/share\nsource ' + BASH_COMPLETION)
        self.addCleanup(self.shell.end)
        self.shell.type('complete -r gatewatch\r')

    def complete(self, line):
        self.shell.type(line + '\t')
        return self.shell.line()

    def test_function_is_loaded_by_name(self):
        self.assertEqual(self.complete('gatewatch check --list'), 'gatewatch check --list-rules ')
        self.assertEqual(self.complete('gatewatch check --system gatewatch@h'),
                         'gatewatch check --system gatewatch@hermes.service ')

    def test_behind_sudo_it_is_the_system_manager(self):
        self.assertEqual(self.complete('sudo gatewatch check ngi'), 'sudo gatewatch check nginx.service ')

    def test_command_is_completed_by_its_own_file(self):
        self.assertEqual(self.complete('gatewatch run -- withnothing del'), 'gatewatch run -- withnothing delta ')


@unittest.skipUnless(shutil.which('zsh'), 'zsh is not installed')
class ZshTest(Cases, unittest.TestCase):
    start = staticmethod(Zsh)

    def test_arguments_of_the_command_are_its_own(self):
        self.assertEqual(self.words('gatewatch run --ready=exec -- withown --a=b '), ['3-3-withown --a=b '])
        self.assertEqual(self.shell.complete('gatewatch run -- withnothing files/pl'),
                         'gatewatch run -- withnothing files/plain.service ')

    def test_behind_sudo_it_is_the_system_manager(self):
        self.assertEqual(self.shell.complete('sudo gatewatch check ngi'), 'sudo gatewatch check nginx.service ')

    def test_no_error_was_printed(self):
        self.shell.screen = b''
        for verb in VERBS:
            self.words('gatewatch %s ' % verb)
        self.assertNotIn(b'_gatewatch:', self.shell.screen)
        self.assertNotIn(b'_arguments:', self.shell.screen)


if __name__ == '__main__':
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    GATEWATCH, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    program = unittest.main(argv=[sys.argv[0]] + sys.argv[3:], verbosity=2, exit=False)
    if not program.result.wasSuccessful():
        sys.exit(1)
    if program.result.skipped:
        sys.exit(1 if os.environ.get('GATEWATCH_NO_SKIP') else 77)
