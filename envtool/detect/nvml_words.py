"""NVML return codes in words: what a code means, and what to do about it.

Source of the codes: nvml.h, enum nvmlReturn_t, NVML API 13. The words are ours.
"""

from __future__ import annotations

from envtool.words import Text

_OUR_BUG = Text(
    "report it to envtool with the output of envtool doctor; nothing is wrong with the GPU",
    "请附上 envtool doctor 的输出向 envtool 报告；GPU 本身没有问题",
)
_GO_ON = Text(
    "nothing to do: envtool goes on without this value",
    "无需处理：envtool 会在没有该值的情况下继续",
)
_LOOK_AT_LOG = Text(
    "read the kernel log for the cause (sudo dmesg | grep -i -e NVRM -e Xid)",
    "在内核日志中查找原因（sudo dmesg | grep -i -e NVRM -e Xid）",
)
_TRY_LATER = Text("wait a moment and try again", "稍等片刻后重试")
_UPDATE = Text(
    "update the NVIDIA driver if you need this value",
    "如果需要该值，请更新 NVIDIA 驱动",
)

# (meaning, action) of each return code; -1 is envtool's own, for a call that did not return.
_TEXTS: dict[int, tuple[Text, Text]] = {
    -1: (
        Text(
            "the driver or the GPU did not answer in time",
            "驱动或 GPU 未在规定时间内应答",
        ),
        Text(
            "run nvidia-smi: if it hangs too, reboot; if it is only slow, "
            "turn on persistence mode (sudo nvidia-smi -pm 1) and try again",
            "运行 nvidia-smi：如果同样没有响应，请重启；如果只是较慢，"
            "请打开持久模式（sudo nvidia-smi -pm 1）后重试",
        ),
    ),
    0: (
        Text("NVML reports success", "NVML 报告成功"),
        Text("nothing to do", "无需处理"),
    ),
    1: (
        Text("NVML was asked before it was initialised", "在初始化之前调用了 NVML"),
        _OUR_BUG,
    ),
    2: (
        Text(
            "NVML refused an argument, or the GPU has vanished since it was counted",
            "NVML 拒绝了某个参数，或者该 GPU 在计数之后消失了",
        ),
        Text(
            "list the GPUs again (nvidia-smi -L); if one is missing, reboot",
            "重新列出 GPU（nvidia-smi -L）；如果有缺失，请重启",
        ),
    ),
    3: (
        Text("this GPU or system does not report it", "该 GPU 或系统不提供此信息"),
        _GO_ON,
    ),
    4: (
        Text("this user may not ask the driver for it", "当前用户无权向驱动查询此信息"),
        Text(
            "look at the rights of /dev/nvidia* (ls -l /dev/nvidia*) and join the group that "
            "owns them, often video or render; in a container or a job, ask for the GPU",
            "查看 /dev/nvidia* 的权限（ls -l /dev/nvidia*），并加入其所属的组"
            "（通常是 video 或 render）；在容器或作业中，请申请 GPU",
        ),
    ),
    5: (
        Text("NVML was already initialised", "NVML 已经初始化过"),
        _GO_ON,
    ),
    6: (
        Text(
            "NVML finds no such GPU, process or value",
            "NVML 找不到该 GPU、进程或值",
        ),
        Text(
            "if a GPU is missing: a container or a job sees only the GPUs it asked for",
            "如果缺少 GPU：容器或作业只能看到它所申请的 GPU",
        ),
    ),
    7: (
        Text(
            "the answer is longer than the room left for it",
            "应答的长度超出了预留的空间",
        ),
        _OUR_BUG,
    ),
    8: (
        Text(
            "the GPU's power cable is not connected properly",
            "GPU 的供电线没有正确连接",
        ),
        Text(
            "shut the machine down and connect the power cables of the GPU",
            "关机并接好 GPU 的供电线",
        ),
    ),
    9: (
        Text("the NVIDIA driver is not running", "NVIDIA 驱动没有运行"),
        Text(
            "load it (sudo modprobe nvidia); if that fails, reinstall the driver for the "
            "running kernel, and sign its modules where Secure Boot is on; in a container, "
            "mend the driver of the host",
            "加载驱动（sudo modprobe nvidia）；如果失败，请为当前内核重新安装驱动，"
            "启用了 Secure Boot 时还需对模块签名；在容器中，请修复宿主机的驱动",
        ),
    ),
    10: (
        Text("the GPU did not answer in the driver's time", "GPU 未在驱动规定的时间内应答"),
        _LOOK_AT_LOG,
    ),
    11: (
        Text(
            "the kernel cannot deliver the interrupts of a GPU",
            "内核无法接收某个 GPU 的中断",
        ),
        Text(
            "read the kernel log (sudo dmesg | grep -i NVRM), then look at the MSI and PCIe "
            "settings of the BIOS and at the kernel's parameters",
            "查看内核日志（sudo dmesg | grep -i NVRM），再检查 BIOS 的 MSI 与 PCIe 设置"
            "以及内核参数",
        ),
    ),
    12: (
        Text(
            "the driver's library NVML (libnvidia-ml.so.1, nvml.dll) cannot be loaded",
            "无法加载驱动的 NVML 库（libnvidia-ml.so.1、nvml.dll）",
        ),
        Text(
            "install the NVIDIA driver; in a container, start it with --gpus all and with "
            "utility in NVIDIA_DRIVER_CAPABILITIES; in WSL, install the driver of Windows",
            "安装 NVIDIA 驱动；在容器中，启动时加上 --gpus all，并让 "
            "NVIDIA_DRIVER_CAPABILITIES 包含 utility；在 WSL 中，请安装 Windows 的驱动",
        ),
    ),
    13: (
        Text(
            "the installed driver is too old to know this call",
            "已安装的驱动过旧，不支持此调用",
        ),
        _UPDATE,
    ),
    14: (
        Text(
            "the GPU's own configuration store (infoROM) is damaged",
            "GPU 自身的配置存储（infoROM）已损坏",
        ),
        Text(
            "it may still compute: prove it with envtool check, and ask the vendor for service",
            "它可能仍可计算：请用 envtool check 验证，并联系厂商检修",
        ),
    ),
    15: (
        Text(
            "the GPU has fallen off the bus: the driver cannot reach it any more",
            "GPU 已从总线上掉线：驱动无法再访问它",
        ),
        Text(
            "stop its work and power-cycle the machine; if it happens again, look at power, "
            "seating and heat",
            "停止其上的任务并断电重启机器；如果再次发生，请检查供电、插槽接触和散热",
        ),
    ),
    16: (
        Text("the GPU must be reset before it works again", "GPU 需要复位后才能工作"),
        Text(
            "stop every process on it and reset it (sudo nvidia-smi -r -i NUMBER); if it "
            "refuses, reboot",
            "停止其上的所有进程并复位（sudo nvidia-smi -r -i 编号）；如果被拒绝，请重启",
        ),
    ),
    17: (
        Text(
            "the operating system or a cgroup blocks the GPU",
            "操作系统或 cgroup 阻止了对 GPU 的访问",
        ),
        Text(
            "in a container or a job, ask for the GPU when starting it; elsewhere look at the "
            "rights of /dev/nvidia* (ls -l /dev/nvidia*)",
            "在容器或作业中，请在启动时申请 GPU；其他情况请查看 /dev/nvidia* 的权限"
            "（ls -l /dev/nvidia*）",
        ),
    ),
    18: (
        Text(
            "the running driver and its libraries have different versions: "
            "the driver was updated and the old one still runs",
            "正在运行的驱动与其库的版本不同：驱动已更新，但旧版本仍在运行",
        ),
        Text(
            "reboot; in a container, restart it with the libraries of the host's driver",
            "重启机器；在容器中，请使用宿主机驱动的库重新启动容器",
        ),
    ),
    19: (
        Text("another process is using the GPU", "另一个进程正在使用该 GPU"),
        Text(
            "wait for it or stop it; nvidia-smi lists the processes",
            "等待其结束或将其停止；nvidia-smi 会列出进程",
        ),
    ),
    20: (
        Text("the host has too little memory left", "主机剩余内存不足"),
        Text(
            "free memory of the host, or raise the limit of the container or job",
            "释放主机内存，或提高容器、作业的内存上限",
        ),
    ),
    21: (
        Text("the GPU has no sample of it yet", "GPU 尚无该项的采样"),
        _TRY_LATER,
    ),
    22: (
        Text(
            "this vGPU type does not run on a GPU with ECC on",
            "此 vGPU 类型不支持在打开 ECC 的 GPU 上运行",
        ),
        Text(
            "choose another vGPU type, or turn ECC off on the host",
            "请更换 vGPU 类型，或在宿主机上关闭 ECC",
        ),
    ),
    23: (
        Text(
            "the driver has run out of a resource other than memory",
            "驱动除内存以外的某项资源已耗尽",
        ),
        Text("stop processes that use the GPU and try again", "停止使用该 GPU 的进程后重试"),
    ),
    24: (
        Text("the GPU does not support this clock setting", "GPU 不支持此频率设置"),
        _GO_ON,
    ),
    25: (
        Text(
            "the driver knows another version of what was asked",
            "驱动支持的是该查询的另一个版本",
        ),
        _UPDATE,
    ),
    26: (
        Text("the driver no longer offers this call", "驱动不再提供此调用"),
        Text("update nvidia-ml-py, through which envtool asks", "更新 envtool 所用的 nvidia-ml-py"),
    ),
    27: (
        Text("the driver or the GPU is still starting", "驱动或 GPU 仍在启动"),
        Text(
            "wait 30 seconds and try again; on a machine with NVSwitch, look whether "
            "nvidia-fabricmanager runs",
            "等待 30 秒后重试；在带有 NVSwitch 的机器上，请检查 nvidia-fabricmanager 是否在运行",
        ),
    ),
    28: (
        Text("the driver runs and finds no GPU", "驱动在运行，但没有找到 GPU"),
        Text(
            "look whether the machine shows one (lspci -d 10de:); in a container or a job, "
            "ask for it",
            "检查机器是否能看到 GPU（lspci -d 10de:）；在容器或作业中，请申请 GPU",
        ),
    ),
    29: (
        Text(
            "the GPU is changing its state: a reset, or a change of MIG mode",
            "GPU 正在改变状态：正在复位或切换 MIG 模式",
        ),
        _TRY_LATER,
    ),
    30: (
        Text("the GPU does not support this kind of reset", "GPU 不支持这种复位方式"),
        Text("reboot instead", "请改为重启机器"),
    ),
    999: (
        Text("the driver failed and does not say why", "驱动出错，但没有说明原因"),
        Text(
            "in a container that saw the GPU before: restart the container; "
            f"elsewhere: {_LOOK_AT_LOG.en}",
            f"如果是之前能看到 GPU 的容器：请重启容器；其他情况：{_LOOK_AT_LOG.zh}",
        ),
    ),
}

