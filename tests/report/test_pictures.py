# SPDX-License-Identifier: MIT
"""--svg= and --html= of real journals: as xmllint reads them, and as a browser shows them, wide, narrow and dark."""

import re
import struct
import zlib

import browser
import harness

# In one page: what a person would complain about.
OVERLAPS = """(() => {
    const boxes = [...document.querySelectorAll('svg text')].filter(text => text.textContent.trim())
        .map(text => [text.textContent, text.getBoundingClientRect()]);
    const found = [];
    boxes.forEach(([a, x], i) => boxes.slice(i + 1).forEach(([b, y]) => {
        if (Math.min(x.right, y.right) - Math.max(x.left, y.left) > 1 &&
                Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top) > 3)
            found.push([a, b]);
    }));
    return found;
})()"""

# Elements beyond the viewport, but for what lies in a box of its own that scrolls.
TOO_WIDE = """[...document.body.querySelectorAll('*')]
    .filter(element => !element.parentElement.closest('.scroll'))
    .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
    .map(element => element.outerHTML.slice(0, 120))"""

# Contrast of each text to what is behind it, as WCAG 2 has it, below 4.5.
FAINT = """(() => {
    const canvas = document.createElementNS('http://www.w3.org/1999/xhtml', 'canvas').getContext('2d', {willReadFrequently: true});
    const rgb = color => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = color => {
        const [r, g, b] = color.map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = element => {
        const svg = element.closest('svg');
        if (svg) {
            const on = /on-(\\w+)/.exec(element.closest('text').getAttribute('class') || '');
            return getComputedStyle(svg.querySelector(on ? '.bar.' + on[1] : '.ground')).fill;
        }
        for (let at = element; at; at = at.parentElement)
            if (rgb(getComputedStyle(at).backgroundColor)[3] > 0)
                return getComputedStyle(at).backgroundColor;
        return 'white';
    };
    const found = [];
    const walker = document.createTreeWalker(document.body || document.documentElement, NodeFilter.SHOW_TEXT);
    let n = 0;
    for (let node; node = walker.nextNode();) {
        const element = node.parentElement;
        if (!node.data.trim() || element.closest('style,title,desc'))
            continue;
        const style = getComputedStyle(element);
        const a = light(rgb(element.closest('svg') ? style.fill : style.color));
        const b = light(rgb(behind(element)));
        n++;
        if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5)
            found.push([node.data, style.color, behind(element)]);
    }
    return {n, found};
})()"""


def read_png(path):
    """Rows of (r, g, b)."""
    with open(path, 'rb') as file:
        data = file.read()
    at, width, height, channels, packed = 8, 0, 0, 0, b''
    while at < len(data):
        size, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b'IHDR':
            width, height, depth, color = struct.unpack('>IIBB', body[:10])
            channels = {2: 3, 6: 4}[color]
            assert depth == 8
        elif kind == b'IDAT':
            packed += body
        at += 12 + size
    raw, stride, rows = zlib.decompress(packed), width * channels, []
    before = bytearray(stride)
    for y in range(height):
        line = bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        unfilter(raw[y * (stride + 1)], line, before, channels)
        rows.append([tuple(line[x:x + 3]) for x in range(0, stride, channels)])
        before = line
    return rows


