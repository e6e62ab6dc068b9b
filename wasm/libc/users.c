/* SPDX-License-Identifier: MIT */
/*
 * Users and groups: what /etc/passwd and /etc/group say where the program has them, otherwise nobody. Emscripten's functions know
 * nobody, call that ENOENT, and cannot read a file that the program opened.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weak.h"

/* How long a line may be for the functions that keep it themselves, with the members of a group. */
enum { ROOM = 16384 };

/* Takes a line to pieces, at each colon. Returns whether there are `n` of them. */
static bool has_fields(char *line, char *fields[], int n)
{
    int i = 0;

    line[strcspn(line, "\n")] = '\0';
    while (line && i < n) {
        fields[i++] = strsep(&line, ":");
    }
    return i == n && !line;
}

static bool is_number(const char *text, unsigned *number)
{
    char *end;

    *number = (unsigned)strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0';
}

/* Reads a line. Returns 0, ENOENT at the end of the file, or ERANGE if it is longer than the buffer. */
static int read_line(FILE *f, char *buffer, size_t size)
{
    if (size < 2) {
        return ERANGE;
    }
    if (!fgets(buffer, (int)(size > ROOM ? ROOM : size), f)) {
        return ENOENT;
    }
    return strchr(buffer, '\n') || feof(f) ? 0 : ERANGE;
}

/* Both read the next entry, whose texts are in the buffer; what is none is left out. They return what read_line() does. */
static int next_user(FILE *f, struct passwd *entry, char *buffer, size_t size)
{
    char *field[7];
    unsigned user, group;
    int error;

    while ((error = read_line(f, buffer, size)) == 0) {
        if (has_fields(buffer, field, 7) && is_number(field[2], &user) && is_number(field[3], &group)) {
            *entry = (struct passwd){ .pw_name = field[0], .pw_passwd = field[1], .pw_uid = user, .pw_gid = group,
                                      .pw_gecos = field[4], .pw_dir = field[5], .pw_shell = field[6] };
            return 0;
        }
    }
    return error;
}

static int next_group(FILE *f, struct group *entry, char *buffer, size_t size)
{
    char *field[4], *end = buffer + size;
    unsigned group;
    int error;

    while ((error = read_line(f, buffer, size)) == 0) {
        /* The members' pointers stand behind the line. */
        uintptr_t behind = (uintptr_t)buffer + strlen(buffer) + 1;
        char **members = (char **)((behind + sizeof(char *) - 1) & ~(sizeof(char *) - 1)), **put = members;
        if (!has_fields(buffer, field, 4) || !is_number(field[2], &group)) {
            continue;
        }
        while (field[3] && (char *)(put + 2) <= end) {
            char *member = strsep(&field[3], ",");
            if (*member) {
                *put++ = member;
            }
        }
        if (field[3] || (char *)(put + 1) > end) {
            return ERANGE;
        }
        *put = NULL;
        *entry = (struct group){ .gr_name = field[0], .gr_passwd = field[1], .gr_gid = group, .gr_mem = members };
        return 0;
    }
    return error;
}

/*
 * The functions for one kind of entry. Those that return a pointer return one to what the next call overwrites; the _r ones return
 * 0 and NULL for who is not there.
 */
