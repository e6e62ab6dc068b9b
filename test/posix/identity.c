/* SPDX-License-Identifier: MIT */
/* Who a program is: users, groups, sessions, priorities, terminals, and what it may not change. */
#include "topic.h"
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>

static void users(void)
{
    struct passwd entry, *found = NULL;
    struct group group, *found_group = NULL;
    char text[1024];
    gid_t groups[64];
    int n = 64;

    SHOW(getpwnam("nobody-has-this-name") == NULL);
    SHOW(errno);
    SHOW(getpwuid(54321) == NULL);
    SHOW(getgrnam("nobody-has-this-name") == NULL);
    SHOW(getgrgid(54321) == NULL);
    SHOW_ERROR(getpwnam_r("nobody-has-this-name", &entry, text, sizeof(text), &found));
    SHOW(found == NULL);
    SHOW_ERROR(getpwuid_r(54321, &entry, text, sizeof(text), &found));
    SHOW(found == NULL);
    SHOW_ERROR(getgrnam_r("nobody-has-this-name", &group, text, sizeof(text), &found_group));
    SHOW(found_group == NULL);
    SHOW_ERROR(getgrgid_r(54321, &group, text, sizeof(text), &found_group));
    SHOW(found_group == NULL);
    SHOW(getgrouplist("nobody-has-this-name", 7, groups, &n) > 0);
    SHOW(n);
    SHOW(groups[0]);
    n = 0;
    SHOW(getgrouplist("nobody-has-this-name", 7, groups, &n) > 0);
    SHOW(n);
    setpwent();
    endpwent();
    setgrent();
    endgrent();
}

static void entries(void)
{
    FILE *f;
    struct passwd *user;
    struct group *group;

    put_file("passwd", "root:x:0:0:the root:/root:/bin/sh\nbroken line\nann:x:1000:1001:Ann:/home/ann:/bin/false\n");
    f = fopen("passwd", "r");
    while ((user = fgetpwent(f))) {
        printf("user %s = %d %d, %s, %s, %s, %s\n", user->pw_name, (int)user->pw_uid, (int)user->pw_gid, user->pw_passwd, user->pw_gecos, user->pw_dir, user->pw_shell);
    }
    fclose(f);
    put_file("group", "root:x:0:\nusers:x:100:ann,bob\nbad\n");
    f = fopen("group", "r");
    while ((group = fgetgrent(f))) {
        printf("group %s = %d", group->gr_name, (int)group->gr_gid);
        for (char **m = group->gr_mem; *m; m++) {
            printf(", %s", *m);
        }
        printf("\n");
    }
    fclose(f);
    f = fopen("out", "w");
    struct passwd made = { .pw_name = "joe", .pw_passwd = "x", .pw_uid = 5, .pw_gid = 6, .pw_gecos = "Joe", .pw_dir = "/", .pw_shell = "/bin/sh" };
    struct group made_group = { .gr_name = "g", .gr_passwd = "x", .gr_gid = 9, .gr_mem = (char *[]){ "a", "b", NULL } };
    SHOW(putpwent(&made, f));
    SHOW(putgrent(&made_group, f));
    fclose(f);
    printf("out = %s\n", file_text("out"));
}

