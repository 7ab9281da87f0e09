"""Each loader of evals/read on a tiny file in its data set's public shape; all content is made up."""

import gzip
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "evals" / "read"))

from cases import Case, Message, Question
from datasets import scan


def write(file, value):
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".gz":
        file.write_bytes(gzip.compress(json.dumps(value).encode()))
    elif file.suffix == ".jsonl" or file.name.startswith("MADial"):
        file.write_text("\n".join(json.dumps(each, ensure_ascii=False) for each in value), encoding="utf-8")
    else:
        file.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


@pytest.fixture
def load(tmp_path):
    """Write one file and load the one data set that is then in the folder."""

    def one(name, value):
        write(tmp_path / name, value)
        found, _ = scan(tmp_path)
        assert len(found) == 1
        return found[0].load()

    return one


def test_an_empty_folder_has_nothing_and_says_where_everything_comes_from(tmp_path):
    found, missing = scan(tmp_path)
    assert found == []
    assert [line.split(":")[0] for line in missing] == [
        "LoCoMo",
        "LongMemEval",
        "MADial-Bench",
        "BEAM",
        "REALTALK",
        "LifeBench",
    ]
    assert all("github.com/" in line for line in missing)


@pytest.mark.parametrize("name", ["locomo10.json", "deep/er/locomo_dev.json.gz"])
def test_locomo_is_read_turn_by_turn_with_its_odd_evidence_put_right(load, name):
    sample = {
        "sample_id": "conv-1",
        "conversation": {
            "speaker_a": "Ada",
            "speaker_b": "Ben",
            "session_2": [{"speaker": "Ben", "dia_id": "D2:1", "text": "The kiln broke."}],
            "session_2_date_time": "9:00 am on 9 May, 2023",
            "session_1": [
                {"speaker": "Ada", "dia_id": "D1:1", "text": "I fired a vase.", "query": "never said"},
                {"speaker": "Ben", "dia_id": "D1:2", "text": "Nice!", "blip_caption": "a blue vase"},
                {"speaker": "Ada", "dia_id": "D1:3", "text": ""},
            ],
            "session_1_date_time": "1:56 pm on 8 May, 2023",
        },
        "qa": [
            {"question": "What did Ada make?", "answer": "a vase", "evidence": ["D1:1; D:2:01", "D9:9"], "category": 1},
            {"question": "When did the kiln break?", "answer": 2023, "evidence": [], "category": 2},
            {"question": "What did Ben buy?", "adversarial_answer": "a kiln", "evidence": ["D1:1"], "category": 5},
        ],
    }
    assert load(name, [sample]) == [
        Case(
            id="conv-1",
            messages=(
                Message(id="D1:1", text="I fired a vase.", session="1", name="Ada", at=at(2023, 5, 8, 13, 56)),
                Message(
                    id="D1:2",
                    text="Nice! [shares an image: a blue vase]",
                    session="1",
                    name="Ben",
                    at=at(2023, 5, 8, 13, 56, 5),
                ),
                Message(id="D2:1", text="The kiln broke.", session="2", name="Ben", at=at(2023, 5, 9, 9)),
            ),
            questions=(
                Question(
                    id="conv-1/0",
                    text="What did Ada make?",
                    category="multi-hop",
                    gold=("D1:1", "D2:1"),
                    answer="a vase",
                ),
                Question(id="conv-1/1", text="When did the kiln break?", category="temporal", gold=(), answer="2023"),
            ),
        )
    ]


