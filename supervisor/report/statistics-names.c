/* SPDX-License-Identifier: MIT */

/* Tables of names, and the reading of the JSON that fills them.
 *
 * A gateway names its phases and steps as it likes, a new name for each stop if it wants to. So a table has a
 * bound: the first names that come have a place of their own, the others one together. A place is found by
 * bisection; what is moved for a new one is bounded with the table.
 *
 * The JSON is what a supervisor has written, or somebody who says so. It is parsed with a bound on its depth
 * (its size is bounded where the entry is read), and each value is taken for what its type says: no number is
 * made of a text, none of a fraction. What does not fit is passed over without a word, since the rest counts all
 * the same.
 *
 * Names are kept as they are; who shows them cleans them. */

#include "statistics-internal.h"

#include <string.h>

#include "utf8.h"

#define TIMES_DEPTH_MAX  8   /* ours have 3; unknown keys may hold a little more */
#define TIMES_LENGTH_MAX 256 /* ours have at most 64 */

/* ---- Tables ------------------------------------------------------------------------------------ */

static void named_time_count(NamedTime *item, usec_t usec, bool is_timed_out) {
        item->n++;
        item->n_timed_out += is_timed_out;
        item->total_usec = usec_add(item->total_usec, usec);
        if (usec > item->max_usec)
                item->max_usec = usec;
}

