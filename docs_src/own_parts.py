# begin extractor
from mnemic import Memory
from mnemic.testing.fakes import FakeEmbedder
from mnemic.types import Extraction, ExtractionRequest, Fact


class Marked:
    """Keeps what is marked."""

    name = "marked@1"

    async def extract(self, request: ExtractionRequest) -> Extraction:
        return Extraction(
            facts=tuple(
                Fact(text=turn.content, turn=place, quote=turn.content)
                for place, turn in enumerate(request.turns)
                if turn.content.endswith("#keep")
            )
        )


m = Memory(":memory:", extractor=Marked(), embedder=FakeEmbedder())
print(m.add(["It rains.", "The pool opens at nine. #keep"], user_id="alice")["results"][0]["memory"])
# end extractor
m.close()
