/* The least that a server can do: answers 200 to every request on keep-alive connections, in one thread, and looks at nothing
 * but where a request ends.
 *
 *   server PORT [FILE]
 *
 * With FILE it does the least that a durable server can do: it appends the requests that it finds in one wake-up to the file,
 * syncs once, and then answers them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 16384, MOST_CLIENTS = 4096, EVENTS = 256, JOURNAL = 1 << 20 };

struct client {
    size_t length;
    char bytes[ROOM];
};

static struct client *clients[MOST_CLIENTS];
static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n";

/* Length of the first request in the buffer; 0 when it is not complete. */
static size_t first_request(struct client *client)
{
    client->bytes[client->length] = '\0';
    char *end = strstr(client->bytes, "\r\n\r\n");
    if (!end) return 0;
    char *length = strcasestr(client->bytes, "\r\ncontent-length:");
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    size_t whole = (size_t)(end - client->bytes) + 4 + body;
    return whole <= client->length ? whole : 0;
}

/* The file for requests, or -1; what is to be appended to it, and who waits for that. */
static int journal = -1;
static char appended[JOURNAL];
static size_t appended_length;
static int waiting[MOST_CLIENTS], waiting_count;

/* Appends and syncs, then answers. */
static void commit(void)
{
    if (waiting_count == 0) return;
    if (write(journal, appended, appended_length) != (ssize_t)appended_length || fdatasync(journal) < 0) {
        perror("server: journal");
        exit(1);
    }
    for (int at = 0; at < waiting_count; at++) {
        /* Fails if the client is gone, which the next read finds out. */
        if (write(waiting[at], ANSWER, sizeof ANSWER - 1) < 0) continue;
    }
    appended_length = 0;
    waiting_count = 0;
}

/* Reads what is there and answers it, or leaves the answer to `commit`; 0: the connection is over. */
static int serve(int socket)
{
    struct client *client = clients[socket];
    ssize_t read_now = read(socket, client->bytes + client->length, ROOM - 1 - client->length);
    if (read_now <= 0) return 0;
    client->length += (size_t)read_now;
    for (size_t request; (request = first_request(client)) > 0;) {
        if (journal >= 0) {
            if (waiting_count == MOST_CLIENTS || appended_length + request > JOURNAL) commit();
            memcpy(appended + appended_length, client->bytes, request);
            appended_length += request;
            waiting[waiting_count++] = socket;
        } else if (write(socket, ANSWER, sizeof ANSWER - 1) < 0) {
            return 0;
        }
        client->length -= request;
        memmove(client->bytes, client->bytes + request, client->length);
    }
    return client->length < ROOM - 1;
}

int main(int count, char **words)
{
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), events = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    address.sin_port = htons((unsigned short)(count > 1 ? atoi(words[1]) : 0));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 511) < 0) {
        perror("server");
        return 1;
    }
    if (count > 2 && (journal = open(words[2], O_WRONLY | O_CREAT | O_APPEND, 0600)) < 0) {
        perror(words[2]);
        return 1;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[EVENTS];
    epoll_ctl(events, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int there = epoll_wait(events, ready, EVENTS, -1);
        for (int at = 0; at < there; at++) {
            int socket = ready[at].data.fd;
            if (socket == listener) {
                int client = accept(listener, NULL, NULL);
                if (client < 0) continue;
                if (client >= MOST_CLIENTS || !(clients[client] = calloc(1, sizeof(struct client)))) {
                    close(client);
                    continue;
                }
                setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                event.data.fd = client;
                epoll_ctl(events, EPOLL_CTL_ADD, client, &event);
            } else if (!serve(socket)) {
                commit();
                close(socket);
                free(clients[socket]);
                clients[socket] = NULL;
            }
        }
        commit();
    }
}
