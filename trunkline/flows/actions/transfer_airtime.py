"""Send airtime to the contact's phone."""

from collections.abc import Generator, Iterable
from decimal import Decimal
from typing import Any

from trunkline.flows import addresses, channels, flow_types
from trunkline.flows.actions.base import HTTP_CATEGORIES, Action, ResultMade, saved
from trunkline.flows.actions.contents import ResultName
from trunkline.flows.events import AirtimeCreated
from trunkline.flows.requests import AirtimeTransfer, Answer, Request
from trunkline.flows.step import Step

OUTPUT_LOCAL = "_new_transfer"
MOST = Decimal(10**15)


class TransferAirtime(Action, frozen=True, kw_only=True):
    type = "transfer_airtime"
    allowed_in = flow_types.ONLINE

    amounts: dict[str, Decimal]
    result_name: ResultName = ""

    def __post_init__(self) -> None:
        if not all(amount.is_finite() and 0 <= amount <= MOST for amount in self.amounts.values()):
            raise ValueError("An amount of airtime lies between 0 and 10^15")

    def results(self) -> Iterable[ResultMade]:
        return saved(self.result_name, *HTTP_CATEGORIES)

    def locals(self) -> Iterable[str]:
        return (OUTPUT_LOCAL,)

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        transfer = yield from self._transfer(step)
        step.set_local(OUTPUT_LOCAL, transfer.uuid if transfer else "")
        if self.result_name:
            amount = str(transfer.amount) if transfer else "0"
            step.save(self.result_name, amount, "Success" if transfer else "Failure")

    def _transfer(self, step: Step) -> Generator[Request, Answer, AirtimeCreated | None]:
        known = (addresses.read(text) for text in step.contact.urns)
        number = next((address for address in known if address.scheme == "tel"), None)
        if number is None:
            step.error("Airtime needs a phone number, and the contact has none.")
            return None
        channel = channels.choose(step.assets, number, "send")
        sender = f"tel:{channel.address}" if channel and channel.address else ""
        answer = yield AirtimeTransfer(sender, number.identity, dict(self.amounts))
        if answer.error:
            step.error(f"Airtime was not sent: {answer.error}")
            return None
        return step.log(
            AirtimeCreated(
                external_id=answer.external_id,
                sender=sender,
                recipient=number.identity,
                currency=answer.currency,
                amount=answer.amount,
            )
        )
