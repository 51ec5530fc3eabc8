"""What went wrong on the way to a mirror or at it: one cause, its evidence, one thing to do.

No fix ever says to switch the verification of certificates off.
"""

from __future__ import annotations

from envtool.model.finding import Finding, Status
from envtool.model.network import NOT_REACHED, Fault, FaultKind
from envtool.words import Text

NAME = "network"
_USE_ANOTHER = Text("use another mirror", "请改用其他镜像")
_TRY_AGAIN = Text("try again, or use another mirror", "请重试，或改用其他镜像")
_CHECK_ADDRESS = Text("check the address", "请检查地址")
_FIX_PROXY = Text(
    "correct {variable}, or unset it where no proxy is needed; one host goes into NO_PROXY",
    "请修正 {variable}；若不需要代理请取消该变量；单个主机可加入 NO_PROXY",
)
_SIGN_IN = Text(
    "open the address in a browser: sign in where a page asks for it, then try again",
    "请用浏览器打开该地址：若出现登录页面，登录后再试",
)

# Code, what is so, what to do. Codes below ET460 are those of a page that did not come.
_TEXTS: dict[FaultKind, tuple[str, Text, Text]] = {
    "bad-url": (
        "ET400",
        Text("that is not the address of a page", "这不是一个网页地址"),
        _CHECK_ADDRESS,
    ),
    "dns": (
        "ET401",
        Text("the name {host} cannot be resolved (DNS)", "无法解析主机名 {host}（DNS）"),
        Text(
            "check the spelling and the DNS settings; where only a proxy reaches the network, "
            "set HTTPS_PROXY",
            "请检查拼写和 DNS 设置；若只能通过代理上网，请设置 HTTPS_PROXY",
        ),
    ),
    "refused": (
        "ET402",
        Text("{host} refuses the connection", "{host} 拒绝连接"),
        Text(
            "nothing listens there: check the port, or use another mirror",
            "该端口没有服务：请检查端口，或改用其他镜像",
        ),
    ),
    "connect-timeout": (
        "ET460",
        Text("{host} does not take the connection in time", "连接 {host} 超时"),
        Text(
            "a firewall may drop it; where a proxy is needed, set HTTPS_PROXY; "
            "or use another mirror",
            "可能被防火墙丢弃；若需要代理请设置 HTTPS_PROXY；或改用其他镜像",
        ),
    ),
    "unreachable": (
        "ET402",
        Text("no connection to {host}", "无法连接 {host}"),
        Text("check the network, or use another mirror", "请检查网络，或改用其他镜像"),
    ),
    "tls-untrusted": (
        "ET403",
        Text(
            "certificate of {host} from an unknown authority{issuer} (a proxy that opens TLS?)",
            "{host} 的证书由未知机构{issuer}签发（是否有解密 TLS 的代理？）",
        ),
        Text(
            "get the CA certificate{issuer} from your administrator and set REQUESTS_CA_BUNDLE "
            "and SSL_CERT_FILE to a PEM file that holds it",
            "请向管理员索取 CA 证书{issuer}，并将 REQUESTS_CA_BUNDLE 和 SSL_CERT_FILE "
            "设为包含该证书的 PEM 文件",
        ),
    ),
    "tls-expired": (
        "ET461",
        Text("the certificate of {host} has expired", "{host} 的证书已过期"),
        Text(
            "check the clock of this machine; if it is right, use another mirror",
            "请检查本机时间；若时间正确，请改用其他镜像",
        ),
    ),
    "tls-name": (
        "ET462",
        Text("the certificate is not one for {host}", "证书与主机名 {host} 不符"),
        Text(
            "check the host's name in the address; else another server answers in its place",
            "请检查地址中的主机名；否则是其他服务器代为应答",
        ),
    ),
    "tls-other": (
        "ET403",
        Text("TLS: no connection to {host}", "TLS：无法与 {host} 建立连接"),
        Text(
            "check that host and port are the right ones for https",
            "请确认主机和端口支持 https",
        ),
    ),
    "tls-bundle": (
        "ET403",
        Text(
            "the CA bundle that {variable} names is not there",
            "{variable} 指定的 CA 证书文件不存在",
        ),
        Text("correct {variable}, or unset it", "请修正或取消 {variable}"),
    ),
    "proxy-dns": (
        "ET405",
        Text(
            "the name of the proxy {proxy} ({variable}) cannot be resolved",
            "无法解析代理 {proxy}（{variable}）的主机名",
        ),
        _FIX_PROXY,
    ),
    "proxy-silent": (
        "ET405",
        Text(
            "the proxy {proxy} ({variable}) does not answer",
            "代理 {proxy}（{variable}）没有应答",
        ),
        _FIX_PROXY,
    ),
    "proxy-slow": (
        "ET405",
        Text(
            "nothing comes from {host} through the proxy {proxy} ({variable}) in time",
            "经代理 {proxy}（{variable}）访问 {host} 超时",
        ),
        _FIX_PROXY,
    ),
    "proxy-auth": (
        "ET463",
        Text(
            "the proxy {proxy} ({variable}) wants a user and a password (407)",
            "代理 {proxy}（{variable}）要求用户名和密码（407）",
        ),
        Text(
            "put them into {variable}: http://USER:PASSWORD@HOST:PORT",
            "请写入 {variable}：http://用户:密码@主机:端口",
        ),
    ),
    "proxy-refused": (
        "ET405",
        Text(
            "the proxy {proxy} ({variable}) does not let us through to {host}",
            "代理 {proxy}（{variable}）不允许访问 {host}",
        ),
        Text(
            "ask for {host} to be allowed, or use another mirror",
            "请申请放行 {host}，或改用其他镜像",
        ),
    ),
    "proxy-bad": (
        "ET477",
        Text(
            "{variable} is not the address of a proxy: {proxy}",
            "{variable} 不是代理地址：{proxy}",
        ),
        Text(
            "write http://HOST:PORT into {variable}, or unset it",
            "请将 {variable} 写为 http://主机:端口，或取消该变量",
        ),
    ),
    "proxy-tls": (
        "ET478",
        Text(
            "the proxy {proxy} ({variable}) does not answer in TLS: https:// is wrong for it",
            "代理 {proxy}（{variable}）不以 TLS 应答：不应使用 https://",
        ),
        Text(
            "write http:// in {variable}: so the proxy itself is asked, for https pages too",
            "请在 {variable} 中使用 http://：这是访问代理本身的方式，https 网页同样如此",
        ),
    ),
    "proxy-socks": (
        "ET479",
        Text(
            "{variable} names a SOCKS proxy ({proxy}); envtool and a plain pip know http proxies",
            "{variable} 指定了 SOCKS 代理（{proxy}）；envtool 和未装插件的 pip 只支持 HTTP 代理",
        ),
        Text(
            "name the http port of the same proxy in {variable}: http://HOST:PORT",
            "请在 {variable} 中填写同一代理的 HTTP 端口：http://主机:端口",
        ),
    ),
    "silent": (
        "ET404",
        Text("{host} takes the connection and sends too little in time", "{host} 已连接但响应超时"),
        _TRY_AGAIN,
    ),
    "cut": ("ET408", Text("half a file: it arrived cut", "只收到半个文件"), _TRY_AGAIN),
    "circle": (
        "ET402",
        Text("{host} redirects in a circle", "{host} 的重定向形成了循环"),
        _CHECK_ADDRESS,
    ),
    "status": (
        "ET406",
        Text("HTTP {status} for {subject}", "{subject} 返回 HTTP {status}"),
        _TRY_AGAIN,
    ),
    "html": (
        "ET464",
        Text(
            "a web page instead of {subject}: an error page or a sign-in page",
            "返回的是网页而不是 {subject}：可能是错误页或登录页",
        ),
        _SIGN_IN,
    ),
    "no-index": (
        "ET410",
        Text("it answers, but not with an index", "有响应，但内容不是索引"),
        _SIGN_IN,
    ),
    "leads-official": (
        "ET465",
        Text(
            "redirects to the official {subject}: it is no mirror of this",
            "重定向到官方站点 {subject}：并未真正镜像",
        ),
        _USE_ANOTHER,
    ),
    "leads-mirror": (
        "ET465",
        Text(
            "redirects to {subject}, which is the mirror {detail}",
            "重定向到 {subject}，即镜像 {detail}",
        ),
        Text("name the mirror {detail} itself", "请直接使用镜像 {detail}"),
    ),
    "leads-away": (
        "ET465",
        Text("redirects to another host, {subject}", "重定向到其他主机 {subject}"),
        Text("test {subject} itself", "请直接测试 {subject}"),
    ),
    "links-away": (
        "ET466",
        Text("its links lead to {subject}", "其链接指向 {subject}"),
        Text(
            "files would come from there: use another mirror, or that host itself",
            "文件实际来自该主机：请改用其他镜像，或直接使用该主机",
        ),
    ),
    "no-noarch": (
        "ET467",
        Text(
            "{subject}/noarch is missing, and conda stops there",
            "缺少 {subject}/noarch，conda 会因此中止",
        ),
        _USE_ANOTHER,
    ),
    "no-wheels": (
        "ET467",
        Text("lists no wheel of {subject}", "没有 {subject} 的 wheel"),
        _USE_ANOTHER,
    ),
    "stale": (
        "ET468",
        Text("{detail} days behind the newest ({subject})", "比最新的晚 {detail} 天（{subject}）"),
        Text("use a fresher mirror for new releases", "需要新版本时请改用更新及时的镜像"),
    ),
    "wrong-bytes": (
        "ET469",
        Text(
            "wrong bytes: {subject} is not the file of the index", "内容错误：{subject} 与索引不符"
        ),
        Text(
            "do not install from there; report it to the mirror",
            "请勿从该处安装；可向镜像站反馈",
        ),
    ),
    "wrong-size": (
        "ET469",
        Text(
            "half a file: {subject} has another size than its index says",
            "文件不完整：{subject} 的大小与索引不符",
        ),
        Text(
            "do not install from there; report it to the mirror",
            "请勿从该处安装；可向镜像站反馈",
        ),
    ),
    "no-time": (
        "ET470",
        Text("not asked: the limit was reached first", "未测试：已先达到上限"),
        Text("raise --timeout or --max-mb", "请调大 --timeout 或 --max-mb"),
    ),
}
_STATUSES: dict[int, tuple[Text, Text]] = {
    401: (
        Text("wants a user and a password (401)", "要求用户名和密码（401）"),
        Text("put them into ~/.netrc", "请写入 ~/.netrc"),
    ),
    403: (
        Text("refuses: 403 for {subject}", "拒绝访问：{subject} 返回 403"),
        Text(
            "it may block this network or this path: use another mirror",
            "可能屏蔽了此网络或此路径：请改用其他镜像",
        ),
    ),
    404: (Text("404 for {subject}", "{subject} 返回 404"), _USE_ANOTHER),
    410: (Text("410, gone: {subject}", "{subject} 已下线（410）"), _USE_ANOTHER),
    429: (
        Text("rate limited: 429{wait}", "请求过多被限流：429{wait}"),
        Text("wait, or use another mirror", "请稍候，或改用其他镜像"),
    ),
}
# The proxy lets us through, and cannot get there itself.
_PROXY_BAD = (
    Text(
        "the proxy {proxy} ({variable}) does not get through to {host} (HTTP {status})",
        "代理 {proxy}（{variable}）无法连通 {host}（HTTP {status}）",
    ),
    Text(
        "check the host's name; if other hosts answer through the proxy, use another mirror",
        "请检查主机名；若经代理可访问其他主机，请改用其他镜像",
    ),
)
_SERVER_BAD, _TOO_MANY = 500, 429