# A code that means something else when one call gives it.
_TEXTS_OF_CALLS: dict[tuple[int, str], tuple[Text, Text]] = {
    (12, "nvmlSystemGetCudaDriverVersion_v2"): (
        Text(
            "the driver's library for CUDA (libcuda.so.1) cannot be loaded",
            "无法加载驱动的 CUDA 库（libcuda.so.1）",
        ),
        Text(
            "in a container, start it with compute in NVIDIA_DRIVER_CAPABILITIES; "
            "elsewhere, install the driver's package with libcuda",
            "在容器中，启动时让 NVIDIA_DRIVER_CAPABILITIES 包含 compute；"
            "其他情况请安装驱动中包含 libcuda 的软件包",
        ),
    ),
}


def nvml_text(code: int, name_of_call: str = "") -> tuple[Text, Text]:
    """Return what an NVML return code means and what to do about it.

    Args:
        code: NVML's return code; -1 for a call that did not return.
        name_of_call: The call that gave it, quoted as evidence.
    """
    means, action = _TEXTS_OF_CALLS.get((code, name_of_call)) or _TEXTS.get(code) or _unknown(code)
    if not name_of_call:
        return means, action
    quoted = Text(f"{name_of_call}: {code}", f"{name_of_call}：{code}")
    return Text(f"{means.en} ({quoted.en})", f"{means.zh}（{quoted.zh}）"), action


def _unknown(code: int) -> tuple[Text, Text]:
    """Return the texts of a code that is newer than this table."""
    return (
        Text(
            f"the driver answers with code {code}, which envtool does not know",
            f"驱动返回了代码 {code}，envtool 不认识它",
        ),
        Text(
            "run nvidia-smi, which knows the codes of its driver",
            "运行 nvidia-smi，它认识其驱动的代码",
        ),
    )
