/* SPDX-License-Identifier: MIT */

/* Unit files and drop-ins in three directories, "e", "m" and "r", the strongest first, below one of the
 * test's own. Rows show the whole tree that they need. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "file-fixture.h"
#include "unit-path.h"

#define ENTRIES_MAX 12

/* What a row puts below the tree. "PATH": a file; "PATH -> TARGET": a link ("@" in front of TARGET stands
 * for the tree's own path); "PATH/": a folder; "PATH =": an empty file. */
typedef const char *Entries[ENTRIES_MAX];

typedef struct Tree {
        Fixture *file;      /* owned */
        char **directories; /* e, m, r */
        char **paths;       /* what a test was told */
        char *path;
} Tree;

static int tree_setup(void **state) {
        Tree *tree = calloc(1, sizeof(*tree));
        void *file = NULL;
        char path[128];

        if (!tree || file_setup(&file) < 0)
                return -1;
        tree->file = file;
        *state = tree;
        for (const char *name = "emr"; *name; name++) {
                (void) snprintf(path, sizeof(path), "%s/%c", tree->file->path, *name);
                if (strv_extend(&tree->directories, path) < 0)
                        return -1;
        }
        return 0;
}

static int tree_teardown(void **state) {
        Tree *tree = *state;

        (void) strv_free(tree->directories);
        (void) strv_free(tree->paths);
        free(tree->path);
        void *file = tree->file;
        free(tree);
        return file_teardown(&file);
}

static const char *const *tree_directories(const Tree *tree) {
        return (const char *const *) tree->directories;
}

static void tree_make_folders(const char *path) {
        char folder[512];

        for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
                (void) snprintf(folder, sizeof(folder), "%.*s", (int) (slash - path), path);
                if (mkdir(folder, 0755) < 0)
                        assert_int_equal(errno, EEXIST);
        }
}

static void tree_write(const char *path, const char *text) {
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        bool is_written = fputs(text, file) >= 0;
        assert_true(fclose(file) == 0 && is_written);
}

static void tree_add(const Tree *tree, const char *entry) {
        char path[512], target[512];
        const char *arrow = strstr(entry, " -> "), *empty = strstr(entry, " =");
        const char *end = arrow ?: empty ?: entry + strlen(entry);

        (void) snprintf(path, sizeof(path), "%.*s", (int) (end - entry), entry);
        tree_make_folders(path);
        if (arrow) {
                const bool is_absolute = arrow[4] == '@';
                (void) snprintf(target, sizeof(target), "%s%s%s",
                        is_absolute ? tree->file->path : "", is_absolute ? "/" : "",
                        arrow + 4 + is_absolute);
                assert_int_equal(symlink(target, path), 0);
        } else if (path[strlen(path) - 1] != '/')
                tree_write(path, empty ? "" : "[Service]\n");
}

static void tree_plant(const Tree *tree, const char *const entries[static ENTRIES_MAX]) {
        assert_int_equal(remove_tree("e"), 0);
        assert_int_equal(remove_tree("m"), 0);
        assert_int_equal(remove_tree("r"), 0);
        assert_int_equal(remove_tree("x"), 0);
        for (size_t i = 0; i < ENTRIES_MAX && entries[i]; i++)
                tree_add(tree, entries[i]);
}

/* Below the tree's own path, which is cut off. */
static const char *tree_cut(const Tree *tree, const char *path) {
        const size_t size = strlen(tree->file->path);

        return path && strncmp(path, tree->file->path, size) == 0 ? path + size + 1 : path;
}

/* "PATH PATH …" */
static const char *tree_join_paths(const Tree *tree, char text[static 1024]) {
        text[0] = '\0';
        for (size_t i = 0; tree->paths && tree->paths[i]; i++) {
                const size_t size = strlen(text);
                (void) snprintf(text + size, 1024 - size, "%s%s", i > 0 ? " " : "",
                        tree_cut(tree, tree->paths[i]));
        }
        return text;
}

static void tree_find_drop_ins(Tree *tree, const char *name) {
        tree->paths = strv_free(tree->paths);
        assert_int_equal(unit_path_find_drop_ins(tree_directories(tree), name, &tree->paths), 0);
}

/* ---- The file -------------------------------------------------------------------------------- */

