/* A stand-in for libnvidia-ml.so.1: the machine that a text file describes.
 *
 * The file is named by the environment variable NVML_STANDIN and read by nvmlInit.
 * One key=value a line; the first line with a key counts; # begins a comment line.
 *
 *   driver=550.54.14               version of the driver
 *   cuda=12040                     newest CUDA of the driver
 *   prints=words                   nvmlInit prints them to stdout
 *   gpus=8                         number of GPUs
 *   gpu.3.name=NVIDIA A2           what GPU 3 is; the same keys without the name "gpu.3."
 *   gpu.3.cc=8.6                     being "gpu." stand for every GPU that has none
 *   gpu.3.memory=16106127360
 *   gpu.3.memory_used=0            a series
 *   gpu.3.uuid=GPU-...
 *   gpu.3.pci=00000000:1B:00.0
 *   gpu.3.mig=on                   on or off; without it MIG is not supported
 *   gpu.3.mig.pending=on           what mig will be after a reset; else as mig
 *   gpu.3.mig.0.uuid=MIG-...       a slice is there if it has a uuid; 0 to 6
 *   gpu.3.mig.0.name=...
 *   gpu.3.mig.0.memory=...
 *   call.nvmlInitWithFlags=18      what a function does: a return code, hang or crash
 *   call.nvmlDeviceGetName.3=hang  what it does for GPU 3
 *   call.*.3=0*40,15               what any function does for GPU 3
 *
 * What may change while it is looked at, and what functions do, may be a series, separated
 * by commas, a step with each call: 345*3,1980 says 345 three times and 1980 ever after.
 * The keys of watch.c and health.c stand there.
 *
 * -DOLD_NVML=1 leaves out MIG and nvmlSystemGetCudaDriverVersion_v2; -DOLD_NVML=2 also
 * the older form of that, nvmlDeviceGetPciInfo_v3 and nvmlInitWithFlags.
 * The functions and structures are those of nvml.h, written anew. Every *.c of this folder
 * becomes part of the library; what they share stands in standin.h.
 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "standin.h"

struct memory {
    unsigned long long total, free, used;
};

struct pci {
    char bus_id_legacy[16];
    unsigned int domain, bus, device, device_id, subsystem_id;
    char bus_id[32];
};

static char machine[1 << 16];
int is_initialised;
static struct device gpus[MAX_GPUS];

/* The file */

static int read_machine(void)
{
    const char *path = getenv("NVML_STANDIN");
    FILE *file = path ? fopen(path, "r") : NULL;
    size_t length;
    if (!file)
        return 0;
    length = fread(machine, 1, sizeof machine - 1, file);
    machine[length] = '\0';
    fclose(file);
    return 1;
}

int find(const char *key, char *value, size_t size)
{
    size_t key_length = strlen(key);
    const char *line = machine;
    while (line && *line) {
        const char *end = strchr(line, '\n');

        if (!strncmp(line, key, key_length) && line[key_length] == '=') {
            const char *start = line + key_length + 1;
            size_t length = end ? (size_t)(end - start) : strlen(start);

            if (length >= size)
                length = size - 1;
            memcpy(value, start, length);
            value[length] = '\0';
            return 1;
        }
        line = end ? end + 1 : NULL;
    }
    return 0;
}

int find_of(const struct device *device, const char *what, char *value, size_t size)
{
    char key[TEXT_SIZE];
    if (device->slice >= 0) {
        snprintf(key, sizeof key, "gpu.%d.mig.%d.%s", device->gpu, device->slice, what);
        return find(key, value, size);
    }
    snprintf(key, sizeof key, "gpu.%d.%s", device->gpu, what);
    if (find(key, value, size))
        return 1;
    snprintf(key, sizeof key, "gpu.%s", what);
    return find(key, value, size);
}

/* Series */

static struct step {
    char key[64];
    int gpu, taken;
} steps[1024];

