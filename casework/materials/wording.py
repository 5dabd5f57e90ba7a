"""What people are told about a file that was not taken: name, reason, remedy (zh-CN source strings). Pure."""

from __future__ import annotations

import unicodedata
from typing import Final

from casework.errors import BadInput, Problem
from casework.materials.rules import MAX_PAGES_PER_FILE, MAX_UPLOAD_BYTES, MIB, Fault
from casework.texts import N_, say

SHOWN_NAME_CHARACTERS: Final = 60

_RETAKE: Final = N_("请重新扫描或拍照后再上传")
_WORDS: Final[dict[Fault, tuple[str, str]]] = {
    Fault.EMPTY: (N_("是空文件"), _RETAKE),
    Fault.TOO_BIG: (N_("超过 {limit}，未接收"), N_("请降低扫描分辨率，或拆成几个文件后再上传")),
    Fault.HEIC: (
        N_("是 HEIC 格式的照片，本系统打不开"),
        N_("请在手机相机设置中选择“兼容性最佳”（JPEG）后重新拍照，或转存为 JPG 再上传"),
    ),
    Fault.ARCHIVE: (
        N_("是压缩包、Office 或 OFD 文件，不是图片或 PDF"),
        N_("请先解压，或另存为（导出为）PDF 后再上传"),
    ),
    Fault.UNSUPPORTED: (
        N_("不是可用的图片或 PDF"),
        N_("请上传 JPG、PNG、WebP、TIFF、BMP 图片或 PDF 文件；只改扩展名不起作用"),
    ),
    Fault.NOT_A_RESULT: (N_("不能作为结果文书"), N_("结果文书请使用 PDF，或 JPG、PNG 图片")),
    Fault.NOT_A_PHOTO: (N_("有多页，不能裁剪或旋转"), N_("请把需要裁剪的那一页另拍一张照片")),
    Fault.BAD_CORNERS: (N_("的四个角围不成一张纸"), N_("请把四个角拖到纸的四角，或选择“用整张照片”")),
    Fault.BROKEN: (N_("已损坏或不完整，无法打开"), N_("请在电脑上确认能正常打开；打不开的，请重新扫描或拍照后再上传")),
    Fault.ENCRYPTED: (N_("设有打开密码"), N_("请去掉密码后另存，再上传")),
    Fault.TOO_MANY_PIXELS: (N_("图像尺寸过大"), N_("请把扫描分辨率降到 300 dpi，或缩小图片后再上传")),
    Fault.TOO_MANY_PAGES: (N_("超过 {pages} 页"), N_("请拆成每份不超过 {pages} 页的文件后分别上传")),
    Fault.TOO_COSTLY: (N_("内容过于复杂，处理时超出限制"), N_("请打印后重新扫描，或另存为普通 PDF、JPG 后再上传")),
    Fault.DISK_FULL: (N_("未能保存：本机磁盘空间不足"), N_("请清理磁盘后重试；已保存的办件不受影响")),
}


def shown_name(name: str) -> str:
    """A client's file name, safe to print: no folders, control or direction characters; 60 characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    plain = "".join(c for c in last if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}).strip()
    if len(plain) > SHOWN_NAME_CHARACTERS:
        plain = plain[: SHOWN_NAME_CHARACTERS - 12] + "…" + plain[-11:]
    return plain or N_("未命名文件")


def megabytes(size_bytes: int) -> str:
    """A limit as people read it: whole MB where it is whole, else KB."""
    return f"{size_bytes // MIB} MB" if size_bytes % MIB == 0 else f"{size_bytes // 1024} KB"


def problem_for(fault: Fault, *, name: str, field: str, limit_bytes: int = MAX_UPLOAD_BYTES) -> Problem:
    """The problem to show for one file; `field` is the form field that it came in."""
    said, remedy = _WORDS[fault]
    values = {"limit": megabytes(limit_bytes), "pages": MAX_PAGES_PER_FILE}
    message = say("「{name}」{what}", name=shown_name(name), what=say(said, **values))
    return Problem(field, message, say(remedy, **values))


def bad_file(fault: Fault, *, name: str, field: str, limit_bytes: int = MAX_UPLOAD_BYTES) -> BadInput:
    """The same, ready to raise."""
    return BadInput([problem_for(fault, name=name, field=field, limit_bytes=limit_bytes)])
