/* What the files of the stand-in share: see standin.c. */

#ifndef STANDIN_H
#define STANDIN_H

#include <stddef.h>

#ifndef OLD_NVML
#define OLD_NVML 0
#endif

#define EXPORT __attribute__((visibility("default")))

enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4,
    NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9, UNKNOWN = 999,
    MAX_GPUS = 64, MAX_SLICES = 7, TEXT_SIZE = 256
};

/* A GPU, or a slice of one; a handle points at it. slice is -1 for a GPU. */
struct device {
    int gpu, slice;
};

extern int is_initialised;

/* Copy the value of a key; return whether the key is there. */
int find(const char *key, char *value, size_t size);

/* The same for what a device is: gpu.3.WHAT, else gpu.WHAT. */
int find_of(const struct device *device, const char *what, char *value, size_t size);

/* The same for a key that may hold a series: each call takes the next step of it. */
int next_of(const struct device *device, const char *what, char *value, size_t size);

/* Give the next number of such a key: SUCCESS, or NOT_SUPPORTED where the key is missing, or
 * the code that stands there as "!code". */
int next_number(const struct device *device, const char *what, long long *number);

/* Do what the file says that a function does, and return its code; gpu is -1 for none. */
int fate(const char *function, int gpu);

int give_text(const struct device *device, const char *what, char *out, unsigned int size);

/* Begin a function: its fate, and no answer before nvmlInit. */
#define BEGIN(gpu)                                                      \
    do {                                                                \
        int code = is_initialised ? fate(__func__, gpu) : UNINITIALIZED; \
        if (code != SUCCESS)                                            \
            return code;                                                \
    } while (0)

#endif
