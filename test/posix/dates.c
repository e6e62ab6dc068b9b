/* SPDX-License-Identifier: MIT */
/* Dates as text and back: every conversion of strftime() and strptime(), mktime() with rules of TZ, asctime(); the clocks' functions. */
#include "topic.h"
#include <limits.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

static void formats(void)
{
    static const char letters[] = "aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%";
    static const char *const others[] = { "%Ey", "%EY", "%Ec", "%EC", "%Ex", "%EX", "%Od", "%OH", "%Om", "%OM", "%OS", "%OU", "%Ow", "%Oy", "%s",
                                          "%10Y", "%+5Y", "%_d", "%-d", "%05d", "text", "", "%%%%", "%e|%k|%l|%P" };
    static struct tm times[] = {
        { .tm_year = 124, .tm_mon = 1, .tm_mday = 29, .tm_hour = 13, .tm_min = 4, .tm_sec = 5, .tm_wday = 4, .tm_yday = 59, .tm_zone = "UTC" },
        { .tm_year = 100, .tm_mon = 0, .tm_mday = 1, .tm_hour = 0, .tm_min = 0, .tm_sec = 60, .tm_wday = 6, .tm_yday = 0, .tm_zone = "UTC" },
        { .tm_year = 105, .tm_mon = 0, .tm_mday = 2, .tm_hour = 12, .tm_min = 59, .tm_sec = 0, .tm_wday = 0, .tm_yday = 1, .tm_zone = "UTC" },
        { .tm_year = -900, .tm_mon = 11, .tm_mday = 31, .tm_hour = 23, .tm_min = 59, .tm_sec = 59, .tm_wday = 0, .tm_yday = 364, .tm_zone = "UTC" },
    };
    char text[100], format[8];

    for (unsigned t = 0; t < sizeof(times) / sizeof(times[0]); t++) {
        for (const char *letter = letters; *letter; letter++) {
            snprintf(format, sizeof(format), "[%%%c]", *letter);
            size_t n = strftime(text, sizeof(text), format, &times[t]);
            if (*letter == 'n' || *letter == 't') {
                printf("strftime %c of %u = %zu, %d\n", *letter, t, n, text[1]);
            } else {
                printf("strftime %c of %u = %zu, %s\n", *letter, t, n, text);
            }
        }
    }
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        text[0] = '\0';
        size_t n = strftime(text, sizeof(text), others[i], &times[0]);
        printf("strftime '%s' = %zu, %s\n", others[i], n, n ? text : "");
    }
    SHOW(strftime(text, 10, "%Y-%m-%d", &times[0]));
    SHOW(strftime(text, 11, "%Y-%m-%d", &times[0]));
    printf("asctime = %s", asctime(&times[0]));
    printf("asctime_r = %s", asctime_r(&times[2], text));
}

static void parsed(const char *text, const char *format)
{
    struct tm tm = { .tm_mday = 1, .tm_wday = -1, .tm_yday = -1 };
    const char *rest = strptime(text, format, &tm);

    if (!rest) {
        printf("strptime '%s' by %s = refused\n", text, format);
        return;
    }
    printf("strptime '%s' by %s = %d-%d-%d %d:%d:%d, left '%s'\n", text, format, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
           tm.tm_min, tm.tm_sec, rest);
}

static void weekday(const char *text, const char *format)
{
    struct tm tm = { 0 };

    printf("strptime '%s' by %s = %s", text, format, strptime(text, format, &tm) ? "ok" : "refused");
    printf(", day %d of the week\n", tm.tm_wday);
}

