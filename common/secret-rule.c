/* SPDX-License-Identifier: MIT */

/* A table of programs and their options, from their man pages.
 *
 * "-p" is a port, a pid or a path to most programs, so only for those in the table a letter means a
 * secret. Options that say what they are ("--password") are not here, they are found by name for
 * every program. Of several letters in one argument only the last can take a value detached ("-sSu
 * bob:secret"), and the first attached ("-ubob:secret"). A program without options is in the table
 * because another one runs it, and its letters mean something else again. */

#include "secret-rule.h"

#include <string.h>

#define SNMP_PROGRAMS "snmpget snmpgetnext snmpwalk snmpset snmpbulkget snmpbulkwalk"

typedef enum RuleShape {
        RULE_ATTACHED = 1 << 0, /* -pSECRET */
        RULE_DETACHED = 1 << 1, /* -p SECRET */
        RULE_BOTH = RULE_ATTACHED | RULE_DETACHED,
} RuleShape;

typedef struct SecretRule {
        const char *programs; /* separated by spaces; "x*" is all that begin with x */
        const char *option;
        RuleShape shape;
        char separator;
        bool is_for_login;
} SecretRule;

static const SecretRule secret_rules[] = {
        { "mysql* mariadb*", "-p", RULE_ATTACHED },
        { "sshpass", "-p", RULE_BOTH },
        { "ssh scp sftp rsync", NULL }, /* run by sshpass */
        { "redis-cli valkey-cli", "-a", RULE_DETACHED },
        { "curl", "-u", RULE_BOTH, ':' },
        { "curl", "-U", RULE_BOTH, ':' },
        { "curl", "--user", RULE_BOTH, ':' },
        { "curl", "--proxy-user", RULE_BOTH, ':' },
        { "ldap*", "-w", RULE_BOTH },
        { "mongo*", "-p", RULE_BOTH },
        { "cqlsh", "-p", RULE_DETACHED },
        { "docker podman buildah skopeo nerdctl helm az oc", "-p", RULE_BOTH,
                .is_for_login = true },
        { "zip unzip zipcloak", "-P", RULE_BOTH },
        { "7z 7za 7zr 7zz rar unrar", "-p", RULE_ATTACHED },
        { "sqlcmd bcp tsql ipmitool", "-P", RULE_BOTH },
        { "mosquitto_pub mosquitto_sub mosquitto_rr", "-P", RULE_DETACHED },
        { "smbclient rpcclient smbget", "-U", RULE_BOTH, '%' },
        { "lftp", "-u", RULE_BOTH, ',' },
        { SNMP_PROGRAMS, "-c", RULE_BOTH },
        { SNMP_PROGRAMS, "-A", RULE_BOTH },
        { SNMP_PROGRAMS, "-X", RULE_BOTH },
        { "ssh-keygen", "-N", RULE_BOTH },
        { "ssh-keygen", "-P", RULE_BOTH },
        { "openssl", "-k", RULE_DETACHED },
};

static bool rule_is_for_program(const SecretRule *rule, const char *name, size_t size) {
        const char *programs = rule->programs;

        while (*programs) {
                const size_t n = strcspn(programs, " ");
                const bool is_prefix = programs[n - 1] == '*';

                if ((is_prefix ? size >= n - 1 : size == n) &&
                        memcmp(programs, name, n - is_prefix) == 0)
                        return true;
                programs += n;
                programs += strspn(programs, " ");
        }
        return false;
}

bool secret_rule_has_program(const char *name, size_t size) {
        for (size_t i = 0; i < ELEMENTSOF(secret_rules); i++)
                if (rule_is_for_program(secret_rules + i, name, size))
                        return true;
        return false;
}

static bool rule_is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "-sSu" for "-u". Longer ones are words. */
static bool rule_matches_cluster(const SecretRule *rule, const char *argument, size_t size) {
        if (size < 3 || size > 6 || argument[0] != '-' || argument[size - 1] != rule->option[1])
                return false;
        for (size_t i = 1; i < size; i++)
                if (!rule_is_letter(argument[i]))
                        return false;
        return true;
}

static bool rule_matches(
        const SecretRule *rule, const char *argument, size_t size, SecretRuleMatch *ret_match) {
        const size_t n = strlen(rule->option);
        const bool is_long = rule->option[1] == '-';
        const bool has_prefix = size >= n && memcmp(argument, rule->option, n) == 0;

        if (has_prefix && size > n && (!is_long || argument[n] == '=') &&
                (rule->shape & RULE_ATTACHED)) {
                *ret_match = (SecretRuleMatch){ .option_size = n + is_long,
                        .separator = rule->separator };
                return true;
        }

        if (!(rule->shape & RULE_DETACHED))
                return false;
        if (!(has_prefix && size == n) && (is_long || !rule_matches_cluster(rule, argument, size)))
                return false;
        *ret_match = (SecretRuleMatch){
                .option_size = size, .is_detached = true, .separator = rule->separator
        };
        return true;
}

bool secret_rule_match(const char *program, size_t program_size, bool has_login,
        const char *argument, size_t size, SecretRuleMatch *ret_match) {
        for (size_t i = 0; i < ELEMENTSOF(secret_rules); i++) {
                const SecretRule *rule = secret_rules + i;

                if (!rule->option || (rule->is_for_login && !has_login) ||
                        !rule_is_for_program(rule, program, program_size))
                        continue;
                if (rule_matches(rule, argument, size, ret_match))
                        return true;
        }
        return false;
}