def test_longmemeval_is_a_case_a_question_with_sessions_as_gold(load):
    asked = {
        "question_id": "q1",
        "question_type": "temporal-reasoning",
        "question": "When did I plant the fig?",
        "answer": "in March",
        "question_date": "2023/05/30 (Tue) 11:49",
        "haystack_dates": ["2023/05/20 (Sat) 01:38", "2023/05/21 (Sun) 02:00"],
        "haystack_session_ids": ["s_a", "s_b"],
        "haystack_sessions": [
            [{"role": "user", "content": "Hello", "has_answer": False}, {"role": "assistant", "content": " "}],
            [{"role": "user", "content": "I planted a fig in March.", "has_answer": True}],
        ],
        "answer_session_ids": ["s_b", "s_b"],
    }
    unanswerable = asked | {"question_id": "q2_abs"}
    first, second = load("longmemeval_s_cleaned.json", [asked, unanswerable])
    assert first == Case(
        id="q1",
        messages=(
            Message(id="s_a#0", text="Hello", session="s_a", at=at(2023, 5, 20, 1, 38)),
            Message(id="s_b#0", text="I planted a fig in March.", session="s_b", at=at(2023, 5, 21, 2)),
        ),
        questions=(
            Question(
                id="q1",
                text="When did I plant the fig?",
                category="temporal-reasoning",
                gold=("s_b",),
                level="session",
                asked_on=at(2023, 5, 30, 11, 49),
                answer="in March",
            ),
        ),
    )
    assert (second.questions[0].category, second.questions[0].gold) == ("unanswerable", ())


def test_madial_asks_with_the_last_three_turns_before_the_recall(tmp_path):
    folder = tmp_path / "madial"
    memory = {"time": "2023-12-25", "scene": "activity", "emotion": "joy", "event": "Kim sang."}
    write(folder / "MADial-Bench-en-memory.json", [{"7": memory | {"user-id": 1, "id": "7"}}])
    said = ["<BOD>", '<Kim>: "One"', '<Assistant>: "Two"', '<Kim>: "Three"', '<Kim>: "Four"', '<Assistant>: "Recall!"']
    asked = {"dialogue": said, "relevant-id": [7, 99], "user-id": 1}
    write(folder / "MADial-Bench-en-dialogue.json", [asked | {"test-turn": [5]}, asked | {"test-turn": []}])
    (found,), _ = scan(tmp_path)
    (case,) = found.load()
    assert found.name == "madial_en"
    assert case.messages == (
        Message(id="7", text="2023-12-25 activity joy Kim sang.", session="7", at=at(2023, 12, 25)),
    )
    assert [(each.text, each.gold) for each in case.questions] == [
        (' "Two"  "Three"  "Four"', ("7",)),
        (' "Three"  "Four"  "Recall!"', ("7",)),
    ]


CHAT = [
    {
        "batch_number": 1,
        "time_anchor": None,
        "turns": [
            [
                {
                    "role": "user",
                    "id": 0,
                    "content": "My sprint ends on Friday. ->-> 1,1",
                    "time_anchor": "March-15-2024",
                },
                {"role": "assistant", "id": 1, "content": "Noted."},
            ],
        ],
    },
    {
        "batch_number": 2,
        "time_anchor": "March-20-2024",
        "turns": [[{"role": "user", "id": 2, "content": "x -> y is fine; the sprint now ends on Monday."}]],
    },
]

PROBES = {
    "knowledge_update": [
        {
            "question": "When does my sprint end?",
            "answer": "Monday",
            "source_chat_ids": {"original_info": [0], "updated_info": [2, 2]},
        }
    ],
    "abstention": [{"question": "Who is my boss?", "ideal_response": "That was never said."}],
}


def test_beam_is_read_from_its_repository(tmp_path):
    folder = tmp_path / "BEAM" / "chats" / "100K" / "3"
    write(folder / "chat.json", CHAT)
    write(folder / "probing_questions" / "probing_questions.json", PROBES)
    (found,), _ = scan(tmp_path)
    assert found.name == "beam_100K"
    assert found.load() == [
        Case(
            id="100K-3",
            messages=(
                Message(id="0", text="My sprint ends on Friday.", session="0", at=at(2024, 3, 15)),
                Message(id="1", text="Noted.", session="0", role="assistant", at=at(2024, 3, 15)),
                Message(id="2", text="x -> y is fine; the sprint now ends on Monday.", session="1", at=at(2024, 3, 20)),
            ),
            questions=(
                Question(
                    id="100K-3/knowledge_update/0",
                    text="When does my sprint end?",
                    category="knowledge update",
                    gold=("0", "2"),
                    answer="Monday",
                ),
                Question(
                    id="100K-3/abstention/0",
                    text="Who is my boss?",
                    category="abstention",
                    gold=(),
                    answer="That was never said.",
                ),
            ),
        )
    ]


