/* SPDX-License-Identifier: MIT */
/* Clocks, conversions between seconds and dates, strftime and strptime, file times, and sleeping. */
#include "topic.h"
#include <sys/time.h>
#include <time.h>

static void date(long long seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm, local;
    char text[100];

    if (!gmtime_r(&t, &tm)) {
        printf("gmtime %lld = %s\n", seconds, errno_name(errno));
        return;
    }
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ %a %b %j %U %W %V %G %u %w %y %e %I %p", &tm);
    printf("gmtime %lld = %s, isdst %d\n", seconds, text, tm.tm_isdst);
    printf("timegm of it = %lld\n", (long long)timegm(&tm));
    localtime_r(&t, &local);
    strftime(text, sizeof(text), "%F %T", &local);
    printf("localtime %lld = %s\n", seconds, text);
    printf("mktime of it = %lld\n", (long long)mktime(&local));
    printf("ctime %lld = %.24s\n", seconds, ctime(&t));
}

static void normal(int year, int month, int day, int hour, int minute, int second)
{
    struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute,
                     .tm_sec = second, .tm_isdst = -1 };
    long long seconds = mktime(&tm);

    printf("mktime %d-%d-%d %d:%d:%d = %lld, %d-%d-%d %d:%d:%d, day %d of the week, %d of the year\n", year, month, day, hour, minute,
           second, seconds, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_wday, tm.tm_yday);
}

static void clocks(void)
{
    static const clockid_t ids[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };
    struct timespec before, after, resolution, nap = { 0, 2000000 }, none = { 0, 0 }, wrong = { 0, 1000000000 }, until;
    struct timeval now;
    bool fine = false;

    for (int i = 0; i < 2; i++) {
        printf("clock_getres = %s\n", R(clock_getres(ids[i], &resolution)));
        printf("resolution below 1 ms = %d\n", resolution.tv_sec == 0 && resolution.tv_nsec <= 1000000);
        clock_gettime(ids[i], &before);
        for (int n = 0; n < 2000; n++) {
            clock_gettime(ids[i], &after);
            fine |= after.tv_nsec % 1000000 != 0;
        }
        printf("steps below 1 ms = %d\n", fine);
        printf("nanosleep = %s\n", R(nanosleep(&nap, NULL)));
        clock_gettime(ids[i], &after);
        printf("slept long enough = %d\n",
               (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec >= 2000000);
    }
    SHOW(clock_gettime(77, &before));
    SHOW(clock_getres(77, &before));
    SHOW(nanosleep(&none, NULL));
    SHOW(nanosleep(&wrong, NULL));
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 2000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    SHOW(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL));
    clock_gettime(CLOCK_MONOTONIC, &after);
    printf("not before = %d\n", after.tv_sec > until.tv_sec || (after.tv_sec == until.tv_sec && after.tv_nsec >= until.tv_nsec));
    SHOW(usleep(1000));
    gettimeofday(&now, NULL);
    clock_gettime(CLOCK_REALTIME, &after);
    printf("gettimeofday and clock_gettime agree = %d\n", after.tv_sec - now.tv_sec <= 5 && after.tv_sec >= now.tv_sec);
    printf("time agrees = %d\n", time(NULL) - now.tv_sec <= 5);
    SHOW(clock() != (clock_t)-1);
}

static void parsed(const char *text, const char *format)
{
    struct tm tm = { 0 };
    const char *rest = strptime(text, format, &tm);

    printf("strptime %s %s = %s: %d-%d-%d %d:%d:%d\n", text, format, rest ? rest : "(null)", tm.tm_year, tm.tm_mon, tm.tm_mday,
           tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void file_times(void)
{
    static const struct timespec times[][2] = {
        { { 1, 2 }, { 3, 4 } }, { { 1234567890, 123456789 }, { 2000000000, 999999999 } }, { { 0, UTIME_OMIT }, { 77, 0 } },
        { { 88, 0 }, { 0, UTIME_OMIT } }, { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } }, { { -1000, 5 }, { -1, 999999999 } },
        { { 5000000000, 0 }, { 10000000000, 1 } }, { { 0, -1 }, { 0, 0 } }, { { 0, 1000000000 }, { 0, 0 } },
    };
    struct timeval usec[2] = { { 11, 22 }, { 33, 44 } };
    struct stat st;
    int fd = open("file", O_CREAT | O_RDWR, 0666);

    for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        utimes("file", usec);
        printf("futimens %u = %s", i, R(futimens(fd, times[i])));
        fstat(fd, &st);
        printf(": %lld.%09ld %lld.%09ld\n", (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long long)st.st_mtim.tv_sec,
               st.st_mtim.tv_nsec);
    }
    printf("utimes = %s", R(utimes("file", usec)));
    stat("file", &st);
    printf(": %lld.%09ld %lld.%09ld\n", (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long long)st.st_mtim.tv_sec,
           st.st_mtim.tv_nsec);
    printf("futimens to now = %s\n", R(futimens(fd, NULL)));
    fstat(fd, &st);
    printf("that is now = %d\n", llabs((long long)st.st_mtime - (long long)time(NULL)) <= 5);
    close(fd);
}

static void topic(void)
{
    static const long long seconds[] = { 0, 1, -1, 951782399, 951782400, 1234567890, 1709164800, 2147483647, 2147483648, 4102444800,
                                         -2208988800, 253402300799 };

    for (unsigned i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        date(seconds[i]);
    }
    normal(2024, 2, 30, 0, 0, 0);
    normal(2023, 14, 0, 25, -1, 61);
    normal(1969, 12, 31, 23, 59, 59);
    normal(2100, 3, 1, 0, 0, -1);
    parsed("2024-02-29 12:34:56", "%Y-%m-%d %H:%M:%S");
    parsed("Thu Feb 29 2024 rest", "%a %b %d %Y");
    parsed("nonsense", "%Y");
    parsed("12:30 PM", "%I:%M %p");
    clocks();
    file_times();
    printf("difftime = %.1f\n", difftime(10, 4));
    printf("tzname = %s, timezone %ld, daylight %d\n", (tzset(), tzname[0]), timezone, daylight);
}
