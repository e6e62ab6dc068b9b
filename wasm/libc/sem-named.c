/* SPDX-License-Identifier: MIT */
/* Semaphores with names. Nobody else sees those of a program, and they end with it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

typedef struct Named {
    sem_t sem;               /* first: sem_close() gets its address */
    struct Named *next;
    unsigned opened;
    char name[];             /* empty after sem_unlink() */
} Named;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Named *all;           /* protected by lock */

/* Returns the name without the slashes that it begins with, or NULL with errno set. */
static const char *plain(const char *name, int empty)
{
    name += strspn(name, "/");
    if (*name == '\0' || strchr(name, '/')) {
        errno = empty;
        return NULL;
    }
    if (strlen(name) > NAME_MAX - 4) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return name;
}

/* Returns where the list points to the semaphore of this name, or, without a name, to this one; to NULL at its end. */
static Named **find(const char *name, const sem_t *sem)
{
    Named **at = &all;

    while (*at && (name ? strcmp((*at)->name, name) != 0 : &(*at)->sem != sem)) {
        at = &(*at)->next;
    }
    return at;
}

/* Frees a semaphore that has no name and is not open any more. */
static void drop(Named **at)
{
    Named *sem = *at;

    if (sem->opened == 0 && sem->name[0] == '\0') {
        *at = sem->next;
        sem_destroy(&sem->sem);
        free(sem);
    }
}

static Named *add(const char *name, unsigned value)
{
    Named *sem = malloc(sizeof(*sem) + strlen(name) + 1);

    if (sem && sem_init(&sem->sem, 0, value) != 0) {
        free(sem);
        return NULL;
    }
    if (sem) {
        strcpy(sem->name, name);
        sem->opened = 0;
        sem->next = all;
        all = sem;
    }
    return sem;
}

sem_t *sem_open(const char *name, int flags, ...)
{
    unsigned value = 0;
    Named *sem;

    if (flags & O_CREAT) {
        va_list ap;

        va_start(ap, flags);
        (void)va_arg(ap, mode_t);
        value = va_arg(ap, unsigned);
        va_end(ap);
    }
    name = plain(name, EINVAL);
    if (!name) {
        return SEM_FAILED;
    }
    pthread_mutex_lock(&lock);
    sem = *find(name, NULL);
    if (sem && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
        sem = NULL;
        errno = EEXIST;
    } else if (!sem && !(flags & O_CREAT)) {
        errno = ENOENT;
    } else if (!sem) {
        sem = add(name, value);
    }
    if (sem) {
        sem->opened++;
    }
    pthread_mutex_unlock(&lock);
    return sem ? &sem->sem : SEM_FAILED;
}

int sem_close(sem_t *sem)
{
    Named **at;

    pthread_mutex_lock(&lock);
    at = find(NULL, sem);
    if (!*at || (*at)->opened == 0) {
        pthread_mutex_unlock(&lock);
        errno = EINVAL;
        return -1;
    }
    (*at)->opened--;
    drop(at);
    pthread_mutex_unlock(&lock);
    return 0;
}

int sem_unlink(const char *name)
{
    Named **at;

    name = plain(name, ENOENT);
    if (!name) {
        return -1;
    }
    pthread_mutex_lock(&lock);
    at = find(name, NULL);
    if (!*at) {
        pthread_mutex_unlock(&lock);
        errno = ENOENT;
        return -1;
    }
    (*at)->name[0] = '\0';
    drop(at);
    pthread_mutex_unlock(&lock);
    return 0;
}
