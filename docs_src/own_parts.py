# begin extractor
from mnemic import Memory
from mnemic.testing.fakes import FakeEmbedder
from mnemic.types import Extraction, ExtractionRequest, Fact


class Questions:
    """Keeps what users ask."""

    name = "questions@1"

    async def extract(self, request: ExtractionRequest) -> Extraction:
        return Extraction(
            facts=tuple(
                Fact(text=turn.content, turn=place, quote=turn.content)
                for place, turn in enumerate(request.turns)
                if turn.content.endswith("?")
            )
        )


m = Memory(":memory:", extractor=Questions(), embedder=FakeEmbedder())
print(m.add(["Hello!", "Is the pool open on Sundays?"], user_id="alice")["results"][0]["memory"])
# end extractor
m.close()
