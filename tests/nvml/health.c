/* How a GPU is. Every key may be a series, and a step "!3" gives a code; a key that is missing
 * is not supported.
 *
 *   gpu.3.ecc=1                    mode of now; gpu.3.ecc_pending=1 of after the next reset
 *   gpu.3.ecc.U.C=0                errors: U 0 corrected, 1 uncorrected; C 0 volatile, 1 aggregate
 *   gpu.3.ecc.U.C.L=0              the same at a location: 2 device memory, 7 SRAM
 *   gpu.3.sram_worn=1              the flag of nvmlDeviceGetSramEccErrorStatus, counts being 0
 *   gpu.3.remap.corrected=0        also remap.uncorrected, remap.pending, remap.failed;
 *                                    without remap.pending none is supported
 *   gpu.3.banks.max=640            also banks.high, banks.partial, banks.low, banks.none
 *   gpu.3.retired.0=0              pages by cause; gpu.3.retired_pending=0
 *   gpu.3.margin=40                degrees; also gpu.3.threshold.3 (see watch.c for slowdown_c)
 *   gpu.3.fans=1                   number; gpu.3.fan=30 percent of each
 *   gpu.3.compute_mode=0           also persistence, performance_state, repair.channel, repair.tpc
 *   gpu.3.fabric=3                 state; also fabric.status, fabric.mask
 *   gpu.3.inforom=0                a code, by "!14"
 *   gpu.3.link.0=1                 up or down; gpu.3.link.0.1=0 a counter by its number
 *   gpu.3.vbios=96.00.99.00.01     gpu.3.gsp=550.54.14
 *   gpu.3.peer=0                   status of P2P with any other
 */

#include <stdio.h>
#include <string.h>

#include "standin.h"

#if OLD_NVML < 1

static int give(const struct device *device, const char *what, unsigned int *out)
{
    long long number;
    int code = next_number(device, what, &number);
    if (code == SUCCESS)
        *out = (unsigned int)number;
    return code;
}

#define NUMBER(function, what)                                \
    EXPORT int function(struct device *device, unsigned int *out) \
    {                                                         \
        BEGIN(device->gpu);                                   \
        return give(device, what, out);                       \
    }

NUMBER(nvmlDeviceGetComputeMode, "compute_mode")
NUMBER(nvmlDeviceGetPersistenceMode, "persistence")
NUMBER(nvmlDeviceGetPerformanceState, "performance_state")
NUMBER(nvmlDeviceGetRetiredPagesPendingStatus, "retired_pending")
NUMBER(nvmlDeviceGetNumFans, "fans")

/* Memory */

EXPORT int nvmlDeviceGetEccMode(struct device *device, unsigned int *now, unsigned int *pending)
{
    int code;
    BEGIN(device->gpu);
    code = give(device, "ecc", now);
    *pending = *now;
    if (code == SUCCESS)
        give(device, "ecc_pending", pending);
    return code;
}

EXPORT int nvmlDeviceGetTotalEccErrors(struct device *device, unsigned int error,
                                       unsigned int counter, unsigned long long *out)
{
    char what[32];
    long long number;
    int code;
    BEGIN(device->gpu);
    snprintf(what, sizeof what, "ecc.%u.%u", error, counter);
    code = next_number(device, what, &number);
    if (code == SUCCESS)
        *out = (unsigned long long)number;
    return code;
}

EXPORT int nvmlDeviceGetMemoryErrorCounter(struct device *device, unsigned int error,
                                           unsigned int counter, unsigned int location,
                                           unsigned long long *out)
{
    char what[32];
    long long number;
    int code;
    BEGIN(device->gpu);
    snprintf(what, sizeof what, "ecc.%u.%u.%u", error, counter, location);
    code = next_number(device, what, &number);
    if (code == SUCCESS)
        *out = (unsigned long long)number;
    return code;
}

struct sram {
    unsigned int version;
    unsigned long long counts[11];
    unsigned int is_worn;
};

EXPORT int nvmlDeviceGetSramEccErrorStatus(struct device *device, struct sram *out)
{
    BEGIN(device->gpu);
    if (out->version != (sizeof *out | 1u << 24))
        return 25;
    memset(out->counts, 0, sizeof out->counts);
    return give(device, "sram_worn", &out->is_worn);
}

