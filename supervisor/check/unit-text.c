/* SPDX-License-Identifier: MIT */

/* A whole unit for a command: what the template unit has that a gateway's stop depends on, each line with
 * its reason. What it leaves out is what only the administrator knows: the user, and how far the gateway
 * can be locked in.
 *
 * Words that come from a shell mean what they say: "%" and "$" in them are doubled, so that systemd sees
 * neither specifiers nor variables. The unit's own lines use specifiers, so that a copy of the file under
 * another name has its own folders. */

#include "check/unit-text-internal.h"

#include <stdarg.h>
#include <string.h>

#include "utf8.h"

#define UNIT_SECTION    "Unit"
#define SERVICE_SECTION "Service"

usec_t unit_text_required_usec(const UnitTextRequest *request) {
        const BudgetInput input = {
                .schedule = &request->run->schedule,
                .headroom_usec = request->run->headroom_usec,
                .cap_usec = USEC_INFINITY,
                .action = request->run->on_short_timeout,
        };
        Budget budget;

        budget_compute(&input, &budget);
        return budget.required_usec;
}

void unit_text_append_word(ByteBuffer *buffer, const char *word, unsigned quote) {
        _cleanup_free_ char *quoted = exec_word_quote(word, quote);

        if (!quoted)
                buffer->is_failed = true;
        byte_buffer_append_text(buffer, " ");
        byte_buffer_append_text(buffer, quoted ?: "");
}

void unit_text_append_run(
        ByteBuffer *buffer, const UnitTextRequest *request, bool is_exec, unsigned quote) {
        _cleanup_free_ char *program = exec_word_quote(request->program, EXEC_QUOTE_SPECIFIERS);

        if (!program)
                buffer->is_failed = true;
        byte_buffer_append_text(buffer, program ?: "");
        byte_buffer_append_text(buffer, " run");
        for (size_t i = 0; request->options && request->options[i]; i++)
                unit_text_append_word(buffer, request->options[i], quote);
        if (is_exec && request->run->ready == _READY_MODE_INVALID)
                byte_buffer_append_text(buffer, " --ready=exec");
}

static void append_option(ByteBuffer *buffer, const char *option, const char *value) {
        _cleanup_free_ char *word = NULL;

        if (!value)
                return;
        if (asprintf(&word, "--%s=%s", option, value) < 0) {
                word = NULL;
                buffer->is_failed = true;
                return;
        }
        unit_text_append_word(buffer, word, EXEC_QUOTE_SPECIFIERS | EXEC_QUOTE_VARIABLES);
}

void unit_text_add_post(UnitLines *lines, const UnitTextRequest *request, unsigned flags) {
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};
        _cleanup_free_ char *program = NULL, *arguments = NULL;
        char prefix[EXEC_PREFIX_MAX];

        program = exec_word_quote(request->program, EXEC_QUOTE_SPECIFIERS);
        byte_buffer_append_text(&buffer, " post");
        append_option(&buffer, "state-dir", request->run->state_dir);
        append_option(&buffer, "name", request->run->name);
        arguments = byte_buffer_steal(&buffer);
        if (!program || !arguments) {
                lines->is_failed = true;
                return;
        }
        flags &= EXEC_PRIVILEGED | EXEC_NO_SETUID | EXEC_AMBIENT;
        unit_lines_add(lines, SERVICE_SECTION, "ExecStopPost",
                "When the supervisor itself was killed, it leaves no last record: this writes it, out "
                "of the flight record in the same state directory. With the \"-\" a failure of it is "
                "none of the gateway's.",
                "%s%s%s", exec_flags_to_prefix(flags | EXEC_IGNORE_FAILURE, prefix), program,
                arguments);
}

int unit_text_refuse(char **ret_why, const char *format, ...) {
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = vasprintf(ret_why, format, arguments);
        va_end(arguments);
        if (r >= 0)
                return -EINVAL;
        *ret_why = NULL;
        return -ENOMEM;
}

