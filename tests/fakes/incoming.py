"""A dispatch that keeps in memory what its gateways bring."""

from collections.abc import Sequence

from services.dispatch.ports import Receipt, Reply


class IncomingInMemory:
    """An `IncomingMessages` that refuses as many calls as it is told to, then keeps everything."""

    def __init__(self, *, refuse_first: int = 0) -> None:
        self.receipts: list[Receipt] = []
        self.replies: list[Reply] = []
        self.refused = 0
        self._refuse_first = refuse_first

    async def on_receipts(self, receipts: Sequence[Receipt]) -> None:
        self._refuse()
        self.receipts.extend(receipts)

    async def on_reply(self, reply: Reply) -> None:
        self._refuse()
        self.replies.append(reply)

    def _refuse(self) -> None:
        if self.refused < self._refuse_first:
            self.refused += 1
            raise ConnectionError("the database is away")
