/* What changes while a GPU works. Every key but max_*, app_* and *limit* may be a series:
 *
 *   gpu.3.sm_mhz=345*3,1980     clocks: also memory_mhz, max_sm_mhz, max_memory_mhz, app_sm_mhz
 *   gpu.3.power_mw=698000       also power_limit_mw, default_power_limit_mw
 *   gpu.3.temperature=64        also slowdown_c
 *   gpu.3.reasons=0x1*3,0x4     bits of the clock event reasons
 *   gpu.3.pcie_gen=1*3,5        also pcie_width, max_pcie_gen, gpu_max_pcie_gen, max_pcie_width
 *   gpu.3.replays=0
 *   gpu.3.energy_mj=1000,5000
 *   gpu.3.violation.1=0,500     nanoseconds by nvmlPerfPolicyType_t
 *   gpu.3.utilization=0,100
 *   gpu.3.processes=-,41:1024+42:-   pid:bytes of each; - for none, and for bytes not told
 *   process.41=python           name of a process
 *   gpu.3.virtualization=0
 *   gpu.3.power_source=0
 *   gpu.3.field.186=698000      nvmlDeviceGetFieldValues; 1.5 and nan are doubles
 *
 * A step "!3" gives a code in place of a number.
 */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "standin.h"

enum { SM = 1, MEMORY = 2, SLOWDOWN = 1, POWER_INSTANT = 186 };

enum { DOUBLE = 0, UNSIGNED_INT = 1, UNSIGNED_LONG_LONG = 3 };

struct field {
    unsigned int id, scope;
    long long timestamp, latency;
    unsigned int type, code;
    union {
        double real;
        unsigned int small;
        unsigned long long large;
    } value;
};

struct violation {
    unsigned long long reference, violation;
};

struct utilization {
    unsigned int gpu, memory;
};

struct process {
    unsigned int pid;
    unsigned long long memory;
    unsigned int gpu_instance, compute_instance;
};

static int give(const struct device *device, const char *what, unsigned int *out)
{
    long long number;
    int code = next_number(device, what, &number);
    if (code == SUCCESS)
        *out = (unsigned int)number;
    return code;
}

static int give_large(const struct device *device, const char *what, unsigned long long *out)
{
    long long number;
    int code = next_number(device, what, &number);
    if (code == SUCCESS)
        *out = (unsigned long long)number;
    return code;
}

/* A function that gives one number. */
#define NUMBER(function, what)                                \
    EXPORT int function(struct device *device, unsigned int *out) \
    {                                                         \
        BEGIN(device->gpu);                                   \
        return give(device, what, out);                       \
    }

NUMBER(nvmlDeviceGetPowerUsage, "power_mw")
NUMBER(nvmlDeviceGetEnforcedPowerLimit, "power_limit_mw")
NUMBER(nvmlDeviceGetPowerManagementDefaultLimit, "default_power_limit_mw")
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, "pcie_gen")
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, "pcie_width")
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, "max_pcie_gen")
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, "max_pcie_width")
NUMBER(nvmlDeviceGetPcieReplayCounter, "replays")

#if OLD_NVML < 1
NUMBER(nvmlDeviceGetGpuMaxPcieLinkGeneration, "gpu_max_pcie_gen")
NUMBER(nvmlDeviceGetPowerSource, "power_source")
#endif

#if OLD_NVML < 2
NUMBER(nvmlDeviceGetVirtualizationMode, "virtualization")
#endif

/* Clocks and heat */

EXPORT int nvmlDeviceGetClockInfo(struct device *device, unsigned int type, unsigned int *out)
{
    BEGIN(device->gpu);
    return give(device, type == MEMORY ? "memory_mhz" : "sm_mhz", out);
}

EXPORT int nvmlDeviceGetMaxClockInfo(struct device *device, unsigned int type, unsigned int *out)
{
    BEGIN(device->gpu);
    return give(device, type == MEMORY ? "max_memory_mhz" : "max_sm_mhz", out);
}

EXPORT int nvmlDeviceGetApplicationsClock(struct device *device, unsigned int type,
                                          unsigned int *out)
{
    BEGIN(device->gpu);
    return type == SM ? give(device, "app_sm_mhz", out) : NOT_SUPPORTED;
}

EXPORT int nvmlDeviceGetTemperature(struct device *device, unsigned int sensor, unsigned int *out)
{
    BEGIN(device->gpu);
    return sensor ? INVALID_ARGUMENT : give(device, "temperature", out);
}