int unit_text_finish(UnitLines *lines, const char *heading, char **ret_text) {
        _cleanup_free_ char *text = NULL;
        bool is_failed = lines->is_failed;
        size_t size;
        FILE *file;

        file = open_memstream(&text, &size);
        if (file) {
                (void) fputs(heading, file);
                unit_lines_print(lines, file);
                is_failed |= ferror(file);
                is_failed |= fclose(file) != 0;
        }
        unit_lines_done(lines);
        if (!file || is_failed)
                return -ENOMEM;
        *ret_text = TAKE_PTR(text);
        return 0;
}

/* Text for a line that is read as it stands: one line of UTF-8, in which "%" is no specifier and no
 * backslash at the end joins the next line. */
static char *plain_text_quote(const char *text) {
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};

        for (size_t size; *text; text += size) {
                size_t n = utf8_sequence_size(text, strlen(text));

                size = n > 0 ? n : 1;
                if (n == 0)
                        byte_buffer_append_text(&buffer, "?");
                else if ((unsigned char) *text < ' ' || *text == 0x7f)
                        byte_buffer_append_text(&buffer, " ");
                else
                        byte_buffer_append(&buffer, text, size);
                if (*text == '%')
                        byte_buffer_append_text(&buffer, "%");
        }
        while (buffer.size > 0 && strchr(" \\", buffer.data[buffer.size - 1]))
                byte_buffer_cut(&buffer, buffer.size - 1);
        return byte_buffer_steal(&buffer);
}

static void add_description(UnitLines *lines, const UnitTextRequest *request) {
        _cleanup_free_ char *text = plain_text_quote(request->description ?: request->name);

        if (!text)
                lines->is_failed = true;
        else if (request->description)
                unit_lines_add(lines, UNIT_SECTION, "Description", NULL, "%s", text);
        else
                unit_lines_add(lines, UNIT_SECTION, "Description", NULL,
                        "Gateway %s under gatewatch", text);
}

static void add_unit_section(UnitLines *lines, const UnitTextRequest *request) {
        add_description(lines, request);
        unit_lines_add(lines, UNIT_SECTION, "Documentation", NULL,
                "man:gatewatch(1) man:gatewatch-run(1)");
        if (request->manager == UNIT_MANAGER_SYSTEM) {
                unit_lines_add(lines, UNIT_SECTION, "Wants",
                        "What a gateway serves comes from the network; an address that does not exist "
                        "yet cannot be bound.",
                        "network-online.target");
                unit_lines_add(lines, UNIT_SECTION, "After", NULL, "network-online.target");
        }
        unit_lines_add(lines, UNIT_SECTION, "StartLimitIntervalSec",
                "A gateway that dies on every start is left alone after five tries within a minute.",
                "60s");
        unit_lines_add(lines, UNIT_SECTION, "StartLimitBurst", NULL, "5");
}

static void add_command(UnitLines *lines, const UnitTextRequest *request) {
        const unsigned quote = EXEC_QUOTE_SPECIFIERS | EXEC_QUOTE_VARIABLES;
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};
        _cleanup_free_ char *line = NULL;

        unit_text_append_run(&buffer, request, /* is_exec= */ true, quote);
        byte_buffer_append_text(&buffer, " --");
        for (size_t i = 0; request->run->argv[i]; i++)
                unit_text_append_word(&buffer, request->run->argv[i], quote);
        line = byte_buffer_steal(&buffer);
        if (!line) {
                lines->is_failed = true;
                return;
        }
        unit_lines_add(lines, SERVICE_SECTION, "ExecStart",
                request->run->ready == _READY_MODE_INVALID
                        ? "--ready=exec: the gateway counts as started once it has been executed. For "
                          "one that says READY=1 itself (sd_notify(3)) write --ready=notify."
                        : NULL,
                "%s", line);
}

static void add_start(UnitLines *lines, const UnitTextRequest *request) {
        if (request->manager == UNIT_MANAGER_SYSTEM)
                unit_lines_add_comment(lines, SERVICE_SECTION,
                        "The gateway runs as root as long as no User= stands here. gatewatch@.service "
                        "shows what else a gateway can do without.");
        unit_lines_add(lines, SERVICE_SECTION, "Type",
                "gatewatch says READY=1, and passes on what the gateway says; it alone speaks to "
                "systemd.",
                "notify");
        unit_lines_add(lines, SERVICE_SECTION, "NotifyAccess", NULL, "main");
        add_command(lines, request);
        unit_text_add_post(lines, request, /* flags= */ 0);
}

