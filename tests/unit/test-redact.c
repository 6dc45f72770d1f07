/* SPDX-License-Identifier: MIT */

/* Command lines as they are recorded: what is hidden, what is not, and that the line stays one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "redact.h"

#define UNBOUNDED 65536

/* Each row is an argument vector and the line that is recorded of it. */
typedef struct LineRow {
        const char *argv[12];
        const char *line;
} LineRow;

/* clang-format off */

static const LineRow redacted_rows[] = {
        /* Options with a value, of every name that is asked for. */
        { { "gw", "--token=abc", "--port=80" }, "gw --token=*** --port=80" },
        { { "gw", "--password", "s3cret", "--port", "80" }, "gw --password *** --port 80" },
        { { "gw", "--passwd=a", "--passphrase=a", "--secret=a", "--credential=a" },
          "gw --passwd=*** --passphrase=*** --secret=*** --credential=***" },
        { { "gw", "--api-key=a", "--apikey=a", "--api_key=a", "--apiKey=a", "--key=a", "--auth=a" },
          "gw --api-key=*** --apikey=*** --api_key=*** --apiKey=*** --key=*** --auth=***" },
        { { "gw", "--api-key", "a", "--key", "a", "--auth", "a", "--db-pass", "a", "x" },
          "gw --api-key *** --key *** --auth *** --db-pass *** x" },
        { { "gw", "--credentials=a", "--creds=a", "--access-token=a", "--APIKey=a" },
          "gw --credentials=*** --creds=*** --access-token=*** --APIKey=***" },
        { { "gw", "-token", "a", "-password=a", "-storepass", "a", "x" },
          "gw -token *** -password=*** -storepass *** x" },
        { { "gw", "--password=my pass phrase", "--token", "two words", "x" },
          "gw --password=*** --token *** x" },
        { { "gw", "--password=a=b:c,d;e&f", "--password=true", "--token=none" },
          "gw --password=*** --password=*** --token=***" },
        { { "gw", "--oauth2-bearer", "a", "--api-key-2=a", "--passin", "pass:a", "--set-cookie=a" },
          "gw --oauth2-bearer *** --api-key-2=*** --passin *** --set-cookie=***" },
        { { "java", "-Ddb.password=a", "-DapiKey=b", "-Dserver.port=80" },
          "java -Ddb.password=*** -DapiKey=*** -Dserver.port=80" },

        /* No value, or one that begins with a dash. */
        { { "gw", "--password", "--verbose", "x" }, "gw --password --verbose x" },
        { { "gw", "--password", "-v", "x" }, "gw --password -v x" },
        { { "gw", "--token", "-aB3dEfGh1jKlMnOp9", "x" }, "gw --token *** x" },
        { { "gw", "--password=", "--token", "", "x" }, "gw --password= --token \"\" x" },
        { { "gw", "--password" }, "gw --password" },
        { { "gw", "--no-password", "x", "--ask-pass", "y", "--password-stdin", "z" },
          "gw --no-password x --ask-pass y --password-stdin z" },
        { { "gw", "--use-auth-token=true", "--use-auth-token=abc", "--with-token", "x" },
          "gw --use-auth-token=true --use-auth-token=*** --with-token x" },

        /* Assignments. */
        { { "env", "AWS_SECRET_ACCESS_KEY=a", "PGPASSWORD=b", "FOO_TOKEN=c", "MYSQL_PWD=d", "x" },
          "env AWS_SECRET_ACCESS_KEY=*** PGPASSWORD=*** FOO_TOKEN=*** MYSQL_PWD=*** x" },
        { { "env", "aws_secret_access_key=a", "pgpassword=b", "Foo_Token=c", "OPENAI_API_KEY=d" },
          "env aws_secret_access_key=*** pgpassword=*** Foo_Token=*** OPENAI_API_KEY=***" },
        { { "env", "SSHPASS=a", "DB_PASS=b", "API_KEY_1=c", "TOKEN2=d", "KEY_B64=e" },
          "env SSHPASS=*** DB_PASS=*** API_KEY_1=*** TOKEN2=*** KEY_B64=***" },
        { { "docker", "run", "-e", "FOO_TOKEN=a", "-eBAR_SECRET=b", "--env=BAZ_KEY=c", "img" },
          "docker run -e FOO_TOKEN=*** -eBAR_SECRET=*** --env=BAZ_KEY=*** img" },
        { { "helm", "--set", "auth.password=a", "--set=db.password=b", "user[password]=c" },
          "helm --set auth.password=*** --set=db.password=*** user[password]=***" },
        { { "env", "OPTIONS=--password abc --verbose", "x" },
          "env \"OPTIONS=--password *** --verbose\" x" },
        { { "mount", "-o", "username=a,password=b,vers=3", "//h/s" },
          "mount -o username=a,password=***,vers=3 //h/s" },
        { { "psql", "host=h user=u password=p dbname=d" },
          "psql \"host=h user=u password=*** dbname=d\"" },
        { { "app", "Server=a;Password=b;Database=d" }, "app Server=a;Password=***;Database=d" },
        { { "npm", "//registry/:_authToken=abc" }, "npm //registry/:_authToken=***" },

        /* URLs. */
        { { "gw", "https://bob:secret@host/x" }, "gw https://bob:***@host/x" },
        { { "gw", "redis://:secret@host:6379/0" }, "gw redis://:***@host:6379/0" },
        { { "gw", "--url=amqp://u:a@b@host", "DATABASE_URL=postgres://u:p@host/db" },
          "gw --url=amqp://u:***@host DATABASE_URL=postgres://u:***@host/db" },
        { { "gw", "postgres://u:p/ss@host/db" }, "gw postgres://u:***@host/db" },
        { { "gw", "mongodb://u:p,@h1:27017,h2:27017/db" },
          "gw mongodb://u:***@h1:27017,h2:27017/db" },
        { { "git", "https://ghp_0123456789abcdef012@github.com/x" },
          "git https://***@github.com/x" },
        { { "gw", "https://h/?token=abc&y=1", "https://h/?a=1&api_key=zz" },
          "gw https://h/?token=***&y=1 https://h/?a=1&api_key=***" },
        { { "gw", "x=http://a:b@c http://d:e@f" }, "gw \"x=http://a:***@c http://d:***@f\"" },

        /* Headers and bearer strings. */
        { { "curl", "-H", "Authorization: Bearer xyz", "u" },
          "curl -H \"Authorization: Bearer ***\" u" },
        { { "curl", "-HAuthorization: Basic eHl6", "--header=authorization: xyz" },
          "curl \"-HAuthorization: Basic ***\" \"--header=authorization: ***\"" },
        { { "curl", "-H", "X-Api-Key: abc", "-H", "PRIVATE-TOKEN:abc", "-H", "Cookie: a=b; c=d" },
          "curl -H \"X-Api-Key: ***\" -H PRIVATE-TOKEN:*** -H \"Cookie: ***\"" },
        { { "x", "Authorization:", "Bearer", "xyz", "y" }, "x Authorization: Bearer *** y" },
        { { "x", "Authorization:", "xyz", "y" }, "x Authorization: *** y" },
        { { "x", "Bearer xyz", "bearer", "xyz", "y" }, "x \"Bearer ***\" bearer *** y" },
        { { "x", "X-Note: Bearer xyz" }, "x \"X-Note: Bearer ***\"" },

        /* Words without dashes: what looks random. */
        { { "set", "token", "ghp_0123456789abcdef012", "x" }, "set token *** x" },
        { { "set", "api-key", "small", "x" }, "set api-key small x" },

        /* Letters of programs that are known. */
        { { "/usr/bin/mysqldump", "-u", "root", "-psecret", "db" },
          "/usr/bin/mysqldump -u root -p*** db" },
        { { "mysql", "-p", "db" }, "mysql -p db" },
        { { "sshpass", "-p", "secret", "ssh", "-p", "22", "host" },
          "sshpass -p *** ssh -p 22 host" },
        { { "sudo", "sshpass", "-psecret", "scp", "-p", "a", "b" },
          "sudo sshpass -p*** scp -p a b" },
        { { "curl", "-u", "bob:secret", "-ubob:secret", "-sSu", "bob:secret", "-u", "bob" },
          "curl -u bob:*** -ubob:*** -sSu bob:*** -u bob" },
        { { "curl", "--user=bob:secret", "--proxy-user", "bob:secret", "--user", "TOKEN=x" },
          "curl --user=bob:*** --proxy-user bob:*** --user TOKEN=***" },
        { { "redis-cli", "-a", "-secret", "-p", "6379" }, "redis-cli -a *** -p 6379" },
        { { "ldapsearch", "-w", "secret", "-p", "389" }, "ldapsearch -w *** -p 389" },
        { { "docker", "login", "-u", "bob", "-p", "secret", "reg" },
          "docker login -u bob -p *** reg" },
        { { "docker", "run", "-p", "80:80", "img" }, "docker run -p 80:80 img" },
        { { "smbclient", "-U", "bob%secret", "//h/s" }, "smbclient -U bob%*** //h/s" },

        /* Scripts and titles: command lines in one argument. */
        { { "sh", "-c", "PGPASSWORD=x psql -h host; mysql -psecret db && ls" },
          "sh -c \"PGPASSWORD=*** psql -h host; mysql -p*** db && ls\"" },
        { { "bash", "-lc", "export API_KEY='a b'; ./run --token \"a b c\" --port 80" },
          "bash -lc \"export API_KEY=*** ./run --token *** --port 80\"" },
        { { "sh", "-c", "curl -H \"Authorization: Bearer xyz\" https://h/" },
          "sh -c \"curl -H \\\"Authorization: Bearer ***\\\" https://h/\"" },
        { { "sh", "-c", "sh -c 'TOKEN=x ls'; a=b TOKEN=y" },
          "sh -c \"sh -c 'TOKEN=*** ls'; a=b TOKEN=***\"" },
        { { "ssh", "host", "curl -u \"bob:a b\" --password='a b'c --x" },
          "ssh host \"curl -u \\\"bob:*** --password=*** --x\"" },
        { { "worker: don't --token abc, isn't" }, "\"worker: don't --token *** isn't\"" },
        { { "prog --token=abc --x" }, "\"prog --token=*** --x\"" },
        { { "x", "password = abc d", "secret : abc d" },
          "x \"password = *** d\" \"secret : *** d\"" },

        /* JSON. */
        { { "curl", "-d", "{\"password\":\"x y\",\"user\":\"a\"}" },
          "curl -d \"{\\\"password\\\":***,\\\"user\\\":\\\"a\\\"}\"" },
        { { "curl", "-d", "{\"a\":1,\"token\":\"x\\\"y\",\"n\":1}" },
          "curl -d \"{\\\"a\\\":1,\\\"token\\\":***,\\\"n\\\":1}\"" },
        { { "curl", "-d", "{\"user\":\"a b\",\"password\":\"x y\"}" },
          "curl -d \"{\\\"user\\\":\\\"a b\\\",\\\"password\\\":***}\"" },
        { { "curl", "-d", "{ \"token\" : \"x y\" , \"n\": 1}" },
          "curl -d \"{ \\\"token\\\" : *** , \\\"n\\\": 1}\"" },
        { { "sh", "-c", "curl -d '{\"password\": \"x y\"}' u" },
          "sh -c \"curl -d '{\\\"password\\\": ***' u\"" },
        { { "x", "{\\\"token\\\":\\\"x\\\\\\\"y\\\",\\\"n\\\":1}" },
          "x \"{\\\\\\\"token\\\\\\\":***,\\\\\\\"n\\\\\\\":1}\"" },

        /* Nested deeper than anybody writes: hidden, not judged. */
        { { "x", "--a=--a=--a=--a=--a=--a=--a=--a=--password=x" },
          "x --a=--a=--a=--a=--a=--a=--a=--a=***" },
};

