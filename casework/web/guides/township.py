"""The guides of a township hall: its window, and first review."""

from __future__ import annotations

from casework.policy import Role
from casework.texts import N_
from casework.web.guides.guide import Guide, Step, Trouble
from casework.web.guides.village import DISK, NO_SIGN_IN, OFFLINE, POWER, REFUSED

_BUNDLE = Trouble(
    N_("村里带来U盘"),
    N_("打开「U盘包」导入，等页面写着已导入再拔。然后给这个村导出一个U盘包带回去，村里才看得到回执和答复。"),
)
_CALL = N_("账号和密码：找县级系统管理员。程序出错：把页面上的事故编号告诉县级运维。")

TOWNSHIP_CLERK = Guide(
    Role.TOWNSHIP_CLERK,
    N_("您在乡镇窗口收件，帮各村把数据传到县里，并送达本窗口办件的结果。"),
    (
        Step(N_("先看「今日」"), N_("有红字提醒的先办；要告知的，打开「告知群众」，照着说，说完登记。")),
        Step(N_("窗口收件"), N_("点「新收件」，选事项，问清情形，录入申请人和表单，扫描材料，核对后点「确认收件」。")),
        Step(N_("打印回执"), N_("在办件页点「打印文书」，把收件回执交给申请人；窗口纸张窄的选 80 毫米小票。")),
        Step(N_("补正和送达"), N_("补材料的点「提交补正材料」；结果交给申请人以后点「登记送达」。")),
        Step(N_("替村里传U盘"), N_("断网的村会带U盘来：打开「U盘包」，先导入，再给这个村导出一个带回。")),
        Step(N_("下班前看「运行状态」"), N_("看本厅有没有上报受阻。受阻的照着写的原因处理；电脑不要关。")),
    ),
    (OFFLINE, _BUNDLE, POWER, REFUSED, NO_SIGN_IN, DISK),
    (
        N_("材料和条件：问办件页上写的承办部门。收错的内容，受理之前在办件页点「更正」。"),
        _CALL,
        N_("账号只能自己用，离开窗口时点「退出登录」。"),
    ),
)

TOWNSHIP_REVIEWER = Guide(
    Role.TOWNSHIP_REVIEWER,
    N_("您核对所辖各村和本厅窗口收的件：齐全的初审通过转县级，不齐的一次告知要补什么。由乡镇决定的事项，您直接办。"),
    (
        Step(N_("打开「初审」"), N_("最早的在前。先办快到期的：行政许可申请自收件起五个工作日内要答复申请人。")),
        Step(N_("核对"), N_("看申请人、所填内容和每一页材料是不是同一个人、同一件事，字迹能不能看清。")),
        Step(N_("初审通过"), N_("齐全的写一句初审意见，点「初审通过」，办件自动转县级。")),
        Step(
            N_("补正告知"),
            N_("不齐的点「补正告知」，把要补的一次写全：哪一样、怎样才合格、哪天以前。不得分几次要。"),
        ),
        Step(
            N_("本级决定的事项"),
            N_("依次点「受理」「开始审核」「准予」或「不予许可」。自己收的件不能由自己决定（受审分离）。"),
        ),
        Step(N_("看各村"), N_("在「运行状态」看本厅有没有上报受阻；哪个村好几天没有联系，打电话问一问。")),
    ),
    (
        OFFLINE,
        _BUNDLE,
        Trouble(
            N_("材料页还没有传到"),
            N_("能先看预览；急着看原件，点「现在要原件」让它先传。村里断网的，请村里用U盘送来。"),
        ),
        Trouble(
            N_("点了按钮，说环节已变"),
            N_("别的单位已经先办了一步，您这一步没有保存，也没有弄乱什么。刷新办件，看最新进度再办。"),
        ),
        REFUSED,
        NO_SIGN_IN,
    ),
    (
        N_("条件和标准：问办件页上写的县级承办部门。收件有误：打电话给收件的村站。"),
        _CALL,
    ),
)