def test_beam_rows_of_the_hub_have_batches_as_lists_and_questions_as_a_literal(load):
    batches = [[message for turn in batch["turns"] for message in turn] for batch in CHAT]
    row = {"conversation_id": "3", "chat": batches, "probing_questions": repr(PROBES)}
    (case,) = load("beam_100k.jsonl", [row])
    assert [(each.id, each.session, each.at) for each in case.messages] == [
        ("0", "0", at(2024, 3, 15)),
        ("1", "0", at(2024, 3, 15)),
        ("2", "1", None),
    ]
    assert case.questions[0].gold == ("0", "2")


def test_beam_of_ten_million_tokens_has_plans_and_a_repeated_id_is_no_gold(load):
    row = {"conversation_id": "1", "chat": [{"plan-1": CHAT}, {"plan-2": CHAT[1:]}], "probing_questions": PROBES}
    (case,) = load("beam_10m.json", [row])
    assert [each.id for each in case.messages] == ["0", "1", "2", "2#2"]
    assert case.questions[0].gold == ()


def test_realtalk_has_a_file_a_pair_of_people_and_a_time_a_message(tmp_path):
    write(
        tmp_path / "REALTALK" / "data" / "Chat_1_Lee_Mo.json",
        {
            "name": {"speaker_1": "Lee", "speaker_2": "Mo"},
            "session_1": [
                {"clean_text": "Ran 5k", "speaker": "Lee", "date_time": "29.12.2023, 00:51:12", "dia_id": "D1:1"},
                {"clean_text": "Wow", "speaker": "Mo", "dia_id": "D1:2"},
            ],
            "events_session_1": {"agent_a": []},
            "session_1_date_time": "29.12.2023, 00:51:00",
            "qa": [{"question": "When did Lee run?", "answer": "29 December", "evidence": ["D1:1"], "category": 2}],
        },
    )
    (found,), _ = scan(tmp_path)
    assert found.load() == [
        Case(
            id="Chat_1_Lee_Mo",
            messages=(
                Message(id="D1:1", text="Ran 5k", session="1", name="Lee", at=at(2023, 12, 29, 0, 51, 12)),
                Message(id="D1:2", text="Wow", session="1", name="Mo", at=at(2023, 12, 29, 0, 51, 5)),
            ),
            questions=(
                Question(
                    id="Chat_1_Lee_Mo/0",
                    text="When did Lee run?",
                    category="dates",
                    gold=("D1:1",),
                    answer="29 December",
                ),
            ),
        )
    ]


def test_lifebench_has_the_day_of_asking_and_evidence_in_two_forms(load):
    person = {
        "sample_id": "lin",
        "conversation": {
            "speaker_a": "林",
            "session_1": [
                {"speaker": "林", "dia_id": "2025-01-02_sms4", "text": "簡訊：訂了火鍋"},
                {"speaker": "林", "dia_id": "2025-01-02_note1", "text": "筆記：買米"},
            ],
            "session_1_date_time": "2025-01-02",
        },
        "qa": [
            {
                "question": "（提问时间：2025-06-01）我訂了什麼？",
                "answer": "火鍋",
                "evidence": [{"source": "sms", "phone_id": 4, "session_date": "2025-01-02"}, {"source": "call"}],
                "question_type": ["Single_hop", "Temporal"],
                "question_id": "lin_qa1",
                "ask_time": "2025-06-01",
            },
            {"question": "我買了什麼？", "answer": ["米"], "evidence": ["2025-01-02_note1"], "category": "Multi_hop"},
        ],
    }
    (case,) = load("lifebench_locomo_format.json", [person])
    assert case.questions == (
        Question(
            id="lin_qa1",
            text="我訂了什麼？",
            category="Single_hop",
            gold=("2025-01-02_sms4",),
            asked_on=at(2025, 6, 1),
            answer="火鍋",
        ),
        Question(id="lin/1", text="我買了什麼？", category="Multi_hop", gold=("2025-01-02_note1",), answer="米"),
    )
    assert [each.at for each in case.messages] == [at(2025, 1, 2), at(2025, 1, 2, 0, 0, 5)]


def at(*parts):
    return datetime(*parts, tzinfo=UTC)