/* Nothing to hide. */
static const LineRow plain_rows[] = {
        { { "gw", "--keyboard=us", "--tokenizer=bpe", "--passive", "x" },
          "gw --keyboard=us --tokenizer=bpe --passive x" },
        { { "gw", "--keyboard", "us", "--tokenizer", "bpe", "--author", "me", "--bypass", "x" },
          "gw --keyboard us --tokenizer bpe --author me --bypass x" },
        { { "gw", "--max-tokens=4096", "--max-token", "9", "--eos-token=</s>", "--next-token=3" },
          "gw --max-tokens=4096 --max-token 9 --eos-token=</s> --next-token=3" },
        { { "gw", "--password-file=/x", "--token-path", "/x", "--secrets-dir", "/x",
            "--keyfile=/x" },
          "gw --password-file=/x --token-path /x --secrets-dir /x --keyfile=/x" },
        { { "gw", "--token-ttl=1h", "--password-policy=x", "--auth-mode=x", "--passwordless", "x" },
          "gw --token-ttl=1h --password-policy=x --auth-mode=x --passwordless x" },
        { { "gw", "--monkey=1", "--hotkey=F1", "--sort-key=a", "--public-key=x", "--keys=a" },
          "gw --monkey=1 --hotkey=F1 --sort-key=a --public-key=x --keys=a" },
        { { "gw", "--auth=none", "--auth", "basic", "--require-auth=yes", "--pass=2", "--key",
            "3" },
          "gw --auth=none --auth basic --require-auth=yes --pass=2 --key 3" },
        { { "env", "PWD=/x", "OLDPWD=/", "SSH_AUTH_SOCK=/x", "SSH_ASKPASS=/x", "XAUTHORITY=/x" },
          "env PWD=/x OLDPWD=/ SSH_AUTH_SOCK=/x SSH_ASKPASS=/x XAUTHORITY=/x" },
        { { "ssh", "-p", "22", "git@github.com:a/b", "ssh://git@host/x", "http://h:80/a@b" },
          "ssh -p 22 git@github.com:a/b ssh://git@host/x http://h:80/a@b" },
        { { "x", "http://auth:8080/key", "auth:8080", "http://[::1]:80/a@b", "file:///x@y",
            "://@" },
          "x http://auth:8080/key auth:8080 http://[::1]:80/a@b file:///x@y ://@" },
        { { "docker", "run", "repo/secret:latest", "My::Secret::Store", "token:/path" },
          "docker run repo/secret:latest My::Secret::Store token:/path" },
        { { "mkdir", "-p", "a", "-pb" }, "mkdir -p a -pb" },
        { { "", "-", "--", "=", "--=x", "=x", "x=", ":" }, "\"\" - -- = --=x =x x= :" },
};

