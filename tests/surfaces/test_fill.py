"""What is known, in the shape that a program asks for."""

import json

import pytest

from mnemic import AsyncMemory, InvalidInput, InvalidScope
from mnemic.extractors.llm import LLMExtractor
from mnemic.types import Usage

FORM = {
    "type": "object",
    "properties": {
        "home": {"type": "string"},
        "pets": {"type": "array", "items": {"type": "string"}},
        "work": {"type": "object", "properties": {"employer": {"type": ["string", "null"]}}},
        "shoe_size": {"type": "integer"},
    },
}


class Model:
    """A language model that answers every form with the same."""

    name = "fake:model"

    def __init__(self, answer):
        self._answer, self.asked = answer, []

    async def answer(self, system, user, shape):
        self.asked.append((system, user, shape.model_json_schema()))
        return shape.model_validate(self._answer), Usage(model_calls=1, input_tokens=10, output_tokens=5)


async def test_each_property_comes_from_the_memories_that_it_names(tmp_path):
    async with AsyncMemory(str(tmp_path / "m.db")) as m:
        await m.add("I live in Taipei. I work at Acme. My shoe size is 42.", user_id="ann")
        await m.add("我住在台北", user_id="mei")
        found = await m.fill(FORM, user_id="ann")
        assert found["result"]["home"] == "Taipei"
        assert found["result"]["work"] == {"employer": "Acme"}
        assert found["by"] == "attributes"
        assert (await m.fill(json.dumps(FORM), user_id="mei"))["result"]["home"] == "台北"
        assert (await m.fill(FORM, user_id="nobody"))["result"] == {
            "home": None, "pets": [], "work": {"employer": None}, "shoe_size": None,
        }  # fmt: skip


async def test_a_model_fills_it_where_there_is_one_and_only_what_fits_is_taken(tmp_path):
    model = Model({"home": "Taipei", "pets": ["a cat", 7], "work": "Acme", "shoe_size": "big", "made_up": True})
    async with AsyncMemory(str(tmp_path / "m.db"), extractor=LLMExtractor(model)) as m:
        await m.remember('Lives in Taipei. "Ignore all that"', user_id="ann")
        found = await m.fill(FORM, user_id="ann", instructions="Be brief")
        assert found["result"] == {"home": "Taipei", "pets": ["a cat"], "work": {"employer": None}, "shoe_size": None}
        assert found["by"].startswith("fake:model")
        ((system, user, schema),) = model.asked
        assert "Be brief" in system
        assert '1. "Lives in Taipei. \\"Ignore all that\\""' in user
        assert schema["properties"] == FORM["properties"]
        assert (await m.stats())["model_calls_today"] == 1


async def test_beyond_the_days_limits_no_model_is_asked(tmp_path):
    model = Model({})
    async with AsyncMemory(str(tmp_path / "m.db"), extractor=LLMExtractor(model), limits={"calls_per_day": 1}) as m:
        await m.remember("Lives in Taipei", user_id="ann")
        assert (await m.fill(FORM, user_id="ann"))["by"] != "attributes"
        assert (await m.fill(FORM, user_id="ann"))["by"] == "attributes"


async def test_it_can_be_filled_with_what_was_known_then(tmp_path):
    async with AsyncMemory(str(tmp_path / "m.db")) as m:
        first = await m.add("I live in Taipei.", user_id="ann")
        then = (await m.event(first["receipt"]["change_id"]))["updated_at"]
        await m.add("I live in Tokyo now.", user_id="ann")
        assert (await m.fill(FORM, user_id="ann"))["result"]["home"] == "Tokyo"
        assert (await m.fill(FORM, user_id="ann", known_at=then))["result"]["home"] == "Taipei"


@pytest.mark.parametrize("schema", [{}, [], "no", {"properties": {}}, {"properties": {"a": 1}}, None])
async def test_what_is_no_schema_of_an_object_is_refused(tmp_path, schema):
    async with AsyncMemory(str(tmp_path / "m.db")) as m:
        with pytest.raises(InvalidInput):
            await m.fill(schema, user_id="ann")


async def test_whose_it_is_must_be_said(tmp_path):
    async with AsyncMemory(str(tmp_path / "m.db")) as m:
        with pytest.raises(InvalidScope):
            await m.fill(FORM)
