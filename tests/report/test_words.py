# SPDX-License-Identifier: MIT
"""Words and figures as people read them."""

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
