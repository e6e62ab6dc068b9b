/* SPDX-License-Identifier: MIT */
/* Sorting and searching: qsort(), qsort_r(), bsearch(), lfind(), lsearch(), trees, hash tables, queues. */
#include "topic.h"
#include <search.h>

static int compare(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static int counted(const void *a, const void *b, void *calls)
{
    ++*(int *)calls;
    return compare(b, a);
}

static int unequal(const void *a, const void *b)
{
    return *(const int *)a != *(const int *)b;
}

static void sorting(void)
{
    int numbers[1000], calls = 0, key, *found;
    struct { char name[5]; short n; } pairs[] = { { "four", 4 }, { "two", 2 }, { "one", 1 } };
    size_t n = 3;
    unsigned seed = 12345;
    bool sorted = true;

    for (int i = 0; i < 1000; i++) {
        seed = seed * 1103515245 + 12345;
        numbers[i] = (int)(seed >> 8) % 500;
    }
    qsort(numbers, 1000, sizeof(int), compare);
    for (int i = 1; i < 1000; i++) {
        sorted &= numbers[i - 1] <= numbers[i];
    }
    SHOW(sorted);
    qsort_r(numbers, 1000, sizeof(int), counted, &calls);
    for (int i = 1; i < 1000; i++) {
        sorted &= numbers[i - 1] >= numbers[i];
    }
    SHOW(sorted);
    SHOW(calls > 1000);
    qsort(numbers, 0, sizeof(int), compare);
    qsort(numbers, 1, sizeof(int), compare);
    qsort(pairs, 3, sizeof(pairs[0]), (int (*)(const void *, const void *))strcmp);
    printf("pairs = %s %d %s %d %s %d\n", pairs[0].name, pairs[0].n, pairs[1].name, pairs[1].n, pairs[2].name, pairs[2].n);

    qsort(numbers, 1000, sizeof(int), compare);
    key = numbers[500];
    found = bsearch(&key, numbers, 1000, sizeof(int), compare);
    printf("bsearch = %d\n", found && *found == key);
    key = 100000;
    printf("bsearch of nothing = %d\n", bsearch(&key, numbers, 1000, sizeof(int), compare) == NULL);
    printf("bsearch in nothing = %d\n", bsearch(&key, numbers, 0, sizeof(int), compare) == NULL);
    numbers[0] = 7, numbers[1] = 8, numbers[2] = 9;
    key = 8;
    found = lfind(&key, numbers, &n, sizeof(int), unequal);
    printf("lfind = %d\n", (int)(found - numbers));
    key = 10;
    printf("lfind of nothing = %d\n", lfind(&key, numbers, &n, sizeof(int), unequal) == NULL);
    found = lsearch(&key, numbers, &n, sizeof(int), unequal);
    printf("lsearch = %d %zu %d\n", (int)(found - numbers), n, *found);
    found = lsearch(&key, numbers, &n, sizeof(int), unequal);
    printf("lsearch again = %d %zu\n", (int)(found - numbers), n);
}

static int visited, leaves, freed;
static char line[256];

static void visit(const void *node, VISIT which, int depth)
{
    (void)depth;
    visited++;
    leaves += which == leaf;
    if (which == postorder || which == leaf) {
        snprintf(line + strlen(line), sizeof(line) - strlen(line), " %d", **(int *const *)node);
    }
}

static void frees(void *node)
{
    freed += *(int *)node != 0;
}

static void trees(void)
{
    static int numbers[] = { 50, 20, 80, 10, 30, 70, 90, 20, 60 };
    void *root = NULL;
    int key = 30, missing = 31;
    void **found;

    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        found = tsearch(&numbers[i], &root, compare);
        printf("tsearch %d = %s\n", numbers[i], *found == &numbers[i] ? "new" : "was there");
    }
    found = tfind(&key, &root, compare);
    printf("tfind = %d\n", found ? **(int **)found : -1);
    printf("tfind of nothing = %d\n", tfind(&missing, &root, compare) == NULL);
    twalk(root, visit);
    printf("twalk =%s\n", line);
    printf("each inner node three times = %d\n", (visited - leaves) % 3);
    SHOW(tdelete(&key, &root, compare) != NULL);
    SHOW(tdelete(&key, &root, compare) == NULL);
    SHOW(tdelete(&missing, &root, compare) == NULL);
    line[0] = '\0';
    twalk(root, visit);
    printf("after tdelete =%s\n", line);
    tdestroy(root, frees);
    SHOW(freed);
    root = NULL;
    SHOW(tfind(&key, &root, compare) == NULL);
    SHOW(tsearch(&key, NULL, compare) == NULL);
}

static void tables(void)
{
    static char names[40][8];
    struct hsearch_data table = { 0 };
    ENTRY *found, entry;
    int n = 0;

    SHOW(hcreate(50) != 0);
    for (int i = 0; i < 40; i++) {
        snprintf(names[i], sizeof(names[i]), "key%d", i);
        n += hsearch((ENTRY){ names[i], names[i] }, ENTER) != NULL;
    }
    SHOW(n);
    found = hsearch((ENTRY){ "key17", NULL }, FIND);
    printf("hsearch = %s\n", found ? (char *)found->data : "none");
    found = hsearch((ENTRY){ "key17", "other" }, ENTER);
    printf("entered again = %s\n", (char *)found->data);
    printf("hsearch of nothing = %d\n", hsearch((ENTRY){ "none", NULL }, FIND) == NULL);
    hdestroy();
    SHOW(hcreate_r(10, &table) != 0);
    entry = (ENTRY){ "a", "b" };
    SHOW(hsearch_r(entry, ENTER, &found, &table) != 0);
    SHOW(hsearch_r(entry, FIND, &found, &table) != 0);
    printf("found = %s\n", (char *)found->data);
    errno = 0;
    SHOW(hsearch_r((ENTRY){ "z", NULL }, FIND, &found, &table));
    SHOW(errno == ESRCH);
    hdestroy_r(&table);
}

struct item {
    struct item *next, *previous;
    int value;
};

static void queues(void)
{
    struct item a = { .value = 1 }, b = { .value = 2 }, c = { .value = 3 };

    insque(&a, NULL);
    insque(&c, &a);
    insque(&b, &a);
    printf("queue = %d %d %d %d\n", a.value, a.next->value, a.next->next->value, c.next == NULL);
    remque(&b);
    printf("without the middle = %d %d\n", a.next->value, c.previous->value);
}

static void topic(void)
{
    sorting();
    trees();
    tables();
    queues();
}
