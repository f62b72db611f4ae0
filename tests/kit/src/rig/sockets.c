// Sockets between a guest and its host, for a rig without Python. In the guest: listens on port 1234, has its host's port 5000
// send back what it sends, then sends back what comes. On the host the same the other way round, through the socket at PATH.
// Usage: sockets, or sockets PATH.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

enum { LEN = 65536 };
static unsigned char sent[LEN], back[LEN + 1];

static int need(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

static int bound(const void *address, socklen_t len) {
    int family = ((const struct sockaddr *)address)->sa_family;
    int listener = need(socket(family, SOCK_STREAM, 0), "socket");
    need(bind(listener, address, len), "bind");
    need(listen(listener, 1), "listen");
    return listener;
}

static int connected(const void *address, socklen_t len) {
    int family = ((const struct sockaddr *)address)->sa_family;
    int stream = need(socket(family, SOCK_STREAM, 0), "socket");
    need(connect(stream, address, len), "connect");
    return stream;
}

static void write_all(int stream, const void *bytes, size_t len) {
    for (size_t at = 0; at < len;)
        at += need(write(stream, (const char *)bytes + at, len - at), "write");
}

// Sends back all that one connection brings.
static void echo(int listener) {
    int stream = need(accept(listener, NULL, NULL), "accept");
    for (int len; (len = need(read(stream, back, LEN), "read")) > 0;)
        write_all(stream, back, len);
    need(close(stream), "close");
}

// Sends everything and takes it back.
static void exchange(int stream, const char *who) {
    for (int n = 0; n < LEN; n++)
        sent[n] = n * 7 + n / 251;
    write_all(stream, sent, LEN);
    need(shutdown(stream, SHUT_WR), "shutdown");
    size_t at = 0;
    for (int len; at <= LEN && (len = need(read(stream, back + at, LEN + 1 - at), "read")) > 0;)
        at += len;
    printf("%s: %s\n", who, at == LEN && !memcmp(sent, back, LEN) ? "came back the same" : "came back other");
    fflush(stdout);
}

static void guest(void) {
    struct sockaddr_vm here = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = 1234};
    struct sockaddr_vm there = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST, .svm_port = 5000};
    int listener = bound(&here, sizeof here);
    exchange(connected(&there, sizeof there), "guest");
    echo(listener);
}

static void host(const char *path) {
    struct sockaddr_un here = {.sun_family = AF_UNIX}, there = {.sun_family = AF_UNIX};
    snprintf(here.sun_path, sizeof here.sun_path, "%s_5000", path);
    snprintf(there.sun_path, sizeof there.sun_path, "%s", path);
    echo(bound(&here, sizeof here));
    int stream = connected(&there, sizeof there);
    write_all(stream, "CONNECT 1234\n", 13);
    char answer[64];
    int len = 0;
    while (len < 63 && need(read(stream, answer + len, 1), "read") == 1 && answer[len++] != '\n')
        ;
    if (strncmp(answer, "OK ", 3)) {
        fprintf(stderr, "no connection: %.*s\n", len, answer);
        exit(1);
    }
    exchange(stream, "host");
}

int main(int count, char **words) {
    count > 1 ? host(words[1]) : guest();
}
