"""Credits: what is there, what came and went, and when more is asked for."""

from starlette.responses import Response

from trunkline.accounts import accounts
from trunkline.accounts import settings as account_settings
from trunkline.billing import allowances, credits, metering, prices, statements
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid
from trunkline.web.sections import Section
from trunkline.web.settings import tabs
from trunkline.web.visits import Visit

pages = Section("settings")

SHOWN = 50
RECHARGE = ("auto_recharge_threshold", "auto_recharge_amount", "auto_recharge_url")


@pages.get("/settings/credits", level="admin")
async def show(visit: Visit) -> Response:
    month = visit.query.text("month") or None
    async with visit.tx() as tx:
        summary = await _of_month(tx, month)
        entries = await statements.entries(tx, summary, visit.query.number("before"), SHOWN + 1)
        account = await accounts.current(tx)
        return tabs.page(
            visit,
            "settings/credits.html",
            balance=await credits.balance(tx),
            used_today=await statements.used_today(tx),
            is_metered=await metering.is_metered(tx),
            allowance=await allowances.own(tx),
            month=summary,
            entries=entries[:SHOWN],
            next=visit.here(before=entries[SHOWN - 1].id) if len(entries) > SHOWN else "",
            recharge={name: account_settings.value(account, name) for name in RECHARGE},
            has_agency=account.parent_id is not None,
            is_agency=account.kind == "agency",
            price=prices,
        )


@pages.get("/settings/credits.csv", level="admin")
async def download(visit: Visit) -> Response:
    async with visit.tx() as tx:
        month = await _of_month(tx, visit.query.text("month") or None)
        statement = await statements.of_month(tx, month.month)
    headers = {
        "Content-Disposition": f'attachment; filename="credits-{statement.month}.csv"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(statements.as_csv(statement), headers=headers, media_type="text/csv; charset=utf-8")


@pages.post("/settings/credits", level="admin")
async def change(visit: Visit) -> Response:
    values = {name: visit.form.text(name, most=2_048) for name in RECHARGE}
    async with visit.tx() as tx:
        await account_settings.put(tx, values, egress=tx.database.tools.egress)
    return visit.to("/settings/credits", visit.words("Saved."))


async def _of_month(tx: Tx, month: str | None) -> statements.Summary:
    """An address that somebody typed wrong shows this month."""
    try:
        return await statements.summary(tx, month)
    except Invalid:
        return await statements.summary(tx)
