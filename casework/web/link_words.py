"""Why an exchange failed, in words, by the code of the error. Pure."""

from __future__ import annotations

from collections.abc import Callable

from casework.texts import N_

# The codes of sync_protocol.errors that a person can do something about.
_REASONS = {
    "transfer_failed": N_("连不上上级，多半是断网；恢复后自动续传"),
    "bad_nonce": N_("连接正在重新建立"),
    "disk_full": N_("本机磁盘满了，收不下上级发来的内容；清理磁盘后自动续传"),
    "parent_full": N_("上级的磁盘满了，暂时收不下；请告诉上级或县级运维，清理后自动续传，本机数据不受影响"),
    "certificate_expired": N_("本站证书已过期，请联系县级管理员续发"),
    "certificate_revoked": N_("本站证书已停用，请联系县级管理员"),
    "not_enrolled": N_("上级没有登记本站，请联系县级管理员"),
    "not_your_parent": N_("本站不归这个上级，请核对上级地址"),
    "wrong_deployment": N_("上级属于别的县，请核对上级地址"),
    "fork": N_("本站与上级的记录对不上，请立即联系县级运维"),
    "fault": N_("程序出错，已记入日志；本机收件不受影响，请告诉县级运维"),
    "bad_token": N_("接入口令无效，请联系县级管理员"),
}
_OTHER_REASON = N_("上级没有接收，请联系县级运维")


def reason_text(code: str, _: Callable[[str], str] = str) -> str:
    """What happened and what to do, as the station itself is told."""
    return _(_REASONS.get(code, _OTHER_REASON))
