/* SPDX-License-Identifier: MIT */

/* Commands of a unit, several on a line, and the specifiers in them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "byte-buffer.h"
#include "units/unit-view-specifier.h"
#include "units/unit-view.h"

#define LINES_MAX 4

typedef struct CommandFixture {
        UnitView view;
        char *text;
} CommandFixture;

static int command_setup(void **state) {
        *state = calloc(1, sizeof(CommandFixture));
        return *state ? 0 : -1;
}

static void command_clear(CommandFixture *fixture) {
        unit_view_done(&fixture->view);
        free(fixture->text);
        *fixture = (CommandFixture){};
}

static int command_teardown(void **state) {
        command_clear(*state);
        free(*state);
        return 0;
}

#define command_test(function) \
        cmocka_unit_test_setup_teardown(function, command_setup, command_teardown)

static void command_start(CommandFixture *fixture, const char *name, UnitManager manager) {
        command_clear(fixture);
        assert_int_equal(unit_view_init(&fixture->view, name, manager), 0);
}

static int assign(CommandFixture *fixture, const char *line) {
        return unit_view_assign(
                &fixture->view, VIEW_EXEC_START, line, VIEW_ORIGIN_FRAGMENT, "/a.service");
}

static void append_command(ByteBuffer *buffer, const ViewCommand *command) {
        char prefix[EXEC_PREFIX_MAX];

        byte_buffer_append_text(buffer, buffer->size > 0 ? " | " : "");
        byte_buffer_append_text(buffer, exec_flags_to_prefix(command->flags, prefix));
        byte_buffer_append_text(buffer, command->path);
        for (size_t i = 0; command->argv[i]; i++) {
                byte_buffer_append_text(buffer, " <");
                byte_buffer_append_text(buffer, command->argv[i]);
                byte_buffer_append_text(buffer, ">");
        }
}

/* "PREFIX PATH <ARGV0> <ARGV1> | …" */
static const char *told(CommandFixture *fixture) {
        const ViewValue *value = &fixture->view.values[VIEW_EXEC_START];
        ByteBuffer buffer = {};

        for (size_t i = 0; i < value->n_commands; i++)
                append_command(&buffer, &value->commands[i]);
        free(fixture->text);
        fixture->text = byte_buffer_steal(&buffer);
        assert_non_null(fixture->text);
        return fixture->text;
}

/* ---- Commands -------------------------------------------------------------------------------- */

static const struct {
        const char *lines[LINES_MAX];
        const char *told;
} command_rows[] = {
        { { "/bin/a b" }, "/bin/a </bin/a> <b>" },
        { { "/bin/a 'b c'" }, "/bin/a </bin/a> <b c>" },
        { { "/bin/a", "/bin/b" }, "/bin/a </bin/a> | /bin/b </bin/b>" },
        { { "/bin/a", "" }, "" },
        { { "/bin/a", "", "/bin/b" }, "/bin/b </bin/b>" },
        { { "/bin/a x ; /bin/b y" }, "/bin/a </bin/a> <x> | /bin/b </bin/b> <y>" },
        { { "/bin/a ; b" }, "/bin/a </bin/a> | b <b>" },
        { { "/bin/a ;" }, "/bin/a </bin/a>" },
        { { "; /bin/a" }, "/bin/a </bin/a>" },
        { { "/bin/a ; ; /bin/b" }, "/bin/a </bin/a> | /bin/b </bin/b>" },
        { { "/bin/a \\; b" }, "/bin/a </bin/a> <;> <b>" },
        { { "/bin/a \"x ; y\" z" }, "/bin/a </bin/a> <x ; y> <z>" },
        { { "/bin/a;/bin/b" }, "/bin/a;/bin/b </bin/a;/bin/b>" },
        { { "@/bin/a b c" }, "@/bin/a <b> <c>" },
        { { "-@/bin/a b ; @/bin/c d" }, "@-/bin/a <b> | @/bin/c <d>" },
        { { "-/bin/a ; +/bin/b" }, "-/bin/a </bin/a> | +/bin/b </bin/b>" },
        { { "!!/bin/a" }, "!!/bin/a </bin/a>" },
        { { "%h/a %p" }, "/root/a </root/a> <gate>" },
        { { "@/bin/%p %n" }, "@/bin/gate <gate.service>" },
        { { "/bin/a $B ${C}" }, "/bin/a </bin/a> <$B> <${C}>" },
        /* What stands before the wrong one counts. */
        { { "/bin/a ; rel/b" }, "/bin/a </bin/a>" },
};

static void test_unit_view_assign_commands_are_told_apart(void **state) {
        CommandFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(command_rows); i++) {
                command_start(fixture, "gate.service", UNIT_MANAGER_SYSTEM);
                for (size_t j = 0; j < LINES_MAX && command_rows[i].lines[j]; j++)
                        assert_int_equal(assign(fixture, command_rows[i].lines[j]), 0);
                assert_string_equal(told(fixture), command_rows[i].told);
                assert_true(unit_view_is_set(&fixture->view, VIEW_EXEC_START));
        }
}