static void parsing(void)
{
    parsed("29", "%d");
    parsed(" 9", "%e");
    parsed("32", "%d");
    parsed("0", "%d");
    parsed("february", "%B");
    parsed("FEB", "%b");
    parsed("Febr", "%b");
    parsed("Foo", "%b");
    parsed("24", "%H");
    parsed("23", "%H");
    parsed("12", "%I");
    parsed("13", "%I");
    parsed("0", "%I");
    parsed("12 am", "%I %p");
    parsed("12 PM", "%I %p");
    parsed("1 PM", "%I %p");
    parsed("366", "%j");
    parsed("367", "%j");
    parsed("60", "%M");
    parsed("59", "%M");
    parsed("60", "%S");
    parsed("61", "%S");
    parsed("62", "%S");
    parsed("2/29/24", "%D");
    parsed("13:14", "%R");
    parsed("13:14:15", "%T");
    parsed("01:02:03 PM", "%r");
    parsed("68", "%y");
    parsed("69", "%y");
    parsed("19 99", "%C %y");
    parsed("12024", "%Y");
    parsed("2024", "%Y");
    parsed("%", "%%");
    parsed("a  b", "a b");
    parsed("ab", "a b");
    parsed("a\t\n2024", "a%n%Y");
    parsed("2024-02-29T10:20:30Z", "%Y-%m-%dT%H:%M:%SZ");
    parsed("20240229", "%Y%m%d");
    parsed("102030", "%H%M%S");
    parsed("Thu Feb 29 13:04:05 2024", "%c");
    parsed("Thu Feb 29 13:04:05 2024", "%a %b %e %T %Y");
    parsed("02/29/24", "%x");
    parsed("13:04:05", "%X");
    parsed("x", "");
    parsed("", "%Y");
    parsed("5", "%q");
    parsed("2024-02-29 rest", "%F");
    parsed("7", "%Ou");
    parsed("9:05 x", "%k:%M x");
    parsed(" 9 pm", "%l %p");
    parsed("Feb  9 10:20:30 2024", "%b %e %T %Y");
    weekday("Sunday", "%A");
    weekday("wed", "%a");
    weekday("6", "%w");
    weekday("7", "%w");
    weekday("Xday", "%a");
}

static void zone(const char *rule)
{
    static const long long moments[] = { 1705320000, 1719835200, 1711846799, 1711846800, 1729990799, 1729990800, 1710054000 };
    char text[64];

    setenv("TZ", rule, 1);
    tzset();
    printf("TZ=%s = %s %s, %ld, %d\n", rule, tzname[0], daylight ? tzname[1] : "", timezone, daylight);
    for (unsigned i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        time_t moment = (time_t)moments[i];
        struct tm tm;

        localtime_r(&moment, &tm);
        strftime(text, sizeof(text), "%F %T %z %Z", &tm);
        printf("TZ=%s at %lld = %s, isdst %d, gmtoff %ld", rule, moments[i], text, tm.tm_isdst, tm.tm_gmtoff);
        printf(", back %lld\n", (long long)mktime(&tm));
    }
}

static void zones(void)
{
    static const int hours[][3] = { { 3, 31, 2 }, { 10, 27, 2 }, { 7, 1, 12 }, { 1, 1, 12 } };

    zone("CET-1CEST,M3.5.0,M10.5.0/3");
    for (unsigned i = 0; i < sizeof(hours) / sizeof(hours[0]); i++) {
        for (int dst = 0; dst <= 1; dst++) {
            struct tm tm = { .tm_year = 124, .tm_mon = hours[i][0] - 1, .tm_mday = hours[i][1], .tm_hour = hours[i][2], .tm_min = 30, .tm_isdst = dst };
            long long moment = mktime(&tm);
            printf("mktime 2024-%d-%d %d:30, isdst %d = %lld, %d:%02d, isdst %d\n", hours[i][0], hours[i][1], hours[i][2], dst, moment, tm.tm_hour,
                   tm.tm_min, tm.tm_isdst);
        }
    }
    zone("EST5EDT,M3.2.0,M11.1.0");
    zone("UTC0");
    zone("<+0530>-5:30");
    zone("NZST-12NZDT,M9.5.0,M4.1.0/3");
    unsetenv("TZ");
    tzset();
}