static const struct {
        Entries entries;
        const char *name;
        const char *fragment; /* NULL: none */
} fragment_rows[] = {
        { {}, "a.service", NULL },
        { { "r/a.service" }, "a.service", "r/a.service" },
        { { "m/a.service", "r/a.service" }, "a.service", "m/a.service" },
        { { "r/a.service", "e/b.service", "e/a.service.d/1.conf" }, "a.service", "r/a.service" },
        { { "r/a.service" }, "a", NULL },
        { { "r/a", "r/../b.service" }, "../b.service", NULL },
        { { "r/a\\x2db.service" }, "a\\x2db.service", "r/a\\x2db.service" },
        { { "r/a\\x2db.service" }, "a-b.service", NULL },
        /* Instances. */
        { { "r/a@.service" }, "a@x.service", "r/a@.service" },
        { { "r/a@.service" }, "a@x@y.service", "r/a@.service" },
        { { "r/a@.service" }, "a@.service", "r/a@.service" },
        { { "r/a@.service" }, "a.service", NULL },
        { { "e/a@.service", "r/a@x.service" }, "a@x.service", "r/a@x.service" },
        { { "e/a@.service", "r/a@x.service" }, "a@y.service", "e/a@.service" },
        /* Masks are files. */
        { { "e/a.service -> /dev/null", "r/a.service" }, "a.service", "e/a.service" },
        { { "e/a.service =", "r/a.service" }, "a.service", "e/a.service" },
        { { "e/a@x.service -> /dev/null", "r/a@.service" }, "a@x.service", "e/a@x.service" },
        /* Files that were linked in, also if they are gone. */
        { { "x/b.service", "e/a.service -> @x/b.service", "r/a.service" }, "a.service",
                "e/a.service" },
        { { "e/a.service -> ../x/b.service", "r/a.service" }, "a.service", "e/a.service" },
        { { "e/a.service -> @em/b.service", "r/b.service" }, "a.service", "e/a.service" },
        { { "e/a.service -> /", "r/a.service" }, "a.service", "e/a.service" },
        /* Aliases. */
        { { "e/a.service -> @r/b.service", "r/b.service" }, "a.service", "r/b.service" },
        { { "r/a.service -> b.service", "r/b.service" }, "a.service", "r/b.service" },
        { { "e/a.service -> ../e/../r/b.service", "r/b.service" }, "a.service", "r/b.service" },
        { { "e/a.service -> ../r/b.service", "m/b.service", "r/b.service" }, "a.service",
                "m/b.service" },
        { { "e/a.service -> b.service", "r/b.service -> c.service", "m/c.service", "r/c.service" },
                "a.service", "m/c.service" },
        { { "e/a.service -> b.service", "r/a.service" }, "a.service", NULL },
        { { "e/a.service -> b.service", "e/b.service -> a.service" }, "a.service", NULL },
        { { "e/a.service -> ../r/b.service", "r/b.service -> /dev/null" }, "a.service",
                "r/b.service" },
        { { "e/a.service -> sub/b.service", "e/sub/b.service", "r/b.service" }, "a.service",
                "r/b.service" },
        /* Of instances and templates. */
        { { "e/a@x.service -> b@.service", "r/b@.service" }, "a@x.service", "r/b@.service" },
        { { "e/a@x.service -> b@x.service", "r/b@.service" }, "a@x.service", "r/b@.service" },
        { { "e/a@.service -> b@.service", "r/b@.service" }, "a@x.service", "r/b@.service" },
        { { "e/a@x.service -> b@.service", "r/a@.service" }, "a@x.service", "r/a@.service" },
        /* Links that systemd passes over: to itself, to another type, instance or kind, to no unit. */
        { { "e/a.service -> ../r/a.service", "r/a.service" }, "a.service", "r/a.service" },
        { { "e/a.service -> a.service", "r/a.service" }, "a.service", "r/a.service" },
        { { "e/a.service -> b.socket", "e/b.socket", "r/a.service" }, "a.service", "r/a.service" },
        { { "e/a.service -> b@.service", "e/b@.service", "r/a.service" }, "a.service",
                "r/a.service" },
        { { "e/a@x.service -> b@y.service", "e/b@y.service", "r/a@.service" }, "a@x.service",
                "r/a@.service" },
        { { "e/a@.service -> b@x.service", "e/b@x.service", "r/a@.service" }, "a@x.service",
                "r/a@.service" },
        { { "e/a.service -> b", "e/b", "r/a.service" }, "a.service", "r/a.service" },
        { { "e/a.slice -> b.slice", "e/b.slice", "r/a.slice" }, "a.slice", "r/a.slice" },
};