static void test_unit_view_assign_no_command_is_ignored(void **state) {
        static const char *const lines[] = { "rel/a", "@/bin/a", "-", "\"/bin/a", "+!/bin/a", ";",
                "/bin/" };
        CommandFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                command_start(fixture, "gate.service", UNIT_MANAGER_SYSTEM);
                assert_int_equal(assign(fixture, "/bin/x"), 0);
                if (assign(fixture, lines[i]) != 1)
                        fail_msg("\"%s\" is a command", lines[i]);
                assert_string_equal(told(fixture), "/bin/x </bin/x>");
        }
}

/* A line of a thousand commands is no service: it ends somewhere. */
static void test_unit_view_assign_commands_of_a_line_are_bounded(void **state) {
        CommandFixture *fixture = *state;
        _cleanup_(byte_buffer_done) ByteBuffer line = {};

        command_start(fixture, "gate.service", UNIT_MANAGER_SYSTEM);
        for (size_t i = 0; i < 64; i++)
                byte_buffer_append_text(&line, i == 0 ? "/bin/a" : " ; /bin/a");
        assert_int_equal(assign(fixture, line.data), 0);
        assert_int_equal(fixture->view.values[VIEW_EXEC_START].n_commands, 64);

        byte_buffer_append_text(&line, " ; /bin/b");
        assert_int_equal(assign(fixture, ""), 0);
        assert_int_equal(assign(fixture, line.data), 0);
        assert_int_equal(fixture->view.values[VIEW_EXEC_START].n_commands, 64);
        assert_string_equal(fixture->view.values[VIEW_EXEC_START].commands[63].path, "/bin/a");
}

static void test_unit_view_format_commands_gives_words_of_the_first(void **state) {
        static const char *const rows[][2] = {
                { "/bin/a b 'c d' ; /bin/e", "/bin/a b \"c d\"" },
                { "/bin/a \"\" \\;", "/bin/a \"\" \";\"" },
                { "", "" },
        };
        CommandFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                command_start(fixture, "gate.service", UNIT_MANAGER_SYSTEM);
                assert_int_equal(assign(fixture, rows[i][0]), 0);
                fixture->text = unit_view_format(&fixture->view, VIEW_EXEC_START);
                assert_string_equal(fixture->text, rows[i][1]);
        }
}

/* ---- Specifiers ------------------------------------------------------------------------------ */

static const struct {
        const char *name, *text, *expected;
} specifier_rows[] = {
        { "gate.service", "%n %N %p %i|", "gate.service gate gate |" },
        { "gate@one.service", "%n %N %p %i", "gate@one.service gate@one gate one" },
        { "a.b@c.d.service", "%n %N %p %i", "a.b@c.d.service a.b@c.d a.b c.d" },
        { "gate.service", "%t %S %C %L %E", "/run /var/lib /var/cache /var/log /etc" },
        { "gate.service", "%h %u", "/root root" },
        { "gate.service", "%% %%h %%%h", "% %h %/root" },
        { "gate.service", "100% %", "100% %" },
        { "gate.service", "", "" },
        { "gate.service", "%H %m %b %v %z %I", "%H %m %b %v %z %I" },
        /* Which instance it will be nobody knows. */
        { "gate@.service", "%n %N %p %i", "%n %N gate %i" },
};

static void test_unit_view_expand_gives_what_files_tell(void **state) {
        CommandFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(specifier_rows); i++) {
                command_start(fixture, specifier_rows[i].name, UNIT_MANAGER_SYSTEM);
                fixture->text = unit_view_expand(&fixture->view, specifier_rows[i].text);
                assert_string_equal(fixture->text, specifier_rows[i].expected);
        }
}

/* %u and %h are the manager's, whoever the unit runs as. */
static void test_unit_view_expand_user_is_the_managers(void **state) {
        CommandFixture *fixture = *state;

        command_start(fixture, "gate.service", UNIT_MANAGER_SYSTEM);
        assert_int_equal(unit_view_assign(&fixture->view, VIEW_USER, "gate", VIEW_ORIGIN_FRAGMENT,
                                 "/a.service"),
                0);
        fixture->text = unit_view_expand(&fixture->view, "%u %h");
        assert_string_equal(fixture->text, "root /root");
}

static void test_unit_view_expand_directories_of_a_user_are_below_the_home(void **state) {
        CommandFixture *fixture = *state;

        assert_int_equal(setenv("HOME", "/home/gate", /* overwrite= */ 1), 0);
        assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/7", /* overwrite= */ 1), 0);
        command_start(fixture, "gate.service", UNIT_MANAGER_USER);
        fixture->text = unit_view_expand(&fixture->view, "%h %t %S %C %L %E %u");
        assert_string_equal(fixture->text,
                "/home/gate /run/user/7 /home/gate/.config /home/gate/.cache "
                "/home/gate/.config/log /home/gate/.config %u");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                command_test(test_unit_view_assign_commands_are_told_apart),
                command_test(test_unit_view_assign_no_command_is_ignored),
                command_test(test_unit_view_assign_commands_of_a_line_are_bounded),
                command_test(test_unit_view_format_commands_gives_words_of_the_first),
                command_test(test_unit_view_expand_gives_what_files_tell),
                command_test(test_unit_view_expand_user_is_the_managers),
                command_test(test_unit_view_expand_directories_of_a_user_are_below_the_home),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