static void limits(void)
{
    struct tm tm = { .tm_year = INT_MAX, .tm_mon = 11, .tm_mday = 31 };
    time_t t = 67767976233532799;

    printf("gmtime of the last second = %s", gmtime_r(&t, &tm) ? "ok" : errno_name(errno));
    printf(", %d\n", tm.tm_mon);
    t++;
    printf("gmtime after it = %s\n", gmtime_r(&t, &tm) ? "ok" : errno_name(errno));
    tm = (struct tm){ .tm_year = INT_MAX, .tm_mon = 12, .tm_mday = 1 };
    printf("mktime after it = %s\n", R(mktime(&tm)));
    tm = (struct tm){ .tm_year = INT_MAX, .tm_mon = 12, .tm_mday = 1 };
    printf("timegm after it = %s\n", R(timegm(&tm)));
    tm = (struct tm){ .tm_year = 70, .tm_mon = -1, .tm_mday = -500, .tm_hour = 1000000, .tm_min = -1000000, .tm_sec = 100000000 };
    SHOW(timegm(&tm));
    printf("as a date = %d-%d-%d %d:%d:%d\n", tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static bool positive(const struct timespec *t)
{
    return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < 1000000000 && (t->tv_sec > 0 || t->tv_nsec > 0);
}

/* The absolute time of the clock in so many ns, which may be negative. */
static struct timespec from_now(clockid_t clock, long ns)
{
    struct timespec t;

    clock_gettime(clock, &t);
    t.tv_nsec += ns;
    if (t.tv_nsec < 0) {
        t.tv_nsec += 1000000000;
        t.tv_sec--;
    } else if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

static bool has_come(clockid_t clock, struct timespec t)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec > t.tv_sec || (now.tv_sec == t.tv_sec && now.tv_nsec >= t.tv_nsec);
}

static void sleeping(void)
{
    static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };
    struct timespec t, wrong = { 0, 1000000000 }, negative = { -1, 0 }, none = { 0, 0 }, left = { 77, 77 };

    for (unsigned i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
        printf("clock %d\n", (int)clocks[i]);
        t = from_now(clocks[i], 2000000);
        SHOW_ERROR(clock_nanosleep(clocks[i], TIMER_ABSTIME, &t, NULL));
        SHOW(has_come(clocks[i], t));
        t = from_now(clocks[i], -2000000);
        SHOW_ERROR(clock_nanosleep(clocks[i], TIMER_ABSTIME, &t, NULL));
        t = from_now(clocks[i], 1000000);
        SHOW_ERROR(clock_nanosleep(clocks[i], 0, &(struct timespec){ 0, 1000000 }, &left));
        SHOW(has_come(clocks[i], t));
        SHOW_ERROR(clock_nanosleep(clocks[i], 0, &none, NULL));
        SHOW_ERROR(clock_nanosleep(clocks[i], 0, &wrong, NULL));
        SHOW_ERROR(clock_nanosleep(clocks[i], 0, &negative, NULL));
        SHOW_ERROR(clock_nanosleep(clocks[i], TIMER_ABSTIME, &wrong, NULL));
        SHOW_ERROR(clock_nanosleep(clocks[i], TIMER_ABSTIME, &negative, NULL));
        SHOW(clock_getres(clocks[i], &t));
        SHOW(t.tv_sec == 0 && t.tv_nsec > 0 && t.tv_nsec <= 1000000);
        SHOW(clock_getres(clocks[i], NULL));
        SHOW(clock_gettime(clocks[i], &t));
        SHOW(positive(&t));
    }
    SHOW(left.tv_sec);
    SHOW_ERROR(clock_nanosleep(77, 0, &none, NULL));
    SHOW_ERROR(clock_nanosleep(77, TIMER_ABSTIME, &none, NULL));
    SHOW_ERROR(clock_nanosleep(-1, 0, &none, NULL));
    SHOW_ERROR(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &none, NULL));
    SHOW(nanosleep(&negative, NULL));
    SHOW(sleep(0));
    SHOW(clock_gettime(CLOCK_REALTIME_COARSE, &t));
    SHOW(clock_gettime(CLOCK_MONOTONIC_COARSE, &t));
    SHOW(clock_gettime(CLOCK_MONOTONIC_RAW, &t));
    SHOW(positive(&t));
    SHOW(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t));
    SHOW(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t));
    SHOW(positive(&t));
    SHOW(clock_getres(77, NULL));
    SHOW(clock_settime(CLOCK_MONOTONIC, &t));
    SHOW(clock_settime(77, &t));

    SHOW(timespec_get(&t, TIME_UTC));
    SHOW(has_come(CLOCK_REALTIME, t));
    SHOW(timespec_get(&t, 77));
    SHOW(timespec_get(&t, 0));
    {
        struct tms tms;
        SHOW(times(&tms) != (clock_t)-1);
        struct rusage usage;
        SHOW(getrusage(RUSAGE_SELF, &usage));
        SHOW(usage.ru_utime.tv_sec >= 0 && usage.ru_utime.tv_usec >= 0 && usage.ru_utime.tv_usec < 1000000);
        SHOW(getrusage(RUSAGE_THREAD, &usage));
        SHOW(getrusage(RUSAGE_CHILDREN, &usage));
        SHOW(usage.ru_utime.tv_sec);
        SHOW(getrusage(77, &usage));
    }
}

static void topic(void)
{
    formats();
    parsing();
    zones();
    limits();
    sleeping();
}
