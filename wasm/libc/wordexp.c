/* SPDX-License-Identifier: MIT */
/*
 * wordexp(): words as a shell would expand them. Quotes, '\', '~', variables, and patterns of files
 * are expanded here. There is no shell, so substitution of commands is refused (WRDE_CMDSUB), and
 * arithmetic is, too (WRDE_SYNTAX).
 */
#include <ctype.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wordexp.h>

#include "weak.h"

/* The word that is being made, as a pattern for glob(): what was quoted is escaped by '\'. */
typedef struct Word {
    char *text;
    size_t length, room;
    bool exists;              /* There is a word, though it may be empty: "" or $EMPTY in quotes. */
    bool has_pattern;         /* Something that was not quoted may match files. */
} Word;

typedef struct Expansion {
    wordexp_t *result;
    int flags;
    Word word;
} Expansion;

static bool add(Word *word, char c, bool quoted)
{
    if (word->length + 3 > word->room) {
        size_t room = 2 * word->room + 32;
        char *text = realloc(word->text, room);

        if (!text) {
            return false;
        }
        word->text = text;
        word->room = room;
    }
    if (strchr("*?[", c) && !quoted) {
        word->has_pattern = true;
    }
    if (strchr("*?[]\\-!^", c) && quoted) {
        word->text[word->length++] = '\\';
    }
    word->text[word->length++] = c;
    word->text[word->length] = '\0';
    word->exists = true;
    return true;
}

static bool add_text(Word *word, const char *text, bool quoted)
{
    for (; *text; text++) {
        if (!add(word, *text, quoted)) {
            return false;
        }
    }
    return true;
}

/* Takes a word, which was allocated, into the result. */
static int keep(wordexp_t *result, char *word)
{
    size_t offset = result->we_offs;
    char **words = word ? realloc(result->we_wordv, (offset + result->we_wordc + 2) * sizeof(*words)) : NULL;

    if (!words) {
        free(word);
        return WRDE_NOSPACE;
    }
    result->we_wordv = words;
    words[offset + result->we_wordc++] = word;
    words[offset + result->we_wordc] = NULL;
    return 0;
}

/* Ends the word: it becomes the names of files that it matches, or itself. */
static int end_word(Expansion *e)
{
    Word *word = &e->word;
    glob_t found;
    int ret = 0;

    if (!word->exists) {
        return 0;
    }
    if (word->has_pattern) {
        ret = glob(word->text, 0, NULL, &found);
        if (ret == 0) {
            for (size_t i = 0; i < found.gl_pathc && ret == 0; i++) {
                ret = keep(e->result, strdup(found.gl_pathv[i]));
            }
            globfree(&found);
        } else {
            ret = ret == GLOB_NOSPACE ? WRDE_NOSPACE : -1;
        }
    }
    if (!word->has_pattern || ret == -1) {
        char *plain = malloc(word->length + 1), *to = plain;

        for (size_t i = 0; plain && i < word->length; i++) {
            i += word->text[i] == '\\';
            *to++ = word->text[i];
        }
        if (plain) {
            *to = '\0';
        }
        ret = keep(e->result, plain);
    }
    word->length = 0;
    word->exists = word->has_pattern = false;
    return ret;
}

/* Adds the value of a variable. Outside of quotes, its blanks separate words. */
static int add_value(Expansion *e, const char *value, bool quoted)
{
    int ret = 0;

    for (; *value && ret == 0; value++) {
        if (!quoted && strchr(" \t\n", *value)) {
            ret = end_word(e);
        } else if (!add(&e->word, *value, quoted)) {
            ret = WRDE_NOSPACE;
        }
    }
    return ret;
}

static int expand(Expansion *e, const char **at, bool quoted, char end);

/* Skips what stands in braces up to the one that closes them. Returns false if there is none. */
static bool skip_braces(const char **at)
{
    for (int depth = 1; depth > 0; ++*at) {
        switch (**at) {
        case '\0': return false;
        case '\\': *at += (*at)[1] != '\0'; break;
        case '{': depth++; break;
        case '}': depth--; break;
        default: break;
        }
    }
    return true;
}

/* Expands a variable; *at is behind the '$'. */
static int expand_variable(Expansion *e, const char **at, bool quoted)
{
    bool braces = **at == '{', counted = braces && (*at)[1] == '#' && (*at)[2] != '}';
    const char *begin = *at + braces + counted, *end = begin, *value;
    char *name;
    int ret = 0;

    while (*end == '_' || isalpha((unsigned char)*end) || (end > begin && isdigit((unsigned char)*end))) {
        end++;
    }
    if (end == begin) {
        return braces ? WRDE_SYNTAX : add(&e->word, '$', true) ? 0 : WRDE_NOSPACE;
    }
    if (!(name = strndup(begin, (size_t)(end - begin)))) {
        return WRDE_NOSPACE;
    }
    value = getenv(name);
    free(name);
    *at = end;
    if (braces) {
        bool colon = *end == ':';
        char kind = end[colon];
        bool is_set = value && !(colon && *value == '\0');

        const char *rest = end + colon + (kind != '\0');

        *at = rest;
        if (kind == '}' && !colon) {
            kind = '\0';
        } else if (counted || !kind || !strchr("-+", kind) || !skip_braces(at)) {
            return WRDE_SYNTAX;
        }
        if (kind && is_set == (kind == '+')) {
            return expand(e, &rest, quoted, '}');
        }
        if (kind == '+') {
            return 0;
        }
    }
    if (!value && e->flags & WRDE_UNDEF) {
        return WRDE_BADVAL;
    }
    if (counted) {
        char digits[24];
        snprintf(digits, sizeof(digits), "%zu", value ? strlen(value) : 0);
        return add_text(&e->word, digits, true) ? 0 : WRDE_NOSPACE;
    }
    if (value) {
        ret = add_value(e, value, quoted);
    }
    return ret;
}

