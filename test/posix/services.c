/* SPDX-License-Identifier: MIT */
/* Services and protocols by their names and numbers. Linux has them in /etc/services and /etc/protocols. */
#include "topic.h"
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

static void topic(void)
{
    struct servent *service = getservbyname("http", "tcp");
    struct protoent *protocol = getprotobyname("tcp");
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found = NULL;
    char text[32] = "";

    /* A protocol does not overwrite a service, nor the other way round. */
    printf("http = %s %d %s\n", service->s_name, ntohs((uint16_t)service->s_port), service->s_proto);
    service = getservbyport(htons(443), "tcp");
    printf("443 = %s\n", service->s_name);
    SHOW(getservbyname("no-such-service", NULL) == NULL);
    SHOW(getservbyport(htons(64999), NULL) == NULL);
    printf("tcp = %s %d\n", protocol->p_name, protocol->p_proto);
    SHOW(getprotobynumber(17)->p_proto);
    SHOW(getprotobyname("no-such-protocol") == NULL);
    SHOW(getaddrinfo("127.0.0.1", "http", &hints, &found));
    printf("its port = %d\n", found ? ntohs(((struct sockaddr_in *)found->ai_addr)->sin_port) : -1);
    freeaddrinfo(found);
    SHOW(getnameinfo((void *)&four, sizeof(four), NULL, 0, text, sizeof(text), 0));
    printf("port 80 = %s\n", text);
}