static void test_unit_path_find_fragment_any_tree_told(void **state) {
        Tree *tree = *state;

        for (size_t i = 0; i < ELEMENTSOF(fragment_rows); i++) {
                const char *expected = fragment_rows[i].fragment;

                tree_plant(tree, fragment_rows[i].entries);
                free(tree->path);
                tree->path = NULL;
                int r = unit_path_find_fragment(
                        tree_directories(tree), fragment_rows[i].name, &tree->path);

                if (r != (expected ? 0 : -ENOENT) ||
                        (expected && strcmp(tree_cut(tree, tree->path), expected) != 0))
                        fail_msg("row %zu, %s: %d %s", i, fragment_rows[i].name, r, tree->path);
        }
}

static void test_unit_path_find_fragment_relative_directory_follows_aliases(void **state) {
        static const char *const directories[] = { "r", NULL };
        Tree *tree = *state;

        tree_plant(tree, (Entries){ "r/a.service -> b.service", "r/b.service" });
        assert_int_equal(unit_path_find_fragment(directories, "a.service", &tree->path), 0);
        assert_string_equal(tree->path, "r/b.service");
}

static void test_unit_path_find_fragment_long_chain_given_up(void **state) {
        Tree *tree = *state;
        char entry[64];

        tree_plant(tree, (Entries){ "r/8.service" });
        for (int i = 0; i < 8; i++) {
                (void) snprintf(entry, sizeof(entry), "r/%d.service -> %d.service", i, i + 1);
                tree_add(tree, entry);
        }
        assert_int_equal(
                unit_path_find_fragment(tree_directories(tree), "0.service", &tree->path), -ENOENT);
        assert_int_equal(
                unit_path_find_fragment(tree_directories(tree), "1.service", &tree->path), 0);
        assert_string_equal(tree_cut(tree, tree->path), "r/8.service");
}

/* ---- What it hides --------------------------------------------------------------------------- */

static const struct {
        Entries entries;
        const char *fragment, *name, *shadowed;
} shadow_rows[] = {
        { { "r/a.service" }, "r/a.service", "a.service", "" },
        { { "m/a.service", "r/a.service" }, "m/a.service", "a.service", "r/a.service" },
        { { "e/a.service", "m/a.service", "r/a.service" }, "e/a.service", "a.service",
                "m/a.service r/a.service" },
        { { "e/a.service", "m/a.service", "r/a.service" }, "m/a.service", "a.service",
                "r/a.service" },
        { { "e/a.service", "r/b.service" }, "e/a.service", "a.service", "" },
        { { "e/a.service -> /dev/null", "r/a.service" }, "e/a.service", "a.service",
                "r/a.service" },
        { { "e/a.service", "r/a.service -> /dev/null" }, "e/a.service", "a.service",
                "r/a.service" },
        { { "e/a.service", "r/a.service -> ../e/a.service" }, "e/a.service", "a.service", "" },
        { { "e/a@.service", "r/a@.service" }, "e/a@.service", "a@x.service", "r/a@.service" },
        { { "e/a@x.service", "m/a@.service", "r/a@x.service" }, "e/a@x.service", "a@x.service",
                "r/a@x.service" },
        { { "x/a.service", "r/a.service" }, "x/a.service", "a.service", "" },
        /* Directories that are the same one. */
        { { "m/a.service", "r -> m" }, "m/a.service", "a.service", "" },
        { { "m/a.service", "r -> m" }, "r/a.service", "a.service", "" },
        { { "e/a.service", "m/a.service", "r -> m" }, "e/a.service", "a.service", "m/a.service" },
};

