/* SPDX-License-Identifier: MIT */
/*
 * Names of services and protocols: what /etc/services and /etc/protocols say where the program has them, otherwise the well-known
 * ones as IANA assigned them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weak.h"

enum { ALIASES = 16, LINE = 512 };

static const char *const services[] = {
    "echo 7/tcp", "echo 7/udp", "discard 9/tcp sink null", "discard 9/udp sink null", "daytime 13/tcp", "daytime 13/udp",
    "ftp-data 20/tcp", "ftp 21/tcp", "ssh 22/tcp", "telnet 23/tcp", "smtp 25/tcp mail", "time 37/tcp timserver", "time 37/udp timserver",
    "domain 53/tcp", "domain 53/udp", "bootps 67/udp", "bootpc 68/udp", "tftp 69/udp", "http 80/tcp www", "kerberos 88/tcp",
    "kerberos 88/udp", "pop3 110/tcp pop-3", "sunrpc 111/tcp portmapper", "sunrpc 111/udp portmapper", "nntp 119/tcp", "ntp 123/udp",
    "imap2 143/tcp imap", "snmp 161/tcp", "snmp 161/udp", "snmp-trap 162/udp snmptrap", "irc 194/tcp", "ldap 389/tcp", "ldap 389/udp",
    "https 443/tcp", "https 443/udp", "submissions 465/tcp ssmtp smtps", "syslog 514/udp", "printer 515/tcp spooler",
    "submission 587/tcp", "ldaps 636/tcp", "ldaps 636/udp", "rsync 873/tcp", "imaps 993/tcp", "pop3s 995/tcp", "socks 1080/tcp",
    "mqtt 1883/tcp", "nfs 2049/tcp", "nfs 2049/udp", "mysql 3306/tcp", "postgresql 5432/tcp postgres", "xmpp-client 5222/tcp",
    "x11 6000/tcp", "redis 6379/tcp", "http-alt 8080/tcp webcache", "nbd 10809/tcp", NULL
};
static const char *const protocols[] = {
    "ip 0 IP", "icmp 1 ICMP", "igmp 2 IGMP", "tcp 6 TCP", "egp 8 EGP", "udp 17 UDP", "ipv6 41 IPv6", "ipv6-route 43 IPv6-Route",
    "ipv6-frag 44 IPv6-Frag", "gre 47 GRE", "esp 50 IPSEC-ESP", "ah 51 IPSEC-AH", "ipv6-icmp 58 IPv6-ICMP", "ipv6-nonxt 59 IPv6-NoNxt",
    "ipv6-opts 60 IPv6-Opts", "sctp 132 SCTP", "udplite 136 UDPLite", "raw 255 RAW", NULL
};

/* The lines of one of the two, from the file or from here. */
typedef struct {
    FILE *file;
    const char *const *next;
} Lines;

/* What one line says, in memory that the caller gave. */
typedef struct {
    char *aliases[ALIASES + 1];
    char *name, *proto;     /* no protocol: a line of /etc/protocols */
    int number;
    char line[LINE];
} Entry;

static void lines_open(Lines *lines, const char *path, const char *const *own)
{
    lines->file = fopen(path, "re");
    lines->next = own;
}

static void lines_close(Lines *lines)
{
    if (lines->file) {
        fclose(lines->file);
    }
    *lines = (Lines){ 0 };
}

static bool lines_next(Lines *lines, char *line)
{
    if (lines->file) {
        return fgets(line, LINE, lines->file);
    }
    if (!lines->next || !*lines->next) {
        return false;
    }
    snprintf(line, LINE, "%s", *lines->next++);
    return true;
}

/* The next line that has an entry. */
static bool next_entry(Lines *lines, Entry *entry)
{
    while (lines_next(lines, entry->line)) {
        char *rest, *number, *end, *alias;
        int n = 0;

        entry->line[strcspn(entry->line, "#\n")] = '\0';
        entry->name = strtok_r(entry->line, " \t", &rest);
        number = entry->name ? strtok_r(NULL, " \t", &rest) : NULL;
        if (!number) {
            continue;
        }
        entry->number = (int)strtol(number, &end, 10);
        if (end == number || (*end && *end != '/')) {
            continue;
        }
        entry->proto = *end ? end + 1 : NULL;
        while (n < ALIASES && (alias = strtok_r(NULL, " \t", &rest))) {
            entry->aliases[n++] = alias;
        }
        entry->aliases[n] = NULL;
        return true;
    }
    return false;
}

