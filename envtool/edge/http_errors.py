"""What is said when there is no page: each cause in its own words, with its own thing to do.

No hint ever says to switch the verification of certificates off.
"""

from __future__ import annotations

from collections.abc import Iterator

from envtool.errors import UnknownError
from envtool.words import Text

_CHECK_URL = Text("check the index URL", "请检查索引地址")

# By code, and where one code has several cases, by code and case.
TEXTS: dict[str, tuple[Text, Text]] = {
    "ET400": (
        Text(
            "{host} sends on to something that is no web address",
            "{host} 重定向到了一个无效地址",
        ),
        _CHECK_URL,
    ),
    "ET401": (
        Text("the name {host} cannot be resolved", "无法解析主机名 {host}"),
        Text(
            "check the spelling and the DNS settings; where only a proxy reaches the network, "
            "set HTTPS_PROXY and HTTP_PROXY",
            "请检查拼写和 DNS 设置；若只能通过代理上网，请设置 HTTPS_PROXY 和 HTTP_PROXY",
        ),
    ),
    "ET402": (
        Text("no connection to {host}", "无法连接 {host}"),
        Text(
            "check the network and the port; a firewall may stand between, or a proxy be "
            "needed (HTTPS_PROXY, HTTP_PROXY); or use another mirror",
            "请检查网络和端口；可能被防火墙拦截，或需要代理（HTTPS_PROXY、HTTP_PROXY）；"
            "也可改用其他镜像",
        ),
    ),
    "ET402 circle": (
        Text("{host} redirects in a circle", "{host} 的重定向形成了循环"),
        Text(
            "check the index URL; a sign-in page may stand before it",
            "请检查索引地址；也可能被登录页面拦截",
        ),
    ),
    "ET403": (
        Text("TLS: the certificate of {host} is not trusted", "TLS：{host} 的证书不受信任"),
        Text(
            "where a company proxy opens TLS, get its CA certificate from your administrator "
            "and set REQUESTS_CA_BUNDLE and SSL_CERT_FILE to a PEM file that holds it",
            "若公司代理会解密 TLS，请向管理员索取其 CA 证书，"
            "并将 REQUESTS_CA_BUNDLE 和 SSL_CERT_FILE 设为包含该证书的 PEM 文件",
        ),
    ),
    "ET403 no certificate": (
        Text("TLS: no connection to {host}", "TLS：无法与 {host} 建立连接"),
        Text(
            "check that host and port are the right ones for https; "
            "a firewall or a proxy may answer in the server's place",
            "请确认主机和端口支持 https；也可能是防火墙或代理代为应答",
        ),
    ),
    "ET404": (
        Text("no complete answer from {host} within {limit} s", "{host} 在 {limit} 秒内未完整响应"),
        Text("try again, or use a nearer mirror", "请重试，或改用更近的镜像"),
    ),
    "ET405": (
        Text("the proxy {proxy} does not let us through to {host}", "代理 {proxy} 未能连通 {host}"),
        Text(
            "check HTTPS_PROXY, HTTP_PROXY and the proxy's user and password; "
            "hosts that need no proxy go into NO_PROXY",
            "请检查 HTTPS_PROXY、HTTP_PROXY 以及代理的用户名和密码；无需代理的主机请加入 NO_PROXY",
        ),
    ),
    "ET406": (Text("{host} gave no page", "{host} 未返回页面"), _CHECK_URL),
    "ET406 401": (
        Text("{host} wants a user and a password", "{host} 要求用户名和密码"),
        Text(
            "put the credentials into ~/.netrc or into the index URL",
            "请将凭据写入 ~/.netrc 或索引地址",
        ),
    ),
    "ET406 403": (
        Text("{host} refuses to give the page", "{host} 拒绝提供该页面"),
        Text(
            "check the address: some file hosts answer 403 for a page that does not exist; "
            "or use another mirror",
            "请检查地址：有些文件服务器对不存在的页面也返回 403；或改用其他镜像",
        ),
    ),
    "ET406 404": (Text("{host} has no such page", "{host} 上没有该页面"), _CHECK_URL),
    "ET406 429": (
        Text("{host} gets too many requests from here", "{host} 认为来自此处的请求过多"),
        Text("wait, or use another mirror", "请稍后再试，或改用其他镜像"),
    ),
    "ET406 5xx": (
        Text("{host} has trouble of its own", "{host} 自身出现故障"),
        Text("try again later, or use another mirror", "请稍后重试，或改用其他镜像"),
    ),
    "ET407": (
        Text(
            "the page of {host} is too large to be an index page",
            "{host} 返回的页面过大，不像是索引页面",
        ),
        _CHECK_URL,
    ),
    "ET408": (
        Text("the page of {host} arrived cut", "{host} 的页面没有传完"),
        Text(
            "try again; a proxy or an unstable line may cut long answers, else use another mirror",
            "请重试；代理或不稳定的线路可能截断较长的响应，否则请改用其他镜像",
        ),
    ),
    "ET420": (
        Text("{host} sends whole files only", "{host} 只能发送整个文件"),
        Text(
            "download the file and name it instead, or use a server that answers ranges",
            "请先下载该文件再指定本地路径，或改用支持分段请求（Range）的服务器",
        ),
    ),
}


class StatusError(UnknownError):
    """A server answered that it has or gives no such page.

    Attributes:
        status: HTTP status, 400 or above.
    """

    status: int = 0


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what caused it, outermost first, wherever a library hides it."""
    todo: list[object] = [error]
    seen: set[int] = set()
    while todo:
        cause = todo.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            todo += [
                *cause.args,
                getattr(cause, "reason", None),
                cause.__cause__,
                cause.__context__,
            ]