static void test_unit_path_find_shadowed_any_tree_told(void **state) {
        Tree *tree = *state;
        char text[1024], fragment[128];

        for (size_t i = 0; i < ELEMENTSOF(shadow_rows); i++) {
                tree_plant(tree, shadow_rows[i].entries);
                (void) snprintf(fragment, sizeof(fragment), "%s/%s", tree->file->path,
                        shadow_rows[i].fragment);
                tree->paths = strv_free(tree->paths);
                assert_int_equal(unit_path_find_shadowed(tree_directories(tree), fragment,
                                         shadow_rows[i].name, &tree->paths),
                        0);
                if (strcmp(tree_join_paths(tree, text), shadow_rows[i].shadowed) != 0)
                        fail_msg("row %zu: %s", i, text);
        }
}

/* ---- Drop-ins -------------------------------------------------------------------------------- */

static const struct {
        const char *name;
        Entries entries;
        const char *drop_ins;
} drop_in_rows[] = {
        { "a.service", {}, "" },
        { "a.service", { "r/a.service" }, "" },
        { "a.service", { "r/a.service.d/1.conf" }, "r/a.service.d/1.conf" },
        /* Sorted by file name over all folders and directories, as bytes. */
        { "a-b.service",
                { "e/a-b.service.d/3.conf", "m/a-.service.d/2.conf", "r/service.d/4.conf",
                        "r/a-b.service.d/1.conf", "r/a-b.service.d/a.conf",
                        "r/a-b.service.d/Z.conf", "r/a-b.service.d/10.conf" },
                "r/a-b.service.d/1.conf r/a-b.service.d/10.conf m/a-.service.d/2.conf "
                "e/a-b.service.d/3.conf r/service.d/4.conf r/a-b.service.d/Z.conf "
                "r/a-b.service.d/a.conf" },
        /* Of one name: the stronger directory, */
        { "a.service", { "r/a.service.d/1.conf", "m/a.service.d/1.conf" }, "m/a.service.d/1.conf" },
        /* though its folder be less specific, */
        { "a-b.service", { "m/a-.service.d/1.conf", "r/a-b.service.d/1.conf" },
                "m/a-.service.d/1.conf" },
        /* within it the more specific folder, */
        { "a-b-c.service",
                { "m/a-.service.d/1.conf", "m/a-b-.service.d/1.conf", "m/a-b-.service.d/2.conf",
                        "m/a-b-c.service.d/2.conf", "r/a-b-c.service.d/1.conf" },
                "m/a-b-.service.d/1.conf m/a-b-c.service.d/2.conf" },
        /* and the type's last of all. */
        { "a.service",
                { "e/service.d/1.conf", "r/a.service.d/1.conf", "e/service.d/2.conf",
                        "m/service.d/2.conf", "e/socket.d/3.conf" },
                "r/a.service.d/1.conf e/service.d/2.conf" },
        /* Prefixes. */
        { "a-b-c.service",
                { "r/a-.service.d/1.conf", "r/a-b-.service.d/2.conf", "r/a.service.d/3.conf",
                        "r/a-b.service.d/4.conf", "r/-.service.d/5.conf", "r/a-.socket.d/6.conf" },
                "r/a-.service.d/1.conf r/a-b-.service.d/2.conf" },
        { "a--b-.service",
                { "r/a-.service.d/1.conf", "r/a--.service.d/2.conf", "r/a--b-.service.d/3.conf" },
                "r/a-.service.d/1.conf r/a--.service.d/2.conf r/a--b-.service.d/3.conf" },
        { "-a.service", { "r/-.service.d/1.conf", "r/-a.service.d/2.conf" },
                "r/-a.service.d/2.conf" },
        { "a\\x2db-c.service",
                { "r/a-.service.d/1.conf", "r/a\\x2db-.service.d/2.conf",
                        "r/a\\x2db-c.service.d/3.conf" },
                "r/a\\x2db-.service.d/2.conf r/a\\x2db-c.service.d/3.conf" },
        /* Instances: their own, their template's, their prefixes. */
        { "a@x.service",
                { "r/a@.service.d/1.conf", "r/a@x.service.d/2.conf", "r/a@y.service.d/3.conf",
                        "r/a.service.d/4.conf", "r/a@.service.d/2.conf", "e/a@.service.d/5.conf",
                        "r/a@x.service.d/5.conf" },
                "r/a@.service.d/1.conf r/a@x.service.d/2.conf e/a@.service.d/5.conf" },
        { "a-b@x-y.service",
                { "r/a-@x-y.service.d/1.conf", "r/a-@.service.d/2.conf", "r/a-.service.d/3.conf",
                        "r/a-b@x-.service.d/4.conf", "r/a-@.service.d/5.conf",
                        "r/a-.service.d/5.conf", "r/a-@x-y.service.d/6.conf",
                        "r/a-.service.d/6.conf" },
                "r/a-@x-y.service.d/1.conf r/a-@.service.d/2.conf r/a-.service.d/3.conf "
                "r/a-.service.d/5.conf r/a-.service.d/6.conf" },
        { "a-b@.service",
                { "r/a-b@.service.d/1.conf", "r/a-.service.d/2.conf", "r/a-@.service.d/3.conf" },
                "r/a-b@.service.d/1.conf r/a-.service.d/2.conf" },
        /* Masks, also of what is no file, take the name. */
        { "a.service", { "e/a.service.d/1.conf -> /dev/null", "r/a.service.d/1.conf" }, "" },
        { "a.service", { "e/a.service.d/1.conf =", "r/a.service.d/1.conf" }, "" },
        { "a.service", { "e/a.service.d/1.conf -> nowhere", "r/a.service.d/1.conf" }, "" },
        { "a.service", { "e/a.service.d/1.conf/", "r/a.service.d/1.conf" }, "" },
        { "a.service", { "e/service.d/1.conf -> /dev/null", "r/a.service.d/1.conf" },
                "r/a.service.d/1.conf" },
        { "a.service", { "e/a.service.d/1.conf -> ../../x/1", "x/1" }, "e/a.service.d/1.conf" },
        /* Not drop-ins. */
        { "a.service",
                { "r/a.service.d/.1.conf", "r/a.service.d/.conf", "r/a.service.d/1.conf~",
                        "r/a.service.d/1.confx", "r/a.service.d/1", "r/a.service.d/1.CONF",
                        "m/a.service.d", "r/a.d/1.conf", "r/b.service.d/1.conf" },
                "" },
        /* Names are bytes. */
        { "a.service", { "r/a.service.d/\xff.conf", "r/a.service.d/\xc3\xa4.conf" },
                "r/a.service.d/\xc3\xa4.conf r/a.service.d/\xff.conf" },
        /* Folders that are links tell where they are. */
        { "a.service", { "x/1.conf", "r/a.service.d -> ../x" }, "x/1.conf" },
        { "a.service", { "m/a.service.d/1.conf", "r -> m" }, "m/a.service.d/1.conf" },
        /* Aliases: the file's name first, then the others. */
        { "b.service",
                { "r/a.service", "e/b.service -> ../r/a.service", "r/c.service -> b.service",
                        "e/b.service.d/1.conf", "r/a.service.d/1.conf", "e/b.service.d/2.conf",
                        "r/c.service.d/3.conf", "m/d.service.d/4.conf",
                        "m/d.service -> ../x/a.service" },
                "r/a.service.d/1.conf e/b.service.d/2.conf r/c.service.d/3.conf" },
        { "a.service",
                { "r/a.service", "e/b.service -> ../r/a.service", "e/b.service.d/2.conf",
                        "r/a.socket -> b.service", "r/a.socket.d/3.conf" },
                "e/b.service.d/2.conf" },
        { "a.service",
                { "r/a.service", "e/b.service", "r/b.service -> a.service",
                        "r/b.service.d/1.conf" },
                "" },
        { "b@x.service",
                { "r/a@.service", "r/b@.service -> a@.service", "r/c@x.service -> a@.service",
                        "r/c@y.service -> a@.service", "r/a@x.service.d/1.conf",
                        "r/b@.service.d/2.conf", "r/c@x.service.d/3.conf", "r/c@y.service.d/4.conf",
                        "r/a@.service.d/5.conf" },
                "r/a@x.service.d/1.conf r/b@.service.d/2.conf r/c@x.service.d/3.conf "
                "r/a@.service.d/5.conf" },
        { "a@x.service",
                { "r/a@x.service", "r/a@.service -> /dev/null", "r/b@x.service -> a@.service",
                        "r/b@x.service.d/1.conf" },
                "" },
        /* No unit. */
        { "a", { "r/a.d/1.conf" }, "" },
        { "a.conf", { "r/a.conf.d/1.conf", "r/conf.d/1.conf" }, "" },
};