static void processes(void)
{
    int status = 77;
    siginfo_t info;

    SHOW(getpgid(0) == getpgrp());
    SHOW(getpgid(-5));
    SHOW(getsid(0) == getsid(getpid()));
    SHOW(getsid(-5));
    SHOW(wait(&status));
    SHOW(waitpid(-1, &status, WNOHANG));
    SHOW(waitpid(-1, &status, 0x40000));
    SHOW(wait3(&status, WNOHANG, NULL));
    SHOW(wait4(-1, &status, WNOHANG, NULL));
    SHOW(waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
    SHOW(waitid(P_ALL, 0, &info, 0));
    SHOW(status);
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(getpriority(77, 0));
    SHOW(setpriority(PRIO_PROCESS, 0, 0));
    SHOW(setpriority(77, 0, 0));
    SHOW(nice(0));
    SHOW(kill(getpid(), 0));
    SHOW(kill(getpid(), 200));
    SHOW(killpg(getpgrp(), 0));
}

static void schedulers(void)
{
    struct sched_param parameters = { 0 };
    cpu_set_t set;

    SHOW(sched_getscheduler(0) == SCHED_OTHER);
    SHOW(sched_getscheduler(-1));
    SHOW(sched_getparam(0, &parameters));
    SHOW(parameters.sched_priority);
    SHOW(sched_getparam(-1, &parameters));
    SHOW(sched_setparam(0, &parameters));
    parameters.sched_priority = 5;
    SHOW(sched_setparam(0, &parameters));
    SHOW(sched_setscheduler(0, SCHED_OTHER, &parameters));
    parameters.sched_priority = 0;
    SHOW(sched_setscheduler(0, SCHED_OTHER, &parameters));
    SHOW(sched_setscheduler(0, 77, &parameters));
    SHOW(sched_get_priority_min(SCHED_OTHER));
    SHOW(sched_get_priority_max(SCHED_OTHER));
    SHOW(sched_get_priority_max(77));
    SHOW(sched_getaffinity(0, sizeof(set), &set) == 0);
    SHOW(CPU_COUNT(&set) == sysconf(_SC_NPROCESSORS_ONLN));
    SHOW(sched_setaffinity(0, sizeof(set), &set));
    CPU_ZERO(&set);
    SHOW(sched_setaffinity(0, sizeof(set), &set));
    SHOW(sched_yield());
}

static void terminals(void)
{
    struct termios modes;
    char name[64];

    put_file("file", "text");
    int fd = open("file", O_RDWR);
    SHOW(isatty(fd));
    SHOW(isatty(77));
    SHOW(errno);
    SHOW(tcgetattr(fd, &modes));
    SHOW(tcgetattr(77, &modes));
    SHOW(tcsetattr(fd, TCSANOW, &modes));
    SHOW(tcflush(fd, TCIFLUSH));
    SHOW(tcdrain(fd));
    SHOW(tcsendbreak(fd, 0));
    SHOW(tcflow(fd, TCOON));
    SHOW(tcgetpgrp(fd));
    SHOW(tcsetpgrp(fd, 5));
    SHOW(ttyname(fd) == NULL);
    SHOW(errno == ENOTTY);
    SHOW_ERROR(ttyname_r(fd, name, sizeof(name)));
    SHOW_ERROR(ttyname_r(77, name, sizeof(name)));
    SHOW(ctermid(NULL) != NULL);
    memset(&modes, 0, sizeof(modes));
    SHOW(cfsetispeed(&modes, B9600));
    SHOW(cfsetospeed(&modes, B115200));
    SHOW(cfgetospeed(&modes) == B115200);
    SHOW(cfsetospeed(&modes, 12345));
    cfmakeraw(&modes);
    SHOW(modes.c_cc[VMIN]);
    close(fd);
}

static void limits(void)
{
    struct rlimit limit;
    struct rusage usage;

    SHOW(getrlimit(RLIMIT_CORE, &limit));
    SHOW(getrlimit(77, &limit));
    SHOW(prlimit(0, RLIMIT_CORE, NULL, &limit));
    SHOW(prlimit(0, 77, NULL, &limit));
    SHOW(getrlimit(RLIMIT_STACK, &limit));
    SHOW(setrlimit(RLIMIT_STACK, &limit));
    limit.rlim_cur = 5;
    limit.rlim_max = 4;
    SHOW(setrlimit(RLIMIT_STACK, &limit));
    SHOW(setrlimit(77, &limit));
    SHOW(getrusage(RUSAGE_SELF, &usage));
    SHOW(getrusage(RUSAGE_CHILDREN, &usage));
    SHOW(getrusage(77, &usage));
}

static void alarms(void)
{
    struct itimerval value = { 0 };

    SHOW(getitimer(ITIMER_REAL, &value));
    SHOW(value.it_value.tv_sec);
    SHOW(getitimer(77, &value));
    SHOW(setitimer(ITIMER_REAL, &value, NULL));
    SHOW(alarm(0));
}

static void topic(void)
{
    users();
    entries();
    processes();
    schedulers();
    terminals();
    limits();
    alarms();
}
