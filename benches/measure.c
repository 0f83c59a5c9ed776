/* Runs commands by turns and tells what each of them took.
 *
 *   measure ROUNDS SECONDS STATUS NAME command [argument...] [-- STATUS NAME command...]...
 *
 * One round runs every command once, or again and again until SECONDS are over, and takes the mean; a first round warms up
 * and is thrown away. Standard input and output of the commands are /dev/null. A line for each command, fields separated by tabs:
 * name, median, least and greatest wall seconds, median CPU seconds, greatest resident size in KiB.
 *
 * It is small and static so that vfork copies nothing: a child's resident size counts from that of its parent. A command
 * that ends in another way than STATUS ends the measurement, since failures are quick. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_COMMANDS = 32, MOST_ROUNDS = 101 };

struct command {
    int status;
    char *name;
    char **arguments;
    double wall[MOST_ROUNDS], processor[MOST_ROUNDS];
    long resident;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static double seconds(struct timeval time) { return time.tv_sec + time.tv_usec / 1e6; }

/* Runs it once; returns its CPU seconds. */
static double run(struct command *command)
{
    pid_t child = vfork();
    if (child == 0) {
        execvp(command->arguments[0], command->arguments);
        _exit(127);
    }
    int status;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) != child || !WIFEXITED(status)
        || WEXITSTATUS(status) != command->status) {
        fprintf(stderr, "measure: %s failed\n", command->name);
        exit(1);
    }
    if (usage.ru_maxrss > command->resident) command->resident = usage.ru_maxrss;
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

static int by_size(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static void tell(struct command *command, int rounds, FILE *out)
{
    qsort(command->wall, rounds, sizeof(double), by_size);
    qsort(command->processor, rounds, sizeof(double), by_size);
    fprintf(out, "%s\t%.9f\t%.9f\t%.9f\t%.9f\t%ld\n", command->name, command->wall[rounds / 2], command->wall[0],
            command->wall[rounds - 1], command->processor[rounds / 2], command->resident);
}

int main(int count, char **words)
{
    static struct command commands[MOST_COMMANDS];
    int rounds = count > 6 ? atoi(words[1]) : 0, known = 0;
    double least = count > 6 ? atof(words[2]) : 0;
    if (rounds < 1 || rounds > MOST_ROUNDS) {
        fputs("usage: measure ROUNDS SECONDS STATUS NAME command [argument...] [-- ...]\n", stderr);
        return 2;
    }
    for (int at = 3; at + 2 < count && known < MOST_COMMANDS; known++) {
        commands[known].status = atoi(words[at]);
        commands[known].name = words[at + 1];
        commands[known].arguments = words + at + 2;
        while (at < count && strcmp(words[at], "--") != 0) at++;
        if (at < count) words[at++] = NULL;
    }
    FILE *out = fdopen(dup(STDOUT_FILENO), "w");
    int null = open("/dev/null", O_RDWR);
    fcntl(fileno(out), F_SETFD, FD_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    for (int round = -1; round < rounds; round++) {
        for (struct command *command = commands; command < commands + known; command++) {
            double start = now(), processor = 0;
            int times = 0;
            do {
                processor += run(command);
                times++;
            } while (now() - start < least);
            if (round < 0) continue;
            command->wall[round] = (now() - start) / times;
            command->processor[round] = processor / times;
        }
    }
    for (int at = 0; at < known; at++) tell(commands + at, rounds, out);
    return fclose(out) != 0;
}