def unfilter(kind, line, before, n):
    """As PNG has it, in place."""
    for x in range(len(line)):
        left, up = line[x - n] if x >= n else 0, before[x]
        corner = before[x - n] if x >= n else 0
        if kind == 4:
            guess = left + up - corner
            near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
        else:
            near = (0, left, up, (left + up) // 2)[kind]
        line[x] = (line[x] + near) & 255


class PictureTest(harness.ReportTest):
    def write_stops(self):
        """One that is clean, one that is killed, one that crashes, one that nobody has recorded."""
        with self.journal() as journal:
            journal.run(outcome='clean', drain_used=0.4, steps=(('disconnect telegram', 0.2, 'done'),))
            self.killed = journal.run(
                outcome='killed', active=(7, 2), has_coredump=True, logs=['line %d' % i for i in range(8)],
                steps=(('disconnect telegram', 1.2, 'done'), ('disconnect slack', 60.0, 'abandoned'),
                       ('disconnect matrix', 31.4, 'late')))
            journal.run(outcome='crashed', cause='crash', has_coredump=True)
            journal.run(outcome='clean', is_recorded=False)
            journal.run(outcome='escalated')

    def picture(self, *arguments, name='a.svg'):
        option = '--svg=' if name.endswith('.svg') else '--html='
        self.report(option + self.path(name), *arguments)
        harness.call([harness.need('xmllint'), '--noout', '--nonet', self.path(name)])
        with open(self.path(name), encoding='utf-8') as file:
            return file.read()


class TestPictures(PictureTest):
    def test_svg_is_read_by_xmllint(self):
        self.write_stops()
        text = self.picture(self.killed.run_id)
        for piece in ('role="img"', '<desc>', 'hermes.service', '>killed<', 'disconnect slack', 'drain bound', 'kill'):
            self.assertIn(piece, text)
        self.assertNotRegex(text, r'\bnan\b|="-?inf')

    def test_html_is_read_by_xmllint(self):
        self.write_stops()
        text = self.picture(name='a.html')
        self.assertEqual(len(re.findall('<article ', text)), 5)
        self.assertIn('<table class="summary">', text)
        self.assertIn("default-src 'none'; style-src 'unsafe-inline'", text)
        self.assertIn('line 7', text)
        self.assertIn('unrecorded', text)

    def test_hostile_fields_are_only_text(self):
        with self.journal() as journal:
            for value in harness.HOSTILE:
                if value in ('', b''):
                    continue
                fields = {'GATEWATCH_CAUSE': value, 'GATEWATCH_CAUSE_DETAIL': value, 'GATEWATCH_OUTCOME': value,
                          'GATEWATCH_NAME': value, 'GATEWATCH_REQUESTER_COMM': value, 'GATEWATCH_EXIT_STATUS': value,
                          'GATEWATCH_REQUESTER_ANCESTRY': value, 'GATEWATCH_STEPS': value, 'GATEWATCH_PHASES': value}
                journal.run(steps=(('a step', 1.2, 'done'),), logs=('a line',),
                            overrides={'stopped': fields, 'cause': {'GATEWATCH_CAUSE_DETAIL': value},
                                       'step': {'GATEWATCH_STEP': value}, 'phase': {'GATEWATCH_PHASE': value}})
        text = self.picture(name='a.html')
        self.assertNotIn('<script', text)
        self.assertNotRegex(text, '[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]')
        text = self.picture('-n1')
        self.assertNotIn('<script', text)

    def test_a_stop_of_2000_steps_says_what_is_left_out(self):
        with self.journal() as journal:
            journal.run(outcome='killed', steps=[('step %d' % i, 0.01 * i, 'done') for i in range(2000)])
        self.assertRegex(self.picture(), r'\d+ more are not drawn')


class TestBrowser(PictureTest):
    """As Chromium shows them. One browser a test, several pages each."""

    def setUp(self):
        harness.need('chromium')
        super().setUp()

    def check(self, page, n_bars=1):
        """What holds for every page."""
        self.assertEqual(page.complaints, [])
        self.assertEqual(page.requests, [])
        self.assertGreaterEqual(page.evaluate("document.querySelectorAll('.span .bar').length"), n_bars)
        self.assertEqual(page.evaluate("[...document.querySelectorAll('.span .bar')]"
                                       ".filter(bar => bar.getBoundingClientRect().width < 1).length"), 0)
        self.assertEqual(page.evaluate(OVERLAPS), [])

    def test_page_at_every_width_and_colour_is_whole(self):
        self.write_stops()
        self.picture(name='a.html')
        with browser.Browser() as chromium:
            for width, is_dark, media in ((1280, False, ''), (400, False, ''), (1280, True, ''), (400, True, ''),
                                          (794, False, 'print')):
                with self.subTest(width=width, is_dark=is_dark, media=media):
                    page = chromium.open(self.path('a.html'), width=width, is_dark=is_dark, media=media)
                    self.check(page, n_bars=9)
                    self.assertEqual(page.evaluate('document.documentElement.scrollWidth'), width)
                    self.assertEqual(page.evaluate(TOO_WIDE), [])
                    self.assertEqual(page.evaluate('document.compatMode'), 'CSS1Compat')
                    faint = page.evaluate(FAINT)
                    self.assertGreater(faint['n'], 100)
                    self.assertEqual(faint['found'], [])

    def test_page_follows_the_colour_that_is_preferred(self):
        self.write_stops()
        self.picture(name='a.html')
        backgrounds = []
        with browser.Browser() as chromium:
            for is_dark in (False, True):
                page = chromium.open(self.path('a.html'), is_dark=is_dark)
                backgrounds.append(page.evaluate('getComputedStyle(document.body).backgroundColor'))
        self.assertEqual(backgrounds[0], 'rgb(255, 255, 255)')
        self.assertNotEqual(*backgrounds)

    def test_links_of_the_table_lead_to_the_stops(self):
        self.write_stops()
        self.picture(name='a.html')
        with browser.Browser() as chromium:
            page = chromium.open(self.path('a.html'))
            self.assertEqual(page.evaluate(
                "[...document.querySelectorAll('.summary a')].map(a => !!document.querySelector(a.hash))"), [True] * 5)

    def test_script_in_the_page_would_not_run(self):
        """The policy holds if the escaping should not."""
        self.write_stops()
        text = self.picture(name='a.html')
        with open(self.path('b.html'), 'w', encoding='utf-8') as file:
            file.write(text.replace('</article>', '<script>document.title = "taken"</script>'
                                    '<img src="http://127.0.0.1:9/x.png"/></article>'))
        with browser.Browser() as chromium:
            page = chromium.open(self.path('b.html'))
            self.assertNotEqual(page.evaluate('document.title'), 'taken')
            self.assertIn('Content Security Policy', str(page.complaints))

    def test_svg_has_its_bars_in_their_colours(self):
        self.write_stops()
        self.picture(self.killed.run_id)
        with browser.Browser() as chromium:
            for is_dark in (False, True):
                with self.subTest(is_dark=is_dark):
                    page = chromium.open(self.path('a.svg'), width=1200, is_dark=is_dark)
                    self.check(page, n_bars=6)
                    self.assertEqual(page.evaluate(FAINT)['found'], [])
                    page.screenshot(self.path('a.png'))
                    self.check_pixels(page, read_png(self.path('a.png')))

    def check_pixels(self, page, rows):
        """Each bar that has room for it shows its fill beside its edge."""
        bars = page.evaluate("[...document.querySelectorAll('.span .bar')].map(bar => {"
                             "const box = bar.getBoundingClientRect(), style = getComputedStyle(bar);"
                             "return [box.left, box.top, box.width, style.fill, style.stroke]; })")
        n_checked = 0
        for left, top, width, fill, stroke in bars:
            if width < 20:
                continue
            n_checked += 1
            seen = {rows[y][x] for y in range(round(top) + 3, round(top) + 8)
                    for x in range(round(left) + 2, round(left) + 18)}
            self.assertIn(tuple(map(int, re.findall(r'\d+', fill))), seen)
        self.assertGreaterEqual(n_checked, 3)

    def test_crowded_and_empty_svg_have_no_label_on_another(self):
        with self.journal() as journal:
            journal.run(outcome='killed', steps=[('step %d' % i, 0.03 * i, 'late' if i % 9 == 0 else 'done')
                                                 for i in range(1500)])
            few = journal.run(outcome='crashed', steps=(), logs=(), has_systemd=False)
        with browser.Browser() as chromium:
            self.picture('-n1', '--outcome=killed', name='many.svg')
            self.check(chromium.open(self.path('many.svg'), width=1200), n_bars=60)
            self.picture(few.run_id, name='few.svg')
            self.check(chromium.open(self.path('few.svg'), width=1200), n_bars=0)
