/* SPDX-License-Identifier: MIT */
/* getopt_long, fnmatch, glob, regular expressions. */
#include <fnmatch.h>
#include <getopt.h>
#include <glob.h>
#include <regex.h>
#include "topic.h"

static void options(const char *letters, const char *arguments)
{
    static const struct option longs[] = {
        { "file", required_argument, NULL, 'f' }, { "all", no_argument, NULL, 'a' }, { "opt", optional_argument, NULL, 'o' },
        { "fill", no_argument, NULL, 'F' }, { NULL, 0, NULL, 0 },
    };
    char *argv[12] = { "program" }, copy[64];
    int argc = 1, letter;

    strcpy(copy, arguments);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    optind = 0;
    opterr = 0;
    optarg = NULL;
    printf("getopt_long %s: %s =", letters, arguments);
    while ((letter = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (letter == 1) {
            printf(" operand");
        } else {
            printf(" %c", letter);
        }
        if (letter == '?' || letter == ':') {
            printf("(%c)", optopt ? optopt : '0');
        } else if (optarg) {
            printf("=%s", optarg);
        }
        optarg = NULL;
    }
    for (int n = optind; n < argc; n++) {
        printf(" %s", argv[n]);
    }
    printf("\n");
}

static void match(const char *pattern, const char *text, int flags)
{
    printf("fnmatch %s %s %x = %s\n", pattern, text, flags, fnmatch(pattern, text, flags) == 0 ? "yes" : "no");
}

static void names(const char *pattern, int flags)
{
    glob_t found = { 0 };
    int error = glob(pattern, flags, NULL, &found);

    printf("glob '%s' %x = %s", pattern, flags, error == GLOB_NOMATCH ? "none" : error ? "another error" : "");
    for (size_t n = 0; !error && n < found.gl_pathc; n++) {
        printf(" %s", found.gl_pathv[n]);
    }
    printf("\n");
    if (!error) {
        globfree(&found);
    }
}

static void find(const char *pattern, const char *text, int flags)
{
    regmatch_t at[3];
    regex_t regex;
    int error = regcomp(&regex, pattern, flags);

    printf("regex %s in '%s' %s =", pattern, text, flags & REG_EXTENDED ? "extended" : "basic");
    if (error) {
        printf(" %s\n", error == REG_EPAREN ? "EPAREN" : error == REG_ERANGE ? "ERANGE" : error == REG_EESCAPE ? "EESCAPE"
                        : error == REG_ECTYPE ? "ECTYPE" : error == REG_BADBR ? "BADBR" : "another error");
        return;
    }
    if (regexec(&regex, text, 3, at, 0) != 0) {
        printf(" none\n");
    } else {
        printf(" %zu:", regex.re_nsub);
        for (int n = 0; n < 3; n++) {
            printf(" %d-%d", (int)at[n].rm_so, (int)at[n].rm_eo);
        }
        printf("\n");
    }
    regfree(&regex);
}

static void topic(void)
{
    options("ab:c", "-a -b value rest");
    options("ab:c", "x -ac y -bz");
    options("+ab:c", "x -a y");
    options("-ab:c", "x -a y");
    options("ab:c", "-q -b --");
    options(":ab:", "-b");
    options("ab:", "-b");
    options("a", "--file=x --all --opt --opt=5 --");
    options("a", "--fil x");
    options("a", "--fi x");
    options("a", "--al --all=3");
    options("a", "--none");
    options(":a", "--file");
    options("ab::", "-b -bx y");
    options("a", "-a -- -a");

    match("*.c", "a.c", 0);
    match("*", ".hidden", 0);
    match("*", ".hidden", FNM_PERIOD);
    match("*/b", "a/c/b", 0);
    match("*/b", "a/c/b", FNM_PATHNAME);
    match("[!a-c]x", "dx", 0);
    match("[^a-c]x", "dx", 0);
    match("\\*", "*", 0);
    match("\\*", "\\*", FNM_NOESCAPE);
    match("[[:alpha:]]*", "a1", 0);
    match("a[", "a[", 0);
    match("[]-a]", "-", 0);
    match("A*", "abc", FNM_CASEFOLD);
    match("a", "a/b", FNM_LEADING_DIR);
    match("a?c", "a/c", FNM_PATHNAME);
    match("*/.x", "a/.x", FNM_PATHNAME | FNM_PERIOD);
    match("**", "a/b", FNM_PATHNAME);
    match("a*b*c*d", "aXbXcXd", 0);
    match("[[.a.]]", "a", 0);
    match("[[=a=]]", "a", 0);

    put_file("b.c", "");
    put_file("a.c", "");
    put_file(".h.c", "");
    put_file("x[1]", "");
    mkdir("d", 0755);
    put_file("d/f.c", "");
    names("*.c", 0);
    names("*", GLOB_MARK);
    names("*/*.c", 0);
    names("none*", 0);
    names("none*", GLOB_NOCHECK);
    names("x\\[1]", 0);
    names(".*.c", 0);
    names("d", 0);
    names("./d/", 0);
    names("*.c/", 0);
    names("d//f.c", 0);
    names("", 0);

    find("a+b", "xaab", REG_EXTENDED);
    find("a+b", "a+b", 0);
    find("(a)(b)?", "a", REG_EXTENDED);
    find("\\(a\\)\\1", "aa", 0);
    find("(a)\\1", "aa", REG_EXTENDED);
    find("[[:digit:]]{2,3}", "x1234", REG_EXTENDED);
    find("(", "(", REG_EXTENDED);
    find("[b-a]", "", 0);
    find("*a", "*a", 0);
    find("a||b", "b", REG_EXTENDED);
    find("^a$", "b\ta", REG_NEWLINE);
    find("A", "a", REG_ICASE);
    find("\\", "", 0);
    find("[[:foo:]]", "", 0);
    find("a\\{1,2\\}", "aaa", 0);
    find("\\<b\\>", "a b c", 0);
    find("\\bx", "a x", REG_EXTENDED);
    find("\\w+", "..ab", REG_EXTENDED);
    find("x*", "", REG_EXTENDED);
    find("(a|ab)(c|bcd)", "abcd", REG_EXTENDED);
    find("a{3,1}", "", REG_EXTENDED);
}