/* Returns: the place of a name, or where it belongs. */
static size_t name_table_find(const NameTable *table, const char *name, bool *ret_is_there) {
        size_t low = 0, high = table->n;

        while (low < high) {
                const size_t middle = low + (high - low) / 2;
                const int order = strcmp(name, table->items[middle].name);

                if (order == 0) {
                        *ret_is_there = true;
                        return middle;
                }
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        *ret_is_there = false;
        return low;
}

static int name_table_insert(NameTable *table, size_t place, const char *name) {
        if (table->n == table->n_allocated) {
                const size_t n = table->n_allocated ? 2 * table->n_allocated : 8;
                NamedTime *items = reallocarray(table->items, n, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                table->items = items;
                table->n_allocated = n;
        }
        char *copy = strdup(name);
        if (!copy)
                return -ENOMEM;
        memmove(&table->items[place + 1], &table->items[place],
                (table->n - place) * sizeof(*table->items));
        table->items[place] = (NamedTime){ .name = copy };
        table->n++;
        return 0;
}

int name_table_add(NameTable *table, const char *name, usec_t usec, bool is_timed_out) {
        char cut[NAME_BYTES_MAX];
        bool is_there;

        assert(table);
        assert(name);

        size_t size = strnlen(name, sizeof(cut) - 1);
        if (name[size] != '\0')
                size = utf8_cut(name, size);
        *(char *) mempcpy(cut, name, size) = '\0';

        const size_t place = name_table_find(table, cut, &is_there);
        if (!is_there && (table->n == STATISTICS_NAMES_MAX || strcmp(cut, NAME_OTHERS) == 0)) {
                named_time_count(&table->others, usec, is_timed_out);
                return 0;
        }
        if (!is_there) {
                int r = name_table_insert(table, place, cut);
                if (r < 0)
                        return r;
        }
        named_time_count(&table->items[place], usec, is_timed_out);
        return 0;
}

static int named_time_compare(const void *a, const void *b) {
        const NamedTime *x = a, *y = b;

        if (x->total_usec != y->total_usec)
                return x->total_usec < y->total_usec ? 1 : -1;
        if (x->n != y->n)
                return x->n < y->n ? 1 : -1;
        return strcmp(x->name, y->name);
}

int name_table_finish(NameTable *table, NamedTime **ret_items, size_t *ret_n) {
        assert(table);
        assert(ret_items);
        assert(ret_n);

        if (table->n > 0)
                qsort(table->items, table->n, sizeof(*table->items), named_time_compare);
        if (table->others.n > 0) {
                int r = name_table_insert(table, table->n, NAME_OTHERS);
                if (r < 0)
                        return r;
                table->others.name = table->items[table->n - 1].name;
                table->items[table->n - 1] = table->others;
        }
        *ret_items = table->items;
        *ret_n = table->n;
        *table = (NameTable){};
        return 0;
}

void named_times_free(NamedTime *items, size_t n) {
        for (size_t i = 0; i < n; i++)
                free(items[i].name);
        free(items);
}

void name_table_done(NameTable *table) {
        named_times_free(table->items, table->n);
        *table = (NameTable){};
}

/* ---- JSON -------------------------------------------------------------------------------------- */

int time_reader_init(TimeReader *reader) {
        assert(reader);

        reader->tokener = json_tokener_new_ex(TIMES_DEPTH_MAX);
        if (!reader->tokener)
                return -ENOMEM;
        json_tokener_set_flags(reader->tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        return 0;
}

void time_reader_done(TimeReader *reader) {
        if (reader->tokener)
                json_tokener_free(reader->tokener);
        reader->tokener = NULL;
}

/* Returns: a list; NULL: the text is none. */
static json_object *time_reader_parse(TimeReader *reader, const char *text) {
        const size_t size = text ? strlen(text) + 1 : 0;

        if (size == 0 || size > INT32_MAX)
                return NULL;
        json_tokener_reset(reader->tokener);
        json_object *list = json_tokener_parse_ex(reader->tokener, text, (int) size);
        if (json_tokener_get_error(reader->tokener) == json_tokener_success &&
                json_object_is_type(list, json_type_array))
                return list;
        (void) json_object_put(list);
        return NULL;
}

/* Returns: NULL: it is none, or holds a NUL. */
static const char *time_get_text(json_object *object, const char *key) {
        json_object *value;

        if (!json_object_object_get_ex(object, key, &value) ||
                !json_object_is_type(value, json_type_string))
                return NULL;
        const char *text = json_object_get_string(value);
        return strlen(text) == (size_t) json_object_get_string_len(value) ? text : NULL;
}

static bool time_get_usec(json_object *object, const char *key, usec_t *ret_usec) {
        json_object *value;

        if (!json_object_object_get_ex(object, key, &value) ||
                !json_object_is_type(value, json_type_int))
                return false;
        const int64_t usec = json_object_get_int64(value);
        /* json-c turns what is beyond 64 bits into the nearest number: that is not what was measured. */
        if (usec < 0 || usec == INT64_MAX)
                return false;
        *ret_usec = (usec_t) usec;
        return true;
}

/* Returns: 1: true, 0: false, -1: neither. */
static int time_get_bool(json_object *object, const char *key) {
        json_object *value;

        if (!json_object_object_get_ex(object, key, &value) ||
                !json_object_is_type(value, json_type_boolean))
                return -1;
        return json_object_get_boolean(value);
}

static size_t time_list_length(json_object *list) {
        const size_t n = json_object_array_length(list);

        return n < TIMES_LENGTH_MAX ? n : TIMES_LENGTH_MAX;
}

int time_reader_add_phases(
        TimeReader *reader, const char *text, NameTable *table, int *ret_is_first_cut) {
        json_object *list = time_reader_parse(reader, text);
        int r = 0, is_first_cut = -1;

        for (size_t i = 0; list && r >= 0 && i < time_list_length(list); i++) {
                json_object *phase = json_object_array_get_idx(list, i);
                const char *name = time_get_text(phase, "name");
                const int is_cut = time_get_bool(phase, "timed_out");
                usec_t usec;

                if (i == 0)
                        is_first_cut = is_cut;
                if (name && time_get_usec(phase, "usec", &usec))
                        r = name_table_add(table, name, usec, is_cut > 0);
        }
        (void) json_object_put(list);
        if (r >= 0)
                *ret_is_first_cut = is_first_cut;
        return r;
}

/* Whether a step took longer than it had. One that was abandoned may have had time left. */
static bool step_is_timed_out(json_object *step, usec_t usec, usec_t timeout_usec) {
        const char *end = time_get_text(step, "end");

        return usec > timeout_usec ||
                (end && (strcmp(end, "late") == 0 || strcmp(end, "open") == 0));
}

static void step_bound_raise(StepBound *bound, const char *name, usec_t usec) {
        if (!bound || usec > bound->limit_usec || usec <= bound->usec)
                return;
        const size_t size = strnlen(name, NAME_BYTES_MAX - 1);
        bound->usec = usec;
        *(char *) mempcpy(bound->name, name, name[size] ? utf8_cut(name, size) : size) = '\0';
}

int time_reader_add_steps(
        TimeReader *reader, const char *text, NameTable *table, StepBound *bound) {
        json_object *list = time_reader_parse(reader, text);
        int r = 0;

        for (size_t i = 0; list && r >= 0 && i < time_list_length(list); i++) {
                json_object *step = json_object_array_get_idx(list, i);
                const char *name = time_get_text(step, "name");
                usec_t usec, timeout_usec = USEC_INFINITY;

                if (!name || !time_get_usec(step, "usec", &usec))
                        continue;
                if (time_get_usec(step, "timeout_usec", &timeout_usec))
                        step_bound_raise(bound, name, timeout_usec);
                r = name_table_add(table, name, usec, step_is_timed_out(step, usec, timeout_usec));
        }
        (void) json_object_put(list);
        return r;
}