static void test_unit_path_find_drop_ins_any_tree_told(void **state) {
        Tree *tree = *state;
        char text[1024];

        for (size_t i = 0; i < ELEMENTSOF(drop_in_rows); i++) {
                tree_plant(tree, drop_in_rows[i].entries);
                tree_find_drop_ins(tree, drop_in_rows[i].name);
                if (strcmp(tree_join_paths(tree, text), drop_in_rows[i].drop_ins) != 0)
                        fail_msg("row %zu, %s: %s", i, drop_in_rows[i].name, text);
        }
}

static void test_unit_path_find_drop_ins_many_all_told(void **state) {
        Tree *tree = *state;
        char path[64];

        tree_plant(tree, (Entries){ "r/a.service.d/", "m/a.service.d/" });
        for (int i = 999; i >= 0; i--) {
                (void) snprintf(path, sizeof(path), "%c/a.service.d/%03d.conf", "rm"[i % 2], i);
                tree_write(path, "[Service]\n");
        }
        tree_find_drop_ins(tree, "a.service");
        assert_int_equal(strv_length(tree->paths), 1000);
        for (int i = 0; i < 1000; i++) {
                (void) snprintf(path, sizeof(path), "%c/a.service.d/%03d.conf", "rm"[i % 2], i);
                assert_string_equal(tree_cut(tree, tree->paths[i]), path);
        }
}