#define FUNCTIONS(Entry, file, next, find, files, find_name, find_id, find_name_r, find_id_r, rewind_all, next_all, end_all, Id, name_of, id_of) \
    static FILE *files;                                                                              \
    static int find(const char *name, Id id, struct Entry *entry, char *buffer, size_t size, struct Entry **result) \
    {                                                                                                \
        FILE *f = fopen(file, "re");                                                                 \
        int error = ENOENT;                                                                          \
                                                                                                     \
        *result = NULL;                                                                              \
        while (f && !(error = next(f, entry, buffer, size))) {                                       \
            if (name ? strcmp(entry->name_of, name) == 0 : entry->id_of == id) {                     \
                *result = entry;                                                                     \
                break;                                                                               \
            }                                                                                        \
        }                                                                                            \
        if (f) {                                                                                     \
            fclose(f);                                                                               \
        }                                                                                            \
        return error == ENOENT ? 0 : error;                                                          \
    }                                                                                                \
    LIBC_WEAK int find_name_r(const char *name, struct Entry *entry, char *buffer, size_t size, struct Entry **result) \
    {                                                                                                \
        return find(name, 0, entry, buffer, size, result);                                           \
    }                                                                                                \
    LIBC_WEAK int find_id_r(Id id, struct Entry *entry, char *buffer, size_t size, struct Entry **result) \
    {                                                                                                \
        return find(NULL, id, entry, buffer, size, result);                                          \
    }                                                                                                \
    static char files##_text[ROOM];                                                                  \
    static struct Entry files##_entry, *files##_found;                                               \
    static struct Entry *files##_answer(int error)                                                   \
    {                                                                                                \
        errno = error && error != ENOENT ? error : errno;                                            \
        return error ? NULL : files##_found;                                                         \
    }                                                                                                \
    LIBC_WEAK struct Entry *find_name(const char *name)                                              \
    {                                                                                                \
        return files##_answer(find(name, 0, &files##_entry, files##_text, ROOM, &files##_found));    \
    }                                                                                                \
    LIBC_WEAK struct Entry *find_id(Id id)                                                           \
    {                                                                                                \
        return files##_answer(find(NULL, id, &files##_entry, files##_text, ROOM, &files##_found));   \
    }                                                                                                \
    LIBC_WEAK struct Entry *f##next_all(FILE *f)                                                     \
    {                                                                                                \
        files##_found = &files##_entry;                                                              \
        return files##_answer(next(f, &files##_entry, files##_text, ROOM));                          \
    }                                                                                                \
    LIBC_WEAK void end_all(void)                                                                     \
    {                                                                                                \
        if (files) {                                                                                 \
            fclose(files);                                                                           \
            files = NULL;                                                                            \
        }                                                                                            \
    }                                                                                                \
    LIBC_WEAK void rewind_all(void)                                                                  \
    {                                                                                                \
        end_all();                                                                                   \
    }                                                                                                \
    LIBC_WEAK struct Entry *next_all(void)                                                           \
    {                                                                                                \
        if (!files && !(files = fopen(file, "re"))) {                                                \
            return NULL;                                                                             \
        }                                                                                            \
        return f##next_all(files);                                                                   \
    }

FUNCTIONS(passwd, "/etc/passwd", next_user, find_user, users, getpwnam, getpwuid, getpwnam_r, getpwuid_r, setpwent, getpwent, endpwent, uid_t, pw_name, pw_uid)
FUNCTIONS(group, "/etc/group", next_group, find_group, groups, getgrnam, getgrgid, getgrnam_r, getgrgid_r, setgrent, getgrent, endgrent, gid_t, gr_name, gr_gid)

LIBC_WEAK
int putpwent(const struct passwd *entry, FILE *f)
{
    return fprintf(f, "%s:%s:%u:%u:%s:%s:%s\n", entry->pw_name, entry->pw_passwd, entry->pw_uid, entry->pw_gid,
                   entry->pw_gecos, entry->pw_dir, entry->pw_shell) < 0 ? -1 : 0;
}

LIBC_WEAK
int putgrent(const struct group *entry, FILE *f)
{
    fprintf(f, "%s:%s:%u:", entry->gr_name, entry->gr_passwd, entry->gr_gid);
    for (char **member = entry->gr_mem; member && *member; member++) {
        fprintf(f, "%s%s", member == entry->gr_mem ? "" : ",", *member);
    }
    return fputc('\n', f) == EOF || ferror(f) ? -1 : 0;
}

/* The group that is given, and those that name the user as a member. */
LIBC_WEAK
int getgrouplist(const char *user, gid_t group, gid_t *list, int *n)
{
    int room = *n, found = 1;
    struct group entry;
    char *text = malloc(ROOM);
    FILE *f = text ? fopen("/etc/group", "re") : NULL;

    if (room > 0) {
        list[0] = group;
    }
    while (f && next_group(f, &entry, text, ROOM) == 0) {
        for (char **member = entry.gr_mem; *member; member++) {
            if (strcmp(*member, user) == 0 && entry.gr_gid != group) {
                if (found < room) {
                    list[found] = entry.gr_gid;
                }
                found++;
                break;
            }
        }
    }
    if (f) {
        fclose(f);
    }
    free(text);
    *n = found;
    return found > room ? -1 : found;
}

LIBC_WEAK
int initgroups(const char *user, gid_t group)
{
    (void)user;
    if (group == 0) {
        return 0;
    }
    errno = EPERM;
    return -1;
}
