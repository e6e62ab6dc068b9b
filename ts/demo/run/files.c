/* SPDX-License-Identifier: MIT */
/* Commands for files: reads one from each line. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *help =
    "ls [PATH]        lists a directory\n"
    "write PATH TEXT  adds a line to a file\n"
    "cat PATH         prints a file\n"
    "mkdir PATH       makes a directory\n"
    "mv PATH PATH     renames\n"
    "rm PATH          removes\n"
    "exit [CODE]      ends this program\n";

static int list(const char *path)
{
    DIR *directory = opendir(path);

    if (!directory) {
        return -1;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        char name[512];
        struct stat found;

        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        if (stat(name, &found) == 0) {
            printf("%8lld %s%s\n", (long long)found.st_size, entry->d_name, S_ISDIR(found.st_mode) ? "/" : "");
        }
    }
    return closedir(directory);
}

static int print(const char *path)
{
    FILE *file = fopen(path, "r");
    char buffer[4096];
    size_t got;

    if (!file) {
        return -1;
    }
    while ((got = fread(buffer, 1, sizeof(buffer), file)) > 0) {
        fwrite(buffer, 1, got, stdout);
    }
    return fclose(file);
}

static int append(const char *path, const char *text)
{
    FILE *file = fopen(path, "a");

    if (!file) {
        return -1;
    }
    fprintf(file, "%s\n", text);
    return fclose(file);
}

/* Carries out a command; -1: it has failed, and errno says why. */
static int obey(const char *command, char *path, char *rest)
{
    if (strcmp(command, "help") == 0) {
        return fputs(help, stdout) < 0 ? -1 : 0;
    }
    if (strcmp(command, "ls") == 0) {
        return list(*path ? path : "/");
    }
    if (strcmp(command, "write") == 0) {
        return append(path, rest);
    }
    if (strcmp(command, "cat") == 0) {
        return print(path);
    }
    if (strcmp(command, "mkdir") == 0) {
        return mkdir(path, 0777);
    }
    if (strcmp(command, "mv") == 0) {
        return rename(path, rest);
    }
    if (strcmp(command, "rm") == 0) {
        return remove(path);
    }
    if (strcmp(command, "exit") == 0) {
        exit(atoi(path));
    }
    printf("%s is not a command: help lists them\n", command);
    return 0;
}

int main(void)
{
    char line[4096];

    printf("help lists the commands.\n");
    for (;;) {
        char *rest = line;

        fputs("> ", stdout);
        fflush(stdout);
        if (!fgets(line, sizeof(line), stdin)) {
            return 0;
        }
        line[strcspn(line, "\n")] = 0;
        char *command = strsep(&rest, " ");
        char *path = rest ? strsep(&rest, " ") : "";
        if (*command && obey(command, path, rest ? rest : "") < 0) {
            printf("%s: %s\n", command, strerror(errno));
        }
    }
}