static void add_stop(UnitLines *lines, const UnitTextRequest *request) {
        char span[USEC_SPAN_MAX], drain[USEC_SPAN_MAX], headroom[USEC_SPAN_MAX];
        _cleanup_free_ char *reason = NULL;

        unit_lines_add(lines, SERVICE_SECTION, "KillMode",
                "SIGTERM goes to the supervisor alone, which passes it on once. Under control-group the "
                "gateway gets it from systemd as well, and many gateways take a second one as an order "
                "to abandon the drain.",
                "mixed");
        if (asprintf(&reason, "The drain of %s and the headroom of %s: change them together.%s",
                    usec_format_span(drain, request->run->drain_usec, 1),
                    usec_format_span(headroom, request->run->headroom_usec, 1),
                    request->manager == UNIT_MANAGER_USER
                            ? " user@.service above must allow as much, or it ends this unit earlier."
                            : "") < 0) {
                reason = NULL;
                lines->is_failed = true;
        }
        unit_lines_add(lines, SERVICE_SECTION, "TimeoutStopSec", reason, "%s",
                usec_format_span(span, unit_text_required_usec(request), 1));
        unit_lines_add(lines, SERVICE_SECTION, "Restart",
                "Restarting is systemd's. Also after a clean exit: a SIGTERM from anybody, answered by "
                "one, would else leave the gateway down. `systemctl stop` still stops it.",
                "always");
        unit_lines_add(lines, SERVICE_SECTION, "RestartSec", NULL, "1s");
        unit_lines_add(lines, SERVICE_SECTION, "RestartPreventExitStatus",
                "78 is a configuration that starting again does not mend, 64 an option of gatewatch "
                "that is wrong.",
                "64 78");
        unit_lines_add(lines, SERVICE_SECTION, "OOMPolicy",
                "A process killed for want of memory is the gateway's to survive: else systemd would "
                "SIGKILL the rest in the middle of a drain.",
                "continue");
}

static void add_needs(UnitLines *lines, const UnitTextRequest *request) {
        unit_lines_add(lines, SERVICE_SECTION, "Delegate",
                "A group of their own for the gateway's processes, so that all of them are found.",
                "yes");
        unit_lines_add(lines, SERVICE_SECTION, "LimitRTPRIO",
                "One step of real-time priority: the sender of a stop signal is named before it has "
                "exited.",
                "1");
        unit_lines_add(lines, SERVICE_SECTION, "StateDirectory",
                "Markers and the flight record, the gateway's notify socket, the diagnostic of each "
                "stop.",
                "gatewatch/%%N");
        unit_lines_add(lines, SERVICE_SECTION, "RuntimeDirectory", NULL, "gatewatch/%%N");
        unit_lines_add(lines, SERVICE_SECTION, "LogsDirectory", NULL, "gatewatch/%%N");
        unit_lines_add(lines, "Install", "WantedBy", NULL,
                request->manager == UNIT_MANAGER_USER ? "default.target" : "multi-user.target");
}

int unit_text_write(const UnitTextRequest *request, char **ret_text) {
        const bool is_user = request->manager == UNIT_MANAGER_USER;
        const char *systemctl = is_user ? "systemctl --user" : "systemctl";
        _cleanup_free_ char *heading = NULL;
        UnitLines lines = {};

        assert(request->program && request->name && request->run && request->run->argv);
        assert(ret_text);

        add_unit_section(&lines, request);
        add_start(&lines, request);
        add_stop(&lines, request);
        add_needs(&lines, request);
        if (asprintf(&heading,
                    "# Written by `gatewatch unit`. Save it as\n"
                    "# %s/%s.service, then:\n"
                    "#\n"
                    "#     %s daemon-reload\n"
                    "#     %s enable --now %s.service\n",
                    is_user ? "~/.config/systemd/user" : "/etc/systemd/system", request->name,
                    systemctl, systemctl, request->name) < 0) {
                heading = NULL;
                lines.is_failed = true;
        }
        return unit_text_finish(&lines, heading ?: "", ret_text);
}
