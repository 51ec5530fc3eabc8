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
 *   gpu.3.uuid=GPU-...
 *   gpu.3.pci=00000000:1B:00.0
 *   gpu.3.mig=on                   on or off; without it MIG is not supported
 *   gpu.3.mig.pending=on           what mig will be after a reset; else as mig
 *   gpu.3.mig.0.uuid=MIG-...       a slice is there if it has a uuid; 0 to 6
 *   gpu.3.mig.0.name=...
 *   gpu.3.mig.0.memory=...
 *   call.nvmlInitWithFlags=18      what a function does: a return code, hang or crash
 *   call.nvmlDeviceGetName.3=hang  what it does for GPU 3
 *
 * -DOLD_NVML=1 leaves out MIG and nvmlSystemGetCudaDriverVersion_v2; -DOLD_NVML=2 also
 * the older form of that, nvmlDeviceGetPciInfo_v3 and nvmlInitWithFlags.
 * The functions and structures are those of nvml.h, written anew.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef OLD_NVML
#define OLD_NVML 0
#endif

#define EXPORT __attribute__((visibility("default")))

enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9,
    MAX_GPUS = 64, MAX_SLICES = 7, TEXT_SIZE = 256
};

/* A GPU, or a slice of one; a handle points at it. slice is -1 for a GPU. */
struct device {
    int gpu, slice;
};

struct memory {
    unsigned long long total, free, used;
};

struct pci {
    char bus_id_legacy[16];
    unsigned int domain, bus, device, device_id, subsystem_id;
    char bus_id[32];
};

static char machine[1 << 16];
static int is_initialised;
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

/* Copy the value of a key; return whether the key is there. */
static int find(const char *key, char *value, size_t size)
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

/* The same for what a device is. */
static int find_of(const struct device *device, const char *what, char *value, size_t size)
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

/* What calls do */

/* Do what the file says that a function does, and return its code. */
static int fate(const char *function, int gpu)
{
    volatile int *volatile nowhere = NULL;
    char key[TEXT_SIZE], value[TEXT_SIZE];
    snprintf(key, sizeof key, "call.%s.%d", function, gpu);
    if (gpu < 0 || !find(key, value, sizeof value)) {
        snprintf(key, sizeof key, "call.%s", function);
        if (!find(key, value, sizeof value))
            return SUCCESS;
    }
    while (!strcmp(value, "hang"))
        pause();
    if (!strcmp(value, "crash"))
        *nowhere = 1;
    return atoi(value);
}

/* Begin a function: its fate, and no answer before nvmlInit. */
#define BEGIN(gpu)                                                      \
    do {                                                                \
        int code = is_initialised ? fate(__func__, gpu) : UNINITIALIZED; \
        if (code != SUCCESS)                                            \
            return code;                                                \
    } while (0)

static int copy(const char *text, char *out, unsigned int size)
{
    if (strlen(text) >= size)
        return INSUFFICIENT_SIZE;
    strcpy(out, text);
    return SUCCESS;
}

static int give_text(const struct device *device, const char *what, char *out, unsigned int size)
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
    BEGIN(device->gpu);
    if (!find_of(device, "memory", value, sizeof value))
        return NOT_SUPPORTED;
    memory->total = memory->free = strtoull(value, NULL, 10);
    memory->used = 0;
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
