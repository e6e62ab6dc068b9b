// What the linker takes of libc, and functions of libc that have nothing to be compared with natively (others: test/posix).
import assert from 'node:assert/strict';

const OWN = `
#include <stdio.h>
typedef unsigned long thread;
int pthread_create(thread *, const void *, void *(*)(void *), void *);
int pthread_join(thread, void **);
int sem_wait(int *value) { return *value + 1; }
int sched_yield(void) { return 44; }
int pthread_spin_lock(int *value) { return *value + 2; }
void __lock(int *value) { *value = 0; }
static void *body(void *opaque) { return opaque; }
int main(void)
{
    int value = 41;
    thread t;

    pthread_create(&t, NULL, body, NULL);
    pthread_join(t, NULL);
    printf("%d %d %d\\n", sem_wait(&value), pthread_spin_lock(&value), sched_yield());
    return 0;
}
`;

const SERVICES = `
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
static void show(const char *what, struct servent *service)
{
    printf("%s: %s %d/%s", what, service ? service->s_name : "-", service ? ntohs(service->s_port) : 0, service ? service->s_proto : "-");
    for (char **alias = service ? service->s_aliases : NULL; alias && *alias; alias++) printf(" %s", *alias);
    puts("");
}
int main(void)
{
    struct protoent *protocol;
    struct servent room, *result;
    char small[8], large[2048];
    int services = 0, protocols = 0;

    show("http", getservbyname("http", "tcp"));
    show("an alias", getservbyname("www", NULL));
    show("udp", getservbyname("domain", "udp"));
    show("another protocol", getservbyname("ssh", "udp"));
    show("unknown", getservbyname("no-such-service", NULL));
    show("443", getservbyport(htons(443), "tcp"));
    show("own", getservbyname("own", NULL));
    printf("udp %d, ", (protocol = getprotobyname("UDP")) ? protocol->p_proto : -1);
    printf("6 %s\\n", (protocol = getprotobynumber(6)) ? protocol->p_name : "-");
    printf("small %d\\n", getservbyname_r("http", "tcp", &room, small, sizeof(small), &result));
    printf("large %d\\n", getservbyname_r("http", "tcp", &room, large + 1, sizeof(large) - 1, &result));
    show("in the caller's memory", result);
    while (getservent()) services++;
    setservent(0);
    while (getservent()) services--;
    while (getprotoent()) protocols++;
    printf("all %s %s\\n", services == 0 ? "twice" : "not twice", protocols > 0 ? "some" : "none");
    endservent();
    endprotoent();
    return 0;
}
`;

const USERS = `
#define _GNU_SOURCE
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    struct passwd *user = getpwuid(1000), room, *found;
    struct group *group;
    gid_t list[8];
    char small[16], large[512];
    int n = 8, all = 0;

    printf("1000: %s\\n", user ? user->pw_dir : "-");
    printf("ann: %d\\n", (user = getpwnam("ann")) ? (int)user->pw_uid : -1);
    printf("small %d\\n", getpwnam_r("ann", &room, small, sizeof(small), &found));
    printf("large %d %s\\n", getpwnam_r("ann", &room, large, sizeof(large), &found), found ? found->pw_gecos : "-");
    printf("users: %s\\n", (group = getgrnam("users")) && group->gr_mem[0] && group->gr_mem[1] ? group->gr_mem[1] : "-");
    printf("group 100: %s\\n", (group = getgrgid(100)) ? group->gr_name : "-");
    printf("groups %d, %d\\n", getgrouplist("bob", 7, list, &n), n);
    while (getpwent()) all++;
    setpwent();
    while (getpwent()) all++;
    endpwent();
    printf("all %d\\n", all);
    return 0;
}
`;

export const libc = {
  async 'a program may define functions that C leaves to it'(room) {
    const { out, err } = await room.program(OWN);
    assert.deepEqual([out, err], ['42 43 44\n', '']);
  },

  async "services and protocols have their names, those of the program's own /etc, too"(room) {
    const before = (web) => [`http: http ${web}`, ...(web.startsWith('8000') ? ['an alias: - 0/-', 'udp: - 0/-'] : ['an alias: http 80/tcp www', 'udp: domain 53/udp'])];
    const after = (web) => ['udp 17, 6 tcp', 'small 68', 'large 0', `in the caller's memory: http ${web}`, 'all twice some'];
    const { out } = await room.program(SERVICES);
    const unknown = ['another protocol: - 0/-', 'unknown: - 0/-'];
    assert.deepEqual(out.trim().split('\n'), [...before('80/tcp www'), ...unknown, '443: https 443/tcp', 'own: - 0/-', ...after('80/tcp www')]);
    room.write('etc/services', '# own\nhttp 8000/tcp web\n\nbroken\nown 7777/udp mine ours # a comment\n');
    const there = await room.run('--dir=etc::/etc', 'main.wasm');
    assert.deepEqual(there.out.trim().split('\n'),
      [...before('8000/tcp web'), ...unknown, '443: - 0/-', 'own: own 7777/udp mine ours', ...after('8000/tcp web')]);
  },

  async "users and groups are those of the program's own /etc"(room) {
    const { out } = await room.program(USERS);
    assert.deepEqual(out.trim().split('\n'), ['1000: -', 'ann: -1', 'small 0', 'large 0 -', 'users: -', 'group 100: -', 'groups 1, 1', 'all 0']);
    room.write('etc/passwd', '# own\nroot:x:0:0:root:/root:/bin/sh\nann:x:1000:1001:Ann:/home/ann:/bin/false\n');
    room.write('etc/group', 'root:x:0:\nusers:x:100:ann,bob\nothers:x:101:bob\n');
    const there = await room.run('--dir=etc::/etc', 'main.wasm');
    assert.deepEqual(there.out.trim().split('\n'),
      ['1000: /home/ann', 'ann: 1000', 'small 68', 'large 0 Ann', 'users: bob', 'group 100: users', 'groups 3, 3', 'all 4']);
  },
};
