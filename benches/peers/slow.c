/* A payments API that takes its time: answers every GET with a record of what the path names, so many milliseconds after the
 * request was read, on keep-alive connections, in one thread.
 *
 *   slow PORT MILLISECONDS
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 4096, MOST_CLIENTS = 4096, EVENTS = 256, LONGEST_ID = 64 };

struct client {
    size_t length;
    unsigned generation;
    char bytes[ROOM];
};

/* Answers wait in the order in which they are due: all take the same time. */
struct answer {
    long long due;
    int socket;
    unsigned generation;
    char id[LONGEST_ID];
};

static struct client clients[MOST_CLIENTS];
static struct answer answers[MOST_CLIENTS];
static unsigned first, last;

static long long microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* Takes the requests that are there; 0: the connection is over. */
static int take(int socket, long long delay)
{
    struct client *client = &clients[socket];
    ssize_t read_now = read(socket, client->bytes + client->length, ROOM - 1 - client->length);
    if (read_now <= 0) return 0;
    client->length += (size_t)read_now;
    client->bytes[client->length] = '\0';
    for (char *end; (end = strstr(client->bytes, "\r\n\r\n"));) {
        struct answer *answer = &answers[last++ % MOST_CLIENTS];
        *answer = (struct answer){.due = microseconds() + delay, .socket = socket, .generation = client->generation};
        char *target = strchr(client->bytes, ' '), *stop = target ? strchr(target + 1, ' ') : NULL;
        if (!stop || stop > end) return 0;
        *stop = '\0';
        char *id = strrchr(target, '/');
        snprintf(answer->id, sizeof answer->id, "%s", id ? id + 1 : target + 1);
        client->length -= (size_t)(end + 4 - client->bytes);
        memmove(client->bytes, end + 4, client->length + 1);
    }
    return client->length < ROOM - 1;
}

static void give(struct answer *answer)
{
    char body[1024], text[1280];
    if (clients[answer->socket].generation != answer->generation) return;
    int length = snprintf(body, sizeof body,
        "{\"id\":\"%s\",\"externalId\":\"order-7\",\"amount\":\"10000\",\"currency\":\"CVE\",\"feeAmount\":\"200\","
        "\"netAmount\":\"9800\",\"operator\":\"CVMOVEL\",\"operatorPhone\":\"+2389001234\",\"operatorTxId\":\"CV1\","
        "\"status\":\"DEBITED\",\"failureCode\":null,\"failureMessage\":null,\"description\":null,"
        "\"statementDescriptor\":null,\"customerId\":null,\"metadata\":{},\"expiresAt\":\"2023-11-07T06:31:56Z\","
        "\"createdAt\":\"2023-11-07T05:31:56Z\",\"updatedAt\":\"2023-11-07T05:31:57Z\"}", answer->id);
    length = snprintf(text, sizeof text,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", length, body);
    if (write(answer->socket, text, (size_t)length) < 0) perror("slow");
}

int main(int count, char **words)
{
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), events = epoll_create1(0);
    long long delay = (count > 2 ? atoll(words[2]) : 50) * 1000;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    address.sin_port = htons((unsigned short)(count > 1 ? atoi(words[1]) : 0));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 511) < 0) {
        perror("slow");
        return 1;
    }
    struct epoll_event ready[EVENTS], wanted = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(events, EPOLL_CTL_ADD, listener, &wanted);
    for (;;) {
        long long now = microseconds();
        while (first != last && answers[first % MOST_CLIENTS].due <= now) give(&answers[first++ % MOST_CLIENTS]);
        struct timespec span = {0, 0}, *wait = NULL;
        if (first != last) {
            long long left = answers[first % MOST_CLIENTS].due - now;
            span = (struct timespec){left / 1000000, left % 1000000 * 1000};
            wait = &span;
        }
        int found = epoll_pwait2(events, ready, EVENTS, wait, NULL);
        for (int at = 0; at < found; at++) {
            int socket = ready[at].data.fd;
            if (socket == listener) {
                int client = accept(listener, NULL, NULL);
                if (client < 0 || client >= MOST_CLIENTS) { close(client); continue; }
                setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                clients[client].length = 0;
                clients[client].generation++;
                wanted.data.fd = client;
                epoll_ctl(events, EPOLL_CTL_ADD, client, &wanted);
            } else if (!take(socket, delay)) {
                clients[socket].generation++;
                close(socket);
            }
        }
    }
}