static const LineRow quoted_rows[] = {
        { { NULL }, "" },
        { { "a" }, "a" },
        { { "a", "b" }, "a b" },
        { { "a b", "c" }, "\"a b\" c" },
        { { "" }, "\"\"" },
        { { "", "" }, "\"\" \"\"" },
        { { "a\"b", "a'b", "a\\b" }, "\"a\\\"b\" \"a'b\" \"a\\\\b\"" },
        { { "a\nb\tc\rd" }, "\"a\\nb\\tc\\rd\"" },
        { { "\x01\x1b[31m\x7f" }, "\"\\x01\\x1b[31m\\x7f\"" },
        { { "\xc2\x80\xc2\x9f\xc2\xa0" }, "\"\\xc2\\x80\\xc2\\x9f\xc2\xa0\"" },
        { { "$x;`y`&|*" }, "$x;`y`&|*" },
        { { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" }, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
        { { "\xff" "a" }, "\xef\xbf\xbd" "a" },
        { { "\xc3" }, "\xef\xbf\xbd" },
        { { "\xc0\xaf" }, "\xef\xbf\xbd\xef\xbf\xbd" },
        { { "\xed\xa0\x80" }, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { { "\xf4\x90\x80\x80" }, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { { "\xe2\x82", "x" }, "\xef\xbf\xbd\xef\xbf\xbd x" },
};

static const LineRow comm_rows[] = {
        { { "/usr/bin/gw", "--token=x" }, "gw" },
        { { "gw" }, "gw" },
        { { "./gw" }, "gw" },
        { { "-bash" }, "-bash" },
        { { "" }, "" },
        { { NULL }, "" },
        { { "/" }, "/" },
        { { "/usr/bin/" }, "bin" },
        { { "nginx: worker process" }, "nginx:" },
        { { "nginx: master process /usr/sbin/nginx -g secret" }, "nginx:" },
        { { "prog --token=x" }, "prog" },
        { { "prog --url=http://a/secret" }, "prog" },
        { { "/usr/bin/prog --token=a/secret" }, "prog" },
        { { "/opt/My App/gw" }, "gw" },
        { { "/opt/x/My Program" }, "My" },
        { { "/x/\xff" }, "\xef\xbf\xbd" },
};

/* clang-format on */

static int redact_setup(void **state) {
        *state = NULL; /* the line that a test is about */
        return 0;
}

static int redact_teardown(void **state) {
        free(*state);
        return 0;
}

static void assert_rows(void **state, const LineRow *rows, size_t n, CmdlineMode mode) {
        for (size_t i = 0; i < n; i++) {
                free(*state);
                *state = cmdline_join(rows[i].argv, mode, UNBOUNDED);
                assert_non_null(*state);
                assert_string_equal(*state, rows[i].line);
        }
}

static void test_cmdline_join_secret_hidden(void **state) {
        assert_rows(state, redacted_rows, ELEMENTSOF(redacted_rows), CMDLINE_REDACTED);
}

static void test_cmdline_join_ordinary_shown(void **state) {
        assert_rows(state, plain_rows, ELEMENTSOF(plain_rows), CMDLINE_REDACTED);
}

static void test_cmdline_join_full_hides_nothing(void **state) {
        static const LineRow rows[] = {
                { { "gw", "--token=abc", "--password", "x" }, "gw --token=abc --password x" },
                { { "mysql", "-psecret", "TOKEN=a b" }, "mysql -psecret \"TOKEN=a b\"" },
                { { "http://a:b@c" }, "http://a:b@c" },
        };

        assert_rows(state, rows, ELEMENTSOF(rows), CMDLINE_FULL);
        assert_rows(state, plain_rows, ELEMENTSOF(plain_rows), CMDLINE_FULL);
}

static void test_cmdline_join_awkward_argument_quoted(void **state) {
        assert_rows(state, quoted_rows, ELEMENTSOF(quoted_rows), CMDLINE_FULL);
        assert_rows(state, quoted_rows, ELEMENTSOF(quoted_rows), CMDLINE_REDACTED);
}

static void test_cmdline_join_comm_gives_base_name(void **state) {
        assert_rows(state, comm_rows, ELEMENTSOF(comm_rows), CMDLINE_COMM);
}

static void test_cmdline_join_longer_cut_at_character(void **state) {
        const char *const argv[] = { "abc", "d\xc3\xa9\xe2\x82\xac", "f", NULL };
        static const char *const lines[] = {
                [0] = "",
                [1] = "",
                [2] = "",
                [3] = "…",
                [4] = "a…",
                [7] = "abc …",
                [8] = "abc d…",
                [9] = "abc d…",
                [10] = "abc dé…",
                [11] = "abc dé…",
                [12] = "abc dé€ f",
                [13] = "abc dé€ f",
        };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                if (!lines[i])
                        continue;
                free(*state);
                *state = cmdline_join(argv, CMDLINE_FULL, i);
                assert_non_null(*state);
                assert_string_equal(*state, lines[i]);
        }
}

static void test_cmdline_join_cut_shows_no_secret(void **state) {
        const char *const argv[] = { "gw", "--token=secret", "--password", "secret", NULL };

        for (size_t max_bytes = 0; max_bytes < 40; max_bytes++) {
                free(*state);
                *state = cmdline_join(argv, CMDLINE_REDACTED, max_bytes);
                assert_non_null(*state);
                assert_true(strlen(*state) <= max_bytes);
                assert_null(strstr(*state, "sec"));
        }
        assert_string_equal(*state, "gw --token=*** --password ***");
}

static void test_cmdline_join_raw_any_split_at_nuls(void **state) {
        static const struct {
                const char *data;
                size_t size;
                const char *line;
        } rows[] = {
                { "", 0, "" },
                { "gw\0--token\0x\0", 13, "gw --token ***" },
                { "gw\0--token\0x", 12, "gw --token ***" },
                { "gw\0\0", 4, "gw \"\"" },
                { "gw\0\0x\0", 6, "gw \"\" x" },
                { "title: --token x\0\0\0\0\0", 21, "\"title: --token ***\"" },
                { "\0", 1, "\"\"" },
                { "\0\0\0\0", 4, "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                free(*state);
                *state = cmdline_join_raw(rows[i].data, rows[i].size, CMDLINE_REDACTED, UNBOUNDED);
                assert_non_null(*state);
                assert_string_equal(*state, rows[i].line);
        }

        free(*state);
        *state = cmdline_join_raw(NULL, 0, CMDLINE_COMM, UNBOUNDED);
        assert_string_equal(*state, "");
        free(*state);
        *state = cmdline_join_raw("/a/b\0c", 6, CMDLINE_COMM, UNBOUNDED);
        assert_string_equal(*state, "b");
}

/* A line of 4 kB with bytes of every kind between secrets: they go, and the line stays a line. */
static void test_cmdline_join_raw_any_bytes_hides_secrets(void **state) {
        static const char *const hidden[] = { "--password=QqMARKqQ", "--token\0QqMARKqQ",
                "X_SECRET=QqMARKqQ", "http://u:QqMARKqQ@h" };
        static const size_t hidden_size[] = { 19, 16, 17, 19 };
        uint32_t random = 1;
        char data[4096];

        for (unsigned round = 0; round < 500; round++) {
                size_t size = 0;
                for (unsigned i = 0; size < sizeof(data) - 64; i++) {
                        random = random * 1664525 + 1013904223;
                        /* Bytes of all values, then those that mean something here. */
                        data[size] = round % 2 ? (char) (random >> 24)
                                               : " \"'\\-=:/@&,;pk\0\n"[random >> 28];
                        size++;
                        if (i % 97 == 96) {
                                const size_t which = (random >> 10) % ELEMENTSOF(hidden);
                                data[size++] = '\0';
                                memcpy(data + size, hidden[which], hidden_size[which]);
                                size += hidden_size[which];
                                data[size++] = '\0';
                        }
                }

                free(*state);
                *state = cmdline_join_raw(data, size, CMDLINE_REDACTED, UNBOUNDED);
                assert_non_null(*state);
                assert_null(strstr(*state, "MARK"));
                assert_non_null(strstr(*state, "***"));
                for (const unsigned char *c = *state; *c; c++)
                        assert_true(*c >= ' ' && *c != 0x7f);
        }
}

static void test_cmdline_mode_any_name_reads_back(void **state) {
        for (CmdlineMode mode = 0; mode < _CMDLINE_MODE_MAX; mode++) {
                assert_non_null(cmdline_mode_to_string(mode));
                assert_int_equal(cmdline_mode_from_string(cmdline_mode_to_string(mode)), mode);
        }
        assert_string_equal(cmdline_mode_to_string(CMDLINE_COMM), "comm");
        assert_null(cmdline_mode_to_string(_CMDLINE_MODE_MAX));
        assert_null(cmdline_mode_to_string(_CMDLINE_MODE_INVALID));
        assert_int_equal(cmdline_mode_from_string(""), _CMDLINE_MODE_INVALID);
        assert_int_equal(cmdline_mode_from_string("Full"), _CMDLINE_MODE_INVALID);
}

#define redact_test(function) \
        cmocka_unit_test_setup_teardown(function, redact_setup, redact_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                redact_test(test_cmdline_join_secret_hidden),
                redact_test(test_cmdline_join_ordinary_shown),
                redact_test(test_cmdline_join_full_hides_nothing),
                redact_test(test_cmdline_join_awkward_argument_quoted),
                redact_test(test_cmdline_join_comm_gives_base_name),
                redact_test(test_cmdline_join_longer_cut_at_character),
                redact_test(test_cmdline_join_cut_shows_no_secret),
                redact_test(test_cmdline_join_raw_any_split_at_nuls),
                redact_test(test_cmdline_join_raw_any_bytes_hides_secrets),
                cmocka_unit_test(test_cmdline_mode_any_name_reads_back),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
