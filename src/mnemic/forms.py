"""The part of the user's API that gives what is known in a shape that a program asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mnemic import inputs, present
from mnemic.asking import Asking
from mnemic.filling import checked_schema, filled, fitted
from mnemic.inputs import UNSET, Id, When
from mnemic.protocols import Filler, Write
from mnemic.times import now
from mnemic.types import FillResult

_MOST = 1000  # memories that a form is filled from: what fits into a prompt of most models, newest first


class Forms(Asking):
    """Methods of `AsyncMemory`."""

    async def fill(
        self,
        schema: Mapping[str, Any] | str,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        filters: Mapping[str, Any] | None = None,
        instructions: str | None = None,
        known_at: When | None = None,
    ) -> FillResult:
        """Fill a JSON schema of an object from the newest thousand memories of a scope.

        With a language model it is filled by that; without one, or beyond the day's limits, each property comes from
        the memories whose attribute, kind or category it names. What no memory says is null, or an empty list.

        Args:
            schema: as a dictionary or as JSON, with `properties`.
            instructions: how to fill it, for the model.
            known_at: a moment of the store: what was known then.

            The rest is as in `get_all`; at least one id.

        Raises:
            InvalidInput: a schema that cannot be used. InvalidScope: no id. ModelError: the model failed.

        >>> from mnemic import Memory
        >>> m = Memory(":memory:")
        >>> _ = m.add("I live in Taipei.", user_id="alice")
        >>> m.fill({"properties": {"home": {"type": "string"}, "pets": {"type": "array"}}}, user_id="alice")["result"]
        {'home': 'Taipei', 'pets': []}
        """
        wanted = checked_schema(schema)
        instructions = None if instructions is None else inputs.text(instructions, "instructions")
        ids = inputs.ids(user_id, agent_id, app_id, run_id)
        where = self._where(ids, filters, None, show_expired=False, past=False, known_at=known_at)
        inputs.require_ids(where.scope, "fill()")
        engine = await self._engine.ready()
        memories = (await engine.store.page(where, limit=_MOST, cursor=None)).memories
        model, at = engine.extractor, now()
        if isinstance(model, Filler) and memories and not await engine.write.over_budget(engine.project, at):
            answer, usage = await model.fill(wanted, [each.words for each in memories], instructions)
            await engine.store.commit(Write(scope=where.scope, at=at, spent=usage))
            return {"result": fitted(wanted, answer), "by": model.name, "memories": len(memories)}
        result = filled(wanted, [present.item(each) for each in memories])
        return {"result": result, "by": "attributes", "memories": len(memories)}