static bool is_called(const Entry *entry, const char *name)
{
    char *const *alias = entry->aliases;

    if (!strcmp(entry->name, name)) {
        return true;
    }
    while (*alias && strcmp(*alias, name)) {
        alias++;
    }
    return *alias;
}

static bool next_service(Lines *lines, Entry *entry, struct servent *out)
{
    do {
        if (!next_entry(lines, entry)) {
            return false;
        }
    } while (!entry->proto);
    *out = (struct servent){ entry->name, entry->aliases, htons((uint16_t)entry->number), entry->proto };
    return true;
}

/* The entry's place in the caller's memory; NULL if there is too little. */
static Entry *entry_in(char *buffer, size_t size)
{
    size_t gap = -(uintptr_t)buffer % _Alignof(Entry);

    return size >= gap && size - gap >= sizeof(Entry) ? (void *)(buffer + gap) : NULL;
}

static int find_service(const char *name, int port, const char *proto, struct servent *out, char *buffer, size_t size, struct servent **result)
{
    Entry *entry = entry_in(buffer, size);
    Lines lines;

    *result = NULL;
    if (!entry) {
        return ERANGE;
    }
    lines_open(&lines, "/etc/services", services);
    while (!*result && next_service(&lines, entry, out)) {
        if ((name ? is_called(entry, name) : out->s_port == port) && (!proto || !strcmp(proto, entry->proto))) {
            *result = out;
        }
    }
    lines_close(&lines);
    return *result ? 0 : ENOENT;
}

LIBC_WEAK
int getservbyname_r(const char *name, const char *proto, struct servent *out, char *buffer, size_t size, struct servent **result)
{
    return find_service(name, 0, proto, out, buffer, size, result);
}

LIBC_WEAK
int getservbyport_r(int port, const char *proto, struct servent *out, char *buffer, size_t size, struct servent **result)
{
    return find_service(NULL, port, proto, out, buffer, size, result);
}

/* What the functions below return is one of the program's, which the next call overwrites: one for services, and one for protocols. */
static Entry found, found_protocol;
static struct servent service;
static struct protoent protocol;
static Lines all_services, all_protocols;

LIBC_WEAK
struct servent *getservbyname(const char *name, const char *proto)
{
    struct servent *result;

    find_service(name, 0, proto, &service, (char *)&found, sizeof(found), &result);
    return result;
}

LIBC_WEAK
struct servent *getservbyport(int port, const char *proto)
{
    struct servent *result;

    find_service(NULL, port, proto, &service, (char *)&found, sizeof(found), &result);
    return result;
}

LIBC_WEAK
void endservent(void)
{
    lines_close(&all_services);
}

LIBC_WEAK
void setservent(int stay_open)
{
    (void)stay_open;
    lines_close(&all_services);
}

LIBC_WEAK
struct servent *getservent(void)
{
    if (!all_services.next) {
        lines_open(&all_services, "/etc/services", services);
    }
    return next_service(&all_services, &found, &service) ? &service : NULL;
}

LIBC_WEAK
void endprotoent(void)
{
    lines_close(&all_protocols);
}

LIBC_WEAK
void setprotoent(int stay_open)
{
    (void)stay_open;
    lines_close(&all_protocols);
}

LIBC_WEAK
struct protoent *getprotoent(void)
{
    if (!all_protocols.next) {
        lines_open(&all_protocols, "/etc/protocols", protocols);
    }
    if (!next_entry(&all_protocols, &found_protocol)) {
        return NULL;
    }
    protocol = (struct protoent){ found_protocol.name, found_protocol.aliases, found_protocol.number };
    return &protocol;
}

static struct protoent *find_protocol(const char *name, int number)
{
    struct protoent *next;

    setprotoent(0);
    while ((next = getprotoent()) && (name ? !is_called(&found_protocol, name) : next->p_proto != number)) {
    }
    endprotoent();
    return next;
}

LIBC_WEAK
struct protoent *getprotobyname(const char *name)
{
    return find_protocol(name, 0);
}

LIBC_WEAK
struct protoent *getprotobynumber(int number)
{
    return find_protocol(NULL, number);
}
