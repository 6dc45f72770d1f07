# SPDX-License-Identifier: MIT
"""Words and figures as people read them."""

import harness
from harness import ReportTest


class WordsTest(ReportTest):
    def test_times_have_no_zeros_at_the_end_of_a_fraction(self):
        with self.journal() as journal:
            for _ in range(25):
                journal.run(drain=2.5, drain_used=1.5, headroom=0.75, timeout_stop=7.25)
            journal.run(drain=2.5, drain_used=2.5, outcome='escalated')
        for arguments in ((), ('-v', '-n1'), ('--stats',), ('--by=unit',), ('--html=-', '-n1'), ('--svg=-', '-n1')):
            text = self.report(*arguments).stdout.decode()
            self.assertNotRegex(text, r'\b[0-9]+\.[0-9]*0{3,}m?s', arguments)
            if '--svg=-' not in arguments:
                self.assertIn('2.5s', text, arguments)

    def test_refused_outcome_names_all_that_are_taken(self):
        with self.journal() as journal:
            journal.run()
        error = self.report('--outcome=good', status=64).stderr.decode()
        for word in ('clean', 'escalated', 'killed', 'exited', 'failed', 'crashed', 'lost', 'unrecorded', 'running'):
            self.assertIn(word, error)
            self.report('-q', '--outcome=' + word)

    def test_help_fits_the_narrowest_terminal(self):
        for verb in ('report', 'list'):
            text = harness.call([*harness.WRAPPER, harness.GATEWATCH, verb, '--help']).stdout.decode()
            self.assertIn('gatewatch ' + verb, text)
            self.assertEqual([line for line in text.splitlines() if len(line) > 80], [])
            self.assertLessEqual(text.count('\n'), 40)

    def test_no_stop_says_that_running_ones_are_hidden_where_nothing_else_hides_them(self):
        with self.journal() as journal:
            journal.foreign(1)
        hint = b'--all shows runs that are not over'
        self.assertIn(hint, self.report('hermes', status=None).stderr)
        for arguments in (('--cause=oom',), ('--outcome=lost',), ('--sender=root',), ('--all',)):
            self.assertNotIn(hint, self.report(*arguments, status=None).stderr)

    def test_openmetrics_of_no_stop_is_whole_and_has_no_remark(self):
        with self.journal() as journal:
            journal.foreign(1)
        text = self.report('-o', 'openmetrics').stdout.decode()
        self.assertTrue(text.endswith('\n# EOF\n'))
        self.assertEqual([line for line in text.splitlines() if not line.startswith('# ')], [])