EXPORT int nvmlDeviceGetTemperatureThreshold(struct device *device, unsigned int type,
                                             unsigned int *out)
{
    BEGIN(device->gpu);
    return type == SLOWDOWN ? give(device, "slowdown_c", out) : NOT_SUPPORTED;
}

EXPORT int nvmlDeviceGetCurrentClocksThrottleReasons(struct device *device,
                                                     unsigned long long *out)
{
    BEGIN(device->gpu);
    return give_large(device, "reasons", out);
}

#if OLD_NVML < 1
EXPORT int nvmlDeviceGetCurrentClocksEventReasons(struct device *device, unsigned long long *out)
{
    BEGIN(device->gpu);
    return give_large(device, "reasons", out);
}
#endif

EXPORT int nvmlDeviceGetUtilizationRates(struct device *device, struct utilization *out)
{
    BEGIN(device->gpu);
    out->memory = 0;
    return give(device, "utilization", &out->gpu);
}

/* Counters */

EXPORT int nvmlDeviceGetViolationStatus(struct device *device, unsigned int policy,
                                        struct violation *out)
{
    char what[32];
    BEGIN(device->gpu);
    out->reference = 0;
    snprintf(what, sizeof what, "violation.%u", policy);
    return give_large(device, what, &out->violation);
}

#if OLD_NVML < 2
EXPORT int nvmlDeviceGetTotalEnergyConsumption(struct device *device, unsigned long long *out)
{
    BEGIN(device->gpu);
    return give_large(device, "energy_mj", out);
}

static void give_field(const struct device *device, struct field *field)
{
    char what[32], value[TEXT_SIZE];
    snprintf(what, sizeof what, "field.%u", field->id);
    field->code = NOT_SUPPORTED;
    if (!next_of(device, what, value, sizeof value))
        return;
    field->code = *value == '!' ? (unsigned int)atoi(value + 1) : SUCCESS;
    if (strchr(value, '.') || strchr(value, 'n')) {
        field->type = DOUBLE;
        field->value.real = strtod(value, NULL);
    } else if (field->id == POWER_INSTANT) {
        field->type = UNSIGNED_INT;
        field->value.small = (unsigned int)strtoull(value, NULL, 0);
    } else {
        field->type = UNSIGNED_LONG_LONG;
        field->value.large = strtoull(value, NULL, 0);
    }
}

EXPORT int nvmlDeviceGetFieldValues(struct device *device, int count, struct field *fields)
{
    int place;
    BEGIN(device->gpu);
    for (place = 0; place < count; place++)
        give_field(device, &fields[place]);
    return SUCCESS;
}
#endif

/* Processes: a caller asks for their number first, and for them then, in one step. */

#if OLD_NVML < 1
static char listed[MAX_GPUS][TEXT_SIZE];

static int number_of(const char *text)
{
    int number = *text != '-';
    for (; *text; text++)
        number += *text == '+';
    return number;
}

static int give_processes(const struct device *device, unsigned int *count, struct process *out)
{
    char *text = listed[device->gpu];
    unsigned int place, number;
    if (!out && !next_of(device, "processes", text, TEXT_SIZE))
        return NOT_SUPPORTED;
    number = (unsigned int)number_of(text);
    if (number > *count) {
        *count = number;
        return INSUFFICIENT_SIZE;
    }
    for (place = 0; place < number; place++) {
        unsigned int pid = (unsigned int)strtoul(text, &text, 10);
        unsigned long long memory = text[1] == '-' ? ULLONG_MAX : strtoull(text + 1, NULL, 10);

        out[place] = (struct process){pid, memory, UINT_MAX, UINT_MAX};
        text = strchr(text, '+');
        text = text ? text + 1 : "";
    }
    *count = number;
    return SUCCESS;
}

EXPORT int nvmlDeviceGetComputeRunningProcesses_v2(struct device *device, unsigned int *count,
                                                   struct process *out)
{
    BEGIN(device->gpu);
    return give_processes(device, count, out);
}

EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(struct device *device, unsigned int *count,
                                                   struct process *out)
{
    BEGIN(device->gpu);
    return give_processes(device, count, out);
}
#endif

EXPORT int nvmlSystemGetProcessName(unsigned int pid, char *name, unsigned int size)
{
    char key[32], value[TEXT_SIZE];
    BEGIN(-1);
    snprintf(key, sizeof key, "process.%u", pid);
    if (!find(key, value, sizeof value))
        return NOT_FOUND;
    snprintf(name, size, "%s", value);
    return SUCCESS;
}
