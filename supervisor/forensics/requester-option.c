/* SPDX-License-Identifier: MIT */

/* Command lines as getopt_long(3) reads them, for tools of which we only know the tables. It is done here
 * once more because getopt keeps its state in globals, prints, and reorders its argument vector.
 *
 * What an option means is told by the table of its tool; here is only how it is found, and what the
 * options that choose a manager choose together: "-M user@" and "-M user@.host" are this host, any
 * other machine is not. */

#include <string.h>

#include "requester-option.h"

static const RequestOption *request_option_find_name(
        const RequestOption *options, const char *name, size_t length) {
        const RequestOption *found = NULL;

        for (const RequestOption *option = options; option->name || option->letter; option++) {
                if (!option->name || strncmp(option->name, name, length) != 0)
                        continue;
                if (option->name[length] == '\0')
                        return option;
                if (!found)
                        found = option;
        }
        return found;
}

static const RequestOption *request_option_find_letter(const RequestOption *options, char letter) {
        for (const RequestOption *option = options; option->name || option->letter; option++)
                if (option->letter == letter)
                        return option;
        return NULL;
}

/* Returns: the option's part; REQUEST_END: there is no value. */
static RequestPart request_reader_take_value(
        RequestReader *reader, const RequestOption *option, const char **ret_value) {
        if (!*reader->next)
                return REQUEST_END;
        *ret_value = *reader->next++;
        return option->part;
}

static RequestPart request_reader_next_letter(RequestReader *reader, const char **ret_value) {
        const RequestOption *option =
                request_option_find_letter(reader->options, *reader->letters++);

        *ret_value = NULL;
        if (!option)
                return REQUEST_IGNORED;
        if (!option->has_value)
                return option->part;
        if (*reader->letters == '\0')
                return request_reader_take_value(reader, option, ret_value);
        *ret_value = reader->letters;
        reader->letters = "";
        return option->part;
}

static RequestPart request_reader_next_name(
        RequestReader *reader, const char *name, const char **ret_value) {
        size_t length = strcspn(name, "=");
        const RequestOption *option = request_option_find_name(reader->options, name, length);

        *ret_value = name[length] == '=' ? name + length + 1 : NULL;
        if (!option)
                return REQUEST_IGNORED;
        if (option->has_value && !*ret_value)
                return request_reader_take_value(reader, option, ret_value);
        return option->part;
}

RequestPart request_reader_next(RequestReader *reader, const char **ret_value) {
        assert(reader && reader->next && reader->options);
        assert(ret_value);

        if (reader->letters && *reader->letters)
                return request_reader_next_letter(reader, ret_value);

        const char *argument = *reader->next;
        if (!argument)
                return REQUEST_END;
        reader->next++;
        if (reader->is_behind_dashes || argument[0] != '-' || argument[1] == '\0') {
                *ret_value = argument;
                return REQUEST_WORD;
        }
        if (argument[1] != '-') {
                reader->letters = argument + 1;
                return request_reader_next_letter(reader, ret_value);
        }
        if (argument[2] == '\0') {
                reader->is_behind_dashes = true;
                return request_reader_next(reader, ret_value);
        }
        return request_reader_next_name(reader, argument + 2, ret_value);
}

const char *request_reader_next_word(RequestReader *reader) {
        const char *value = NULL;
        RequestPart part;

        do
                part = request_reader_next(reader, &value);
        while (part != REQUEST_WORD && part != REQUEST_END);
        return part == REQUEST_WORD ? value : NULL;
}

/* ---- Scope ---- */

void request_scope_take(RequestScope *scope, RequestPart part, const char *value) {
        assert(scope);

        if (part == REQUEST_USER || part == REQUEST_SYSTEM)
                scope->is_user = part == REQUEST_USER;
        else if (part == REQUEST_ELSEWHERE || part == REQUEST_INERT)
                scope->is_elsewhere = true;
        else if (part == REQUEST_MACHINE)
                scope->machine = value;
}

RequestScope request_read_scope(
        const char *const arguments[], const RequestOption options[], bool *ret_has_now) {
        RequestReader reader = { .next = arguments, .options = options };
        RequestScope scope = {};
        RequestPart part;
        const char *value;

        assert(ret_has_now);

        *ret_has_now = false;
        while ((part = request_reader_next(&reader, &value)) != REQUEST_END) {
                request_scope_take(&scope, part, value);
                if (part == REQUEST_NOW)
                        *ret_has_now = true;
        }
        return scope;
}

/* Source: systemctl(1), --machine=. */
static bool request_scope_is_here(const RequestScope *scope) {
        if (scope->is_elsewhere)
                return false;
        if (!scope->machine)
                return true;

        const char *at = strrchr(scope->machine, '@');
        if (at && at[1] == '\0')
                return true;
        return strcmp(at ? at + 1 : scope->machine, ".host") == 0;
}

bool request_scope_is_system(const RequestScope *scope) {
        assert(scope);
        return !scope->is_user && request_scope_is_here(scope);
}

static bool request_user_is_owner(const char *user, size_t length, const RequesterTarget *target) {
        char number[sizeof("4294967295")];

        (void) snprintf(number, sizeof(number), "%u", target->owner_uid);
        if (strlen(number) == length && strncmp(user, number, length) == 0)
                return true;
        return target->owner_name && strlen(target->owner_name) == length &&
                strncmp(user, target->owner_name, length) == 0;
}

bool request_scope_reaches(const RequestScope *scope, uid_t uid, const RequesterTarget *target) {
        assert(scope);
        assert(target);

        if (!request_scope_is_here(scope))
                return false;
        if (!scope->is_user)
                return target->manager == UNIT_MANAGER_SYSTEM;
        if (target->manager != UNIT_MANAGER_USER)
                return false;

        const char *at = scope->machine ? strrchr(scope->machine, '@') : NULL;
        if (at && at > scope->machine)
                return request_user_is_owner(
                        scope->machine, (size_t) (at - scope->machine), target);
        return uid == target->owner_uid;
}
