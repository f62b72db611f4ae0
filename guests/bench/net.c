/* TCP with the host: nanoseconds a MiB, a round trip, a connection, for cargo xtask bench. Usage: net ADDRESS PORT */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MIB = 1 << 20, LENGTH = 64, CHUNK = 256 << 10, TRIPS = 2000, CONNECTIONS = 200 };

static char buffer[CHUNK];
static struct sockaddr_in server;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

static void report(const char *name, double start, long count) {
    printf("@bench %s net %.1f\n", name, (now() - start) / count);
    fflush(stdout);
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* A connection on which the server does what the command says. */
static int ask(char command) {
    int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
    if (s < 0 || connect(s, (struct sockaddr *)&server, sizeof server)) fail("connect");
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (write(s, &command, 1) != 1) fail("write");
    return s;
}

static void receive(void) {
    double start = now();
    long left = (long)LENGTH * MIB;
    int s = ask('r');
    while (left > 0) {
        ssize_t got = read(s, buffer, CHUNK);
        if (got <= 0) fail("read");
        left -= got;
    }
    report("net-receive-1m", start, LENGTH);
    close(s);
}

static void transmit(void) {
    double start = now();
    long left = (long)LENGTH * MIB;
    int s = ask('s');
    while (left > 0) {
        ssize_t put = write(s, buffer, left < CHUNK ? left : CHUNK);
        if (put <= 0) fail("write");
        left -= put;
    }
    shutdown(s, SHUT_WR);
    /* The server says when it has everything. */
    if (read(s, buffer, 1) != 1) fail("read");
    report("net-send-1m", start, LENGTH);
    close(s);
}

static void round_trips(void) {
    int s = ask('e');
    double start = now();
    for (int i = 0; i < TRIPS; i++) {
        if (write(s, buffer, 64) != 64) fail("write");
        for (int got = 0; got < 64;) {
            ssize_t part = read(s, buffer, 64 - got);
            if (part <= 0) fail("read");
            got += part;
        }
    }
    report("net-request", start, TRIPS);
    close(s);
}

static void connections(void) {
    double start = now();
    for (int i = 0; i < CONNECTIONS; i++) {
        int s = ask('e');
        if (write(s, buffer, 1) != 1 || read(s, buffer, 1) != 1) fail("request");
        close(s);
    }
    report("net-connect-request", start, CONNECTIONS);
}

int main(int argc, char **argv) {
    if (argc != 3) return 1;
    server.sin_family = AF_INET;
    server.sin_port = htons(atoi(argv[2]));
    inet_pton(AF_INET, argv[1], &server.sin_addr);
    memset(buffer, 0x5a, CHUNK);
    receive();
    transmit();
    round_trips();
    connections();
    return 0;
}