/* Return how often a key was asked for a GPU before. */
static int step_of(const char *key, int gpu)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int place, taken = 0;
    pthread_mutex_lock(&lock);
    for (place = 0; place < (int)(sizeof steps / sizeof *steps); place++) {
        struct step *step = &steps[place];

        if (!*step->key) {
            snprintf(step->key, sizeof step->key, "%s", key);
            step->gpu = gpu;
        }
        if (step->gpu == gpu && !strncmp(step->key, key, sizeof step->key - 1)) {
            taken = step->taken++;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    return taken;
}

/* Put one step of a series in its place. */
static void take_step(char *series, int number)
{
    char *part = series;
    for (;;) {
        char *end = strchr(part, ','), *times;

        if (end)
            *end = '\0';
        times = strrchr(part, '*');
        if (times)
            *times = '\0';
        number -= times ? atoi(times + 1) : 1;
        if (number < 0 || !end) {
            memmove(series, part, strlen(part) + 1);
            return;
        }
        part = end + 1;
    }
}

int next_of(const struct device *device, const char *what, char *value, size_t size)
{
    char series[1024];
    if (!find_of(device, what, series, sizeof series))
        return 0;
    take_step(series, step_of(what, device->gpu));
    snprintf(value, size, "%s", series);
    return 1;
}

int next_number(const struct device *device, const char *what, long long *number)
{
    char value[TEXT_SIZE];
    if (!next_of(device, what, value, sizeof value))
        return NOT_SUPPORTED;
    if (*value == '!')
        return atoi(value + 1);
    *number = strtoll(value, NULL, 0);
    return SUCCESS;
}

/* What calls do */

/* Do what the file says that one key of a function does. */
static int fate_of(const char *key, int gpu)
{
    volatile int *volatile nowhere = NULL;
    char value[TEXT_SIZE];
    if (!find(key, value, sizeof value))
        return -1;
    take_step(value, step_of(key, gpu));
    while (!strcmp(value, "hang"))
        pause();
    if (!strcmp(value, "crash"))
        *nowhere = 1;
    return atoi(value);
}

int fate(const char *function, int gpu)
{
    char key[TEXT_SIZE];
    int code = -1;
    if (gpu >= 0) {
        snprintf(key, sizeof key, "call.*.%d", gpu);
        code = fate_of(key, gpu);
        if (code > 0)
            return code;
        snprintf(key, sizeof key, "call.%s.%d", function, gpu);
        code = fate_of(key, gpu);
    }
    if (code < 0) {
        snprintf(key, sizeof key, "call.%s", function);
        code = fate_of(key, gpu);
    }
    return code < 0 ? SUCCESS : code;
}

static int copy(const char *text, char *out, unsigned int size)
{
    if (strlen(text) >= size)
        return INSUFFICIENT_SIZE;
    strcpy(out, text);
    return SUCCESS;
}

int give_text(const struct device *device, const char *what, char *out, unsigned int size)
{
    char value[TEXT_SIZE];
    if (!find_of(device, what, value, sizeof value))
        return NOT_SUPPORTED;
    return copy(value, out, size);
}

/* The library and the driver */

static int init(const char *function)
{
    char words[TEXT_SIZE];
    int code;
    if (!read_machine())
        return DRIVER_NOT_LOADED;
    if (find("prints", words, sizeof words)) {
        puts(words);
        fflush(stdout);
    }
    code = fate(function, -1);
    is_initialised = code == SUCCESS;
    return code;
}

EXPORT int nvmlInit_v2(void)
{
    return init(__func__);
}

#if OLD_NVML < 2
EXPORT int nvmlInitWithFlags(unsigned int flags)
{
    (void)flags;
    return init(__func__);
}
#endif

EXPORT int nvmlShutdown(void)
{
    BEGIN(-1);
    is_initialised = 0;
    return SUCCESS;
}

EXPORT const char *nvmlErrorString(int code)
{
    return code ? "Stand-in error" : "Success";
}

EXPORT int nvmlSystemGetDriverVersion(char *version, unsigned int size)
{
    char value[TEXT_SIZE];
    BEGIN(-1);
    return find("driver", value, sizeof value) ? copy(value, version, size) : NOT_SUPPORTED;
}

#if OLD_NVML < 2
static int give_cuda(int *version)
{
    char value[TEXT_SIZE];
    if (!find("cuda", value, sizeof value))
        return NOT_SUPPORTED;
    *version = atoi(value);
    return SUCCESS;
}

EXPORT int nvmlSystemGetCudaDriverVersion(int *version)
{
    BEGIN(-1);
    return give_cuda(version);
}
#endif

#if OLD_NVML < 1
EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    BEGIN(-1);
    return give_cuda(version);
}
#endif