/* 255 bytes are a name; its ".d" is none that a file system has. */
static void test_unit_path_find_drop_ins_longest_name_has_its_prefixes(void **state) {
        Tree *tree = *state;
        char name[UNIT_NAME_MAX + 1], text[1024];

        (void) snprintf(name, sizeof(name), "a-%0245d.service", 0);
        assert_int_equal(strlen(name), 255);
        tree_plant(tree, (Entries){ "r/a-.service.d/1.conf" });
        tree_find_drop_ins(tree, name);
        assert_string_equal(tree_join_paths(tree, text), "r/a-.service.d/1.conf");

        (void) snprintf(name, sizeof(name), "a-%0246d.service", 0);
        tree_find_drop_ins(tree, name);
        assert_string_equal(tree_join_paths(tree, text), "");
}

/* As somebody whom permissions hold back. */
static void test_unit_path_unreadable_directory_passed_over(void **state) {
        Tree *tree = *state;
        char text[1024];

        tree_plant(tree,
                (Entries){ "e/a.service", "e/a.service.d/1.conf", "m/a.service.d/2.conf",
                        "r/a.service", "r/a.service.d/3.conf", "m/a.service.d/4.conf" });
        assert_int_equal(chmod("e", 0), 0);
        assert_int_equal(chmod("m/a.service.d/4.conf", 0), 0);
        assert_int_equal(chmod(tree->file->path, 0755), 0);

        const uid_t uid = geteuid();
        if (uid == 0)
                assert_int_equal(seteuid(65534), 0);
        int r = unit_path_find_fragment(tree_directories(tree), "a.service", &tree->path);
        int r_drop_ins = unit_path_find_drop_ins(tree_directories(tree), "a.service", &tree->paths);
        if (uid == 0)
                assert_int_equal(seteuid(uid), 0);
        assert_int_equal(chmod("e", 0700), 0);

        assert_int_equal(r, 0);
        assert_string_equal(tree_cut(tree, tree->path), "r/a.service");
        assert_int_equal(r_drop_ins, 0);
        /* Of a file that may not be read the reader finds out. */
        assert_string_equal(tree_join_paths(tree, text),
                "m/a.service.d/2.conf r/a.service.d/3.conf m/a.service.d/4.conf");
}

#define tree_test(function) cmocka_unit_test_setup_teardown(function, tree_setup, tree_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                tree_test(test_unit_path_find_fragment_any_tree_told),
                tree_test(test_unit_path_find_fragment_relative_directory_follows_aliases),
                tree_test(test_unit_path_find_fragment_long_chain_given_up),
                tree_test(test_unit_path_find_shadowed_any_tree_told),
                tree_test(test_unit_path_find_drop_ins_any_tree_told),
                tree_test(test_unit_path_find_drop_ins_many_all_told),
                tree_test(test_unit_path_find_drop_ins_longest_name_has_its_prefixes),
                tree_test(test_unit_path_unreadable_directory_passed_over),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
