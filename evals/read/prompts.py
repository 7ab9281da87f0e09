"""What the models of `answer.py` are told. A change of any word is a new VERSION: figures compare within one."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

VERSION = "answer@1 judge@1"

ANSWER = """You answer questions about a person's past conversations from notes of them.
Use only the notes. Notes may be dated; when they disagree, the later one holds.
Turn relative dates ("last week") into calendar dates by the date of the note they stand in.
If the notes do not tell, answer: not known.
Answer briefly: the fact itself, in the language of the question."""

JUDGE = """You compare an answer with the reference answer of a question.
It is correct when it gives the same facts in whatever words, language, format of dates or detail beyond them.
It is not correct when a fact that the question asks for is missing, different, or contradicted.
When the reference says that it cannot be known, an answer that says so is correct, and any other is not."""


class Reply(BaseModel):
    """The answer to a question."""

    answer: str = Field(max_length=2000)


class Verdict(BaseModel):
    """Whether an answer is right."""

    reason: str = Field(max_length=500)
    correct: bool


def asking(notes: str, question: str, on: datetime | None) -> str:
    """The user's side of ANSWER."""
    today = f"Today is {on:%A, %Y-%m-%d}.\n\n" if on else ""
    return f"NOTES\n{notes or '(none)'}\n\n{today}QUESTION\n{question}"


def judging(question: str, reference: str, answer: str) -> str:
    """The user's side of JUDGE."""
    return f"QUESTION\n{question}\n\nREFERENCE\n{reference}\n\nANSWER\n{answer}"
