"""The acts on a case as pages offer them: one row each, in the order in which buttons stand. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from casework.changes import ChangeKind
from casework.desk import CaseView
from casework.web.case_actions import (
    Action,
    Line,
    appointment_body,
    correct_body,
    days_body,
    decline_body,
    defects_body,
    seen_body,
    supplement_form,
    withdraw_body,
)
from casework.web.i18n import N_
from casework.web.procedure_actions import PROCEDURE_ACTIONS

_REASON = N_("请填写原因")
_ACTIONS: Sequence[Action] = (
    Action(
        ChangeKind.SUPPLEMENT,
        N_("提交补正材料"),
        N_("按补正告知或容缺通知的内容，上传材料或改正所填内容。"),
        N_("补正已保存，将随同步上报。"),
        "main",
        (Line("note", N_("补正说明"), hint=N_("例如：已重新扫描，第 2 页加盖公章。"), rows=3),),
        supplement_form,
    ),
    Action(
        ChangeKind.ENDORSE,
        N_("初审通过"),
        N_("核对申请人、所填内容和全部材料后，填写初审意见。通过后转县级办理。"),
        N_("初审已通过，转县级办理。"),
        "main",
        (Line("opinion", N_("初审意见"), N_("请填写初审意见")),),
    ),
    Action(
        ChangeKind.ACCEPT,
        N_("受理"),
        N_("材料齐全、符合法定形式的，予以受理；承诺时限从受理之日起计算。"),
        N_("已受理。"),
        "main",
    ),
    Action(ChangeKind.REVIEW, N_("开始审核"), N_("进入审核环节。"), N_("已进入审核。"), "main"),
    Action(
        ChangeKind.GRANT,
        N_("准予"),
        N_("请看完下列全部材料。您的决定以本页显示的内容为准。"),
        N_("已作出准予决定。"),
        "main",
        body=seen_body,
    ),
    Action(
        ChangeKind.SPECIAL_RESULT,
        N_("登记特别程序结果"),
        N_("特别程序结束后在这里登记，办理期限从登记之日起继续计算。"),
        N_("特别程序结果已登记，恢复计时。"),
        "main",
        (Line("opinion", N_("结果"), N_("请填写特别程序的结果"), rows=3),),
    ),
    Action(
        ChangeKind.ATTACH_RESULT,
        N_("上传结果文书"),
        N_("上传已签发的证照、决定书或登记结果，PDF 或图片，一次一份。"),
        N_("结果文书已上传。"),
        "main",
        (Line("title", N_("文书名称"), N_("请填写结果文书名称"), N_("例如：准予行政许可决定书"), rows=1),),
    ),
    Action(
        ChangeKind.CLOSE,
        N_("办结"),
        N_("办结后由收件站点把结果送达申请人。"),
        N_("已办结，等待收件站点送达。"),
        "main",
        (Line("result", N_("办结结果"), N_("请选择办结结果"), rows=0),),
    ),
    Action(
        ChangeKind.DELIVER,
        N_("登记送达"),
        N_("结果交给申请人后在这里登记。"),
        N_("送达已登记。"),
        "main",
        (
            Line("to", N_("领取人"), N_("请填写领取人"), rows=1),
            Line("how", N_("送达方式"), N_("请选择送达方式"), rows=0),
            Line("note", N_("备注"), hint=N_("代领的，写明代领人与申请人的关系。"), rows=2),
        ),
    ),
    Action(
        ChangeKind.CORRECT,
        N_("更正"),
        N_("改正收件时录错的内容。只有改动过的内容会上报，原内容保留在办件经过中。"),
        N_("更正已保存，将随同步上报。"),
        "plain",
        (Line("reason", N_("更正原因"), N_("请填写更正原因"), rows=2),),
        correct_body,
    ),
    Action(
        ChangeKind.ASK_SUPPLEMENT,
        N_("补正告知"),
        N_("一次告知需要补正的全部内容；每条写明对象和要求。告知后办件退回收件站点，补正完成再回到本环节。"),
        N_("补正告知已发出。"),
        "plain",
        (
            Line(
                "until",
                N_("补正的最后期限"),
                hint=N_("逾期不补正的自动办结；不填则不设期限。"),
                rows=1,
                day=True,
            ),
            Line("note", N_("其他说明"), rows=3),
        ),
        defects_body,
    ),
    Action(
        ChangeKind.REFUSE_ACCEPTANCE,
        N_("不予受理"),
        N_("不予受理须说明理由，收件站点会据此书面告知申请人。"),
        N_("已作出不予受理决定。"),
        "danger",
        (
            Line("reason", N_("理由"), N_("请填写不予受理的理由")),
            Line("basis", N_("依据"), hint=N_("法律、法规的名称和条款。"), rows=2),
        ),
    ),
    Action(
        ChangeKind.DENY,
        N_("不予许可"),
        N_("不予许可须说明理由，并告知申请人依法申请行政复议或者提起行政诉讼的权利。"),
        N_("已作出不予许可决定。"),
        "danger",
        (Line("reason", N_("理由"), N_("请填写不予许可的理由")),),
        seen_body,
    ),
    Action(
        ChangeKind.SPECIAL_PROCEDURE,
        N_("特别程序"),
        N_("听证、招标、拍卖、检验、检测、检疫、鉴定、专家评审所需时间不计入办理期限；须把所需时间书面告知申请人。"),
        N_("已进入特别程序，暂停计时。"),
        "plain",
        (
            Line("procedure", N_("程序"), N_("请选择特别程序"), rows=0),
            Line("days", N_("所需天数"), N_("请填写天数"), N_("告知申请人的天数。"), rows=1),
            Line("reason", N_("原因"), N_("请填写需要特别程序的原因"), rows=3),
        ),
        days_body,
    ),
    Action(
        ChangeKind.EXTEND,
        N_("延长审批"),
        N_("经本机关负责人批准，可以延长一次，最多 10 日；须把延长的理由告知申请人。"),
        N_("已延长办理期限。"),
        "plain",
        (
            Line("days", N_("延长天数"), N_("请填写天数"), N_("1 到 10。"), rows=1),
            Line("reason", N_("理由"), N_("请填写延长的理由"), rows=3),
        ),
        days_body,
    ),
    *PROCEDURE_ACTIONS,
    Action(
        ChangeKind.TELL,
        N_("约群众来办"),
        N_(
            "约申请人在某一天来办。保存后列入收件站点的「告知群众」清单，由站点打电话或上门告诉申请人；再约一次，以最后约的为准。"
        ),
        N_("已约好，等待告知申请人。"),
        "plain",
        (
            Line("day", N_("哪一天"), N_("请填写约定的日期"), rows=1, day=True),
            Line("at", N_("几点、在哪里"), N_("请填写几点、在哪里"), N_("例如：上午 9 时，村便民服务站。"), rows=1),
            Line("note", N_("要带什么"), hint=N_("例如：身份证、户口簿原件。"), rows=2),
        ),
        appointment_body,
    ),
    Action(
        ChangeKind.REQUEST_WITHDRAW,
        N_("申请撤回"),
        N_("申请人要求撤回时提出；作出决定之前，承办方的系统会自动同意。"),
        N_("撤回申请已保存，将随同步上报。"),
        "plain",
        (Line("reason", N_("撤回原因"), _REASON, rows=3),),
    ),
    Action(
        ChangeKind.WITHDRAW,
        N_("撤回"),
        N_("撤回后本件不再办理，不能恢复；再办须重新收件。"),
        N_("已撤回。"),
        "danger",
        (Line("reason", N_("撤回原因"), _REASON, rows=3),),
        withdraw_body,
    ),
    Action(
        ChangeKind.DECLINE_REQUEST,
        N_("不同意撤回"),
        N_("说明不能撤回的理由。"),
        N_("已答复撤回申请。"),
        "plain",
        (Line("reason", N_("理由"), N_("请填写不同意的理由"), rows=3),),
        decline_body,
    ),
)
ACTIONS: Mapping[str, Action] = {action.slug: action for action in _ACTIONS}


def offered(view: CaseView) -> list[Action]:
    """The actions that this person may take now, in the order in which buttons stand."""
    return [action for action in _ACTIONS if action.kind in view.allowed]