static unsigned int number_of_gpus(void)
{
    char value[TEXT_SIZE];
    int number = find("gpus", value, sizeof value) ? atoi(value) : 0;
    return number < 0 ? 0 : number > MAX_GPUS ? MAX_GPUS : (unsigned int)number;
}

EXPORT int nvmlDeviceGetCount_v2(unsigned int *count)
{
    BEGIN(-1);
    *count = number_of_gpus();
    return SUCCESS;
}

/* One GPU */

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned int index, struct device **handle)
{
    BEGIN((int)index);
    if (index >= number_of_gpus())
        return INVALID_ARGUMENT;
    gpus[index] = (struct device){(int)index, -1};
    *handle = &gpus[index];
    return SUCCESS;
}

EXPORT int nvmlDeviceGetCudaComputeCapability(struct device *device, int *major, int *minor)
{
    char value[TEXT_SIZE];
    BEGIN(device->gpu);
    if (!find_of(device, "cc", value, sizeof value))
        return NOT_SUPPORTED;
    return sscanf(value, "%d.%d", major, minor) == 2 ? SUCCESS : INVALID_ARGUMENT;
}

EXPORT int nvmlDeviceGetName(struct device *device, char *name, unsigned int size)
{
    BEGIN(device->gpu);
    return give_text(device, "name", name, size);
}

EXPORT int nvmlDeviceGetUUID(struct device *device, char *uuid, unsigned int size)
{
    BEGIN(device->gpu);
    return give_text(device, "uuid", uuid, size);
}

EXPORT int nvmlDeviceGetMemoryInfo(struct device *device, struct memory *memory)
{
    char value[TEXT_SIZE];
    long long used = 0;
    BEGIN(device->gpu);
    if (!find_of(device, "memory", value, sizeof value))
        return NOT_SUPPORTED;
    next_number(device, "memory_used", &used);
    memory->total = strtoull(value, NULL, 10);
    memory->used = (unsigned long long)used;
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

/* The older structure begins with a bus id of 16 bytes, too short for a domain of 8 digits. */
EXPORT int nvmlDeviceGetPciInfo_v2(struct device *device, struct pci *pci)
{
    char value[TEXT_SIZE];
    BEGIN(device->gpu);
    if (!find_of(device, "pci", value, sizeof value))
        return NOT_SUPPORTED;
    return copy(strlen(value) < 16 ? value : value + 4, pci->bus_id_legacy, 16);
}

#if OLD_NVML < 2
EXPORT int nvmlDeviceGetPciInfo_v3(struct device *device, struct pci *pci)
{
    BEGIN(device->gpu);
    memset(pci, 0, sizeof *pci);
    return give_text(device, "pci", pci->bus_id, sizeof pci->bus_id);
}
#endif

/* The slices of one GPU */

#if OLD_NVML < 1
static struct device slices[MAX_GPUS][MAX_SLICES];

EXPORT int nvmlDeviceGetMigMode(struct device *device, unsigned int *now, unsigned int *pending)
{
    char value[TEXT_SIZE];
    BEGIN(device->gpu);
    if (!find_of(device, "mig", value, sizeof value))
        return NOT_SUPPORTED;
    *now = !strcmp(value, "on");
    find_of(device, "mig.pending", value, sizeof value);
    *pending = !strcmp(value, "on");
    return SUCCESS;
}

EXPORT int nvmlDeviceGetMaxMigDeviceCount(struct device *device, unsigned int *count)
{
    BEGIN(device->gpu);
    *count = MAX_SLICES;
    return SUCCESS;
}

EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(struct device *device, unsigned int index,
                                               struct device **handle)
{
    char value[TEXT_SIZE];
    BEGIN(device->gpu);
    if (index >= MAX_SLICES)
        return INVALID_ARGUMENT;
    slices[device->gpu][index] = (struct device){device->gpu, (int)index};
    *handle = &slices[device->gpu][index];
    return find_of(*handle, "uuid", value, sizeof value) ? SUCCESS : NOT_FOUND;
}
#endif