/* Expands what is in single quotes; *at is behind the first one. */
static int expand_single(Expansion *e, const char **at)
{
    const char *close = strchr(*at, '\'');

    if (!close) {
        return WRDE_SYNTAX;
    }
    e->word.exists = true;
    for (; *at < close; ++*at) {
        if (!add(&e->word, **at, true)) {
            return WRDE_NOSPACE;
        }
    }
    ++*at;
    return 0;
}

/* Expands what '\\' is before; *at is behind it. A line that is continued by it goes on. */
static int expand_escaped(Expansion *e, const char **at)
{
    char c = **at;

    if (c == '\0') {
        return WRDE_SYNTAX;
    }
    ++*at;
    return c == '\n' || add(&e->word, c, true) ? 0 : WRDE_NOSPACE;
}

/* Expands what begins with c; *at is behind it. Blanks end a word, and operators of the shell are refused, if they are neither quoted nor in
 * braces. */
static int expand_char(Expansion *e, char c, const char **at, bool quoted, bool braces)
{
    if (c == '`' || (c == '$' && **at == '(')) {
        return c == '$' && (*at)[1] == '(' ? WRDE_SYNTAX : WRDE_CMDSUB;
    }
    if (c == '$') {
        return expand_variable(e, at, quoted);
    }
    if (c == '\\' && (!quoted || strchr("$`\"\\\n", **at))) {
        return expand_escaped(e, at);
    }
    if (!quoted && c == '\'') {
        return expand_single(e, at);
    }
    if (!quoted && c == '"') {
        e->word.exists = true;
        return expand(e, at, true, '"');
    }
    if (!quoted && !braces && (c == ' ' || c == '\t')) {
        return end_word(e);
    }
    if (!quoted && !braces && strchr("\n|&;<>(){}", c)) {
        return WRDE_BADCHAR;
    }
    if (c == '~' && !quoted && !e->word.exists && strchr("/ \t", **at)) {
        const char *home = getenv("HOME");
        return add_text(&e->word, home ? home : "~", true) ? 0 : WRDE_NOSPACE;
    }
    return add(&e->word, c, quoted) ? 0 : WRDE_NOSPACE;
}

/* Expands up to `end`, which is skipped, or up to the end of the text. */
static int expand(Expansion *e, const char **at, bool quoted, char end)
{
    int ret = 0;

    while (ret == 0 && **at != end) {
        char c = **at;

        if (c == '\0') {
            return WRDE_SYNTAX;
        }
        ++*at;
        ret = expand_char(e, c, at, quoted, end == '}');
    }
    *at += ret == 0 && end != '\0';
    return ret;
}

LIBC_WEAK
void wordfree(wordexp_t *result)
{
    size_t offset = result->we_offs;

    if (result->we_wordv) {
        for (size_t i = 0; i < result->we_wordc; i++) {
            free(result->we_wordv[offset + i]);
        }
        free(result->we_wordv);
    }
    result->we_wordv = NULL;
    result->we_wordc = 0;
}

LIBC_WEAK
int wordexp(const char *restrict text, wordexp_t *restrict result, int flags)
{
    Expansion e = { .result = result, .flags = flags };
    const char *at = text;
    size_t before = 0, offset = 0;
    int ret;

    if (flags & WRDE_REUSE) {
        wordfree(result);
    }
    if (flags & WRDE_APPEND) {
        before = result->we_wordc;
    } else {
        result->we_wordc = 0;
        result->we_wordv = NULL;
        if (!(flags & WRDE_DOOFFS)) {
            result->we_offs = 0;
        }
    }
    offset = result->we_offs;
    if (!result->we_wordv && !(result->we_wordv = calloc(offset + 1, sizeof(char *)))) {
        return WRDE_NOSPACE;
    }
    ret = expand(&e, &at, false, '\0');
    if (ret == 0) {
        ret = end_word(&e);
    }
    free(e.word.text);
    /* Words that were expanded before there was no memory stay, as POSIX says; otherwise nothing has been changed. */
    if (ret != 0 && ret != WRDE_NOSPACE) {
        while (result->we_wordc > before) {
            free(result->we_wordv[offset + --result->we_wordc]);
        }
        result->we_wordv[offset + before] = NULL;
        if (!(flags & WRDE_APPEND)) {
            wordfree(result);
        }
    }
    return ret;
}