EXPORT int nvmlDeviceGetRemappedRows(struct device *device, unsigned int *corrected,
                                     unsigned int *uncorrected, unsigned int *is_pending,
                                     unsigned int *has_failed)
{
    BEGIN(device->gpu);
    *corrected = *uncorrected = *has_failed = 0;
    give(device, "remap.corrected", corrected);
    give(device, "remap.uncorrected", uncorrected);
    give(device, "remap.failed", has_failed);
    return give(device, "remap.pending", is_pending);
}

EXPORT int nvmlDeviceGetRowRemapperHistogram(struct device *device, unsigned int *out)
{
    static const char *const names[] = {
        "banks.high", "banks.partial", "banks.low", "banks.none"
    };
    int place;
    BEGIN(device->gpu);
    for (place = 0; place < 4; place++) {
        out[place + 1] = 0;
        give(device, names[place], &out[place + 1]);
    }
    return give(device, "banks.max", &out[0]);
}

EXPORT int nvmlDeviceGetRetiredPages(struct device *device, unsigned int cause,
                                     unsigned int *count, unsigned long long *out)
{
    char what[32];
    unsigned int number = 0, place;
    int code;
    BEGIN(device->gpu);
    snprintf(what, sizeof what, "retired.%u", cause);
    code = give(device, what, &number);
    if (code != SUCCESS)
        return code;
    if (number > *count) {
        *count = number;
        return INSUFFICIENT_SIZE;
    }
    for (place = 0; place < number; place++)
        out[place] = 0x1000 * place;
    *count = number;
    return SUCCESS;
}

/* The board */

struct margin {
    unsigned int version;
    int degrees;
};

EXPORT int nvmlDeviceGetMarginTemperature(struct device *device, struct margin *out)
{
    long long number;
    int code;
    BEGIN(device->gpu);
    code = next_number(device, "margin", &number);
    if (code == SUCCESS)
        out->degrees = (int)number;
    return code;
}

EXPORT int nvmlDeviceGetFanSpeed_v2(struct device *device, unsigned int fan, unsigned int *out)
{
    BEGIN(device->gpu);
    (void)fan;
    return give(device, "fan", out);
}

struct repair {
    unsigned int version, channel, tpc;
};

EXPORT int nvmlDeviceGetRepairStatus(struct device *device, struct repair *out)
{
    BEGIN(device->gpu);
    out->tpc = 0;
    give(device, "repair.tpc", &out->tpc);
    return give(device, "repair.channel", &out->channel);
}

EXPORT int nvmlDeviceValidateInforom(struct device *device)
{
    unsigned int ignored;
    BEGIN(device->gpu);
    return give(device, "inforom", &ignored);
}

EXPORT int nvmlDeviceGetVbiosVersion(struct device *device, char *out, unsigned int size)
{
    BEGIN(device->gpu);
    return give_text(device, "vbios", out, size);
}

EXPORT int nvmlDeviceGetGspFirmwareVersion(struct device *device, char *out)
{
    BEGIN(device->gpu);
    return give_text(device, "gsp", out, 64);
}

/* Links */

struct fabric {
    unsigned int version;
    unsigned char cluster[16];
    int status;
    unsigned int clique;
    unsigned char state;
    unsigned int mask;
};

EXPORT int nvmlDeviceGetGpuFabricInfoV(struct device *device, struct fabric *out)
{
    unsigned int number = 0;
    int code;
    BEGIN(device->gpu);
    code = give(device, "fabric", &number);
    if (code != SUCCESS)
        return code;
    out->state = (unsigned char)number;
    number = 0;
    give(device, "fabric.status", &number);
    out->status = (int)number;
    out->mask = 0;
    give(device, "fabric.mask", &out->mask);
    return SUCCESS;
}

EXPORT int nvmlDeviceGetNvLinkState(struct device *device, unsigned int link, unsigned int *out)
{
    char what[32];
    BEGIN(device->gpu);
    snprintf(what, sizeof what, "link.%u", link);
    return give(device, what, out);
}

EXPORT int nvmlDeviceGetNvLinkErrorCounter(struct device *device, unsigned int link,
                                           unsigned int counter, unsigned long long *out)
{
    char what[32];
    long long number;
    int code;
    BEGIN(device->gpu);
    snprintf(what, sizeof what, "link.%u.%u", link, counter);
    code = next_number(device, what, &number);
    if (code == SUCCESS)
        *out = (unsigned long long)number;
    return code;
}

EXPORT int nvmlDeviceGetP2PStatus(struct device *device, struct device *other, unsigned int index,
                                  unsigned int *out)
{
    BEGIN(device->gpu);
    (void)other;
    (void)index;
    return give(device, "peer", out);
}

#endif