def finding_of(fault: Fault) -> Finding:
    """Return a fault as a finding: its cause in words, the evidence, one fix."""
    code, text, fix = _TEXTS[fault.kind]
    if fault.kind == "status":
        if fault.status >= _SERVER_BAD:
            text = Text("trouble of its own: HTTP {status}", "自身故障：HTTP {status}")
        text, fix = _STATUSES.get(fault.status, (text, fix))
    if fault.kind == "proxy-refused" and fault.status >= _SERVER_BAD:
        text, fix = _PROXY_BAD
    is_soft = fault.kind in NOT_REACHED or fault.status >= _TOO_MANY
    status: Status = "warn" if fault.kind == "stale" else "unknown" if is_soft else "fail"
    evidence = (("url", fault.url), ("found", fault.detail))
    return Finding(
        code,
        NAME,
        status,
        fault.host,
        _filled(text, fault),
        tuple(pair for pair in evidence if pair[1]),
        _filled(fix, fault),
    )


def _filled(text: Text, fault: Fault) -> Text:
    values = {
        "host": fault.host,
        "detail": fault.detail,
        "subject": fault.subject or fault.host,
        "status": str(fault.status),
        "proxy": fault.proxy or "?",
        "variable": fault.variable or "HTTPS_PROXY",
    }
    # What is quoted is a stranger's name: it takes no place in a sentence of ours.
    values["issuer"] = f" “{fault.issuer}”" if fault.issuer else ""
    en = f", retry after {fault.wait_s} s" if fault.wait_s else ""
    zh = f"，{fault.wait_s} 秒后重试" if fault.wait_s else ""
    return Text(
        text.en.format_map({**values, "wait": en}), text.zh.format_map({**values, "wait": zh})
    )
