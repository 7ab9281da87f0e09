"""How well messages become memories: the labelled set through the public API, as one table.

    python evals/write/score.py                                   rules, no model
    python evals/write/score.py --llm local:/model.gguf --fixed-60
    python evals/write/score.py --llm openai:name --base-url http://127.0.0.1:8080/v1 --failures

Each case runs under a user of its own. With a model, what each case left behind is kept on disk, in
a folder named by model, prompt VERSION and code, so a run that was stopped goes on where it was.
What is observed is kept, not the score: changed labels are scored anew without a run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import labelled
import platformdirs
from labelled import Case, Label
from wilson import Share

import mnemic
from mnemic import Memory
from mnemic.errors import MnemicError
from mnemic.prompts import extract


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llm", help="a model's name as Memory takes it; none: rules")
    parser.add_argument("--base-url", help="an OpenAI-compatible endpoint for the model")
    parser.add_argument("--fixed-60", action="store_true", help="only the sixty cases of fixed60.txt")
    parser.add_argument("--failures", action="store_true", help="list each case that failed, and why")
    given = parser.parse_args()
    cases = labelled.load()
    if given.fixed_60:
        cases = labelled.fixed_60(cases)
    seen = observe(cases, llm=given.llm, base_url=given.base_url)
    judged = [judge(case, seen[case.id]) for case in cases if not case.unknown]
    print(f"extractor: {given.llm or 'rules'}, {len(cases)} cases\n")
    print(table(judged))
    print("\n" + notes(cases, seen))
    if given.failures:
        print("\n" + "\n".join(failures(judged)))
    return 0


# Running.


def observe(cases: Sequence[Case], *, llm: str | None = None, base_url: str | None = None) -> dict[str, dict[str, Any]]:
    """What each case left behind, by its id."""
    folder = None if llm is None else _folder(llm)
    if folder is not None:
        print(f"results are kept in {folder}", file=sys.stderr)
    seen = {}
    memory = Memory(":memory:", llm=llm, llm_base_url=base_url)
    try:
        for number, case in enumerate(cases, 1):
            seen[case.id] = _kept_or_run(memory, case, folder)
            if folder is not None:
                print(f"{number} of {len(cases)}: {case.id}", file=sys.stderr, flush=True)
    finally:
        memory.close()
    return seen


def _folder(llm: str) -> Path:
    name = f"{llm.rsplit('/', 1)[-1].replace(':', '-')}-prompt{extract.VERSION}-{_code_version()}"
    folder = Path(platformdirs.user_cache_dir("mnemic", appauthor=False)) / "evals-write" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _code_version() -> str:
    """A hash of all the code that decides what is kept."""
    package = Path(mnemic.__file__).parent
    files = sorted(each for each in package.rglob("*") if each.suffix in (".py", ".toml", ".sql"))
    return hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()[:12]


def _kept_or_run(memory: Memory, case: Case, folder: Path | None) -> dict[str, Any]:
    if folder is None:
        return run(memory, case)
    file = folder / f"{case.id}-{hashlib.sha256(case.script.encode()).hexdigest()[:8]}.json"
    if not file.exists():
        seen = run(memory, case)
        part = file.with_suffix(".part")
        part.write_text(json.dumps(seen, ensure_ascii=False, indent=1), encoding="utf-8")
        part.replace(file)  # a run that is stopped leaves no half of a result
    return json.loads(file.read_text(encoding="utf-8"))


def run(memory: Memory, case: Case) -> dict[str, Any]:
    """Add the case's messages; what stands at the end, what was retired on the way, what grew by a merge."""
    known: dict[str, dict[str, Any]] = {}  # every memory ever seen, as it was when last seen
    standing: dict[str, dict[str, Any]] = {}
    seen: dict[str, Any] = {"merges": [], "pending": 0, "calls": 0, "tokens": 0, "error": None}
    former: list[dict[str, Any]] = []
    for messages in case.adds:
        try:
            answer = memory.add([dict(message) for message in messages], user_id=case.id)
        except MnemicError as exc:
            seen["error"] = f"{type(exc).__name__}: {exc}"
            continue
        usage = answer["receipt"]["usage"]
        seen["calls"] += usage["model_calls"]
        seen["tokens"] += usage["input_tokens"]
        seen["pending"] += sum(each["state"] in ("pending", "failed") for each in answer["receipt"]["messages"])
        before, standing = standing, _standing(memory, case.id)
        for each in answer["results"]:
            if each["event"] == "ADD" and each["id"] not in standing:  # born retired, or retired in the same call
                known[each["id"]] = _gone(memory, each)
        for key, item in standing.items():
            if key in before:
                changed = item["memory"] != before[key]["memory"]
                grown = max(len(item["said_in"]) - len(before[key]["said_in"]), 0)
                seen["merges"] += [{"id": key, "changed": changed}] * grown
                if changed:
                    former.append(before[key])
        known |= standing
    seen["current"] = list(standing.values())
    seen["retired"] = [item for key, item in known.items() if key not in standing]
    seen["former"] = former
    return seen


def _standing(memory: Memory, user: str) -> dict[str, dict[str, Any]]:
    listed = memory.get_all(user_id=user, top_k=1000)["results"]
    return {item["id"]: _brief(item) for item in listed}


def _gone(memory: Memory, added: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return _brief(memory.get(added["id"]))
    except MnemicError:
        return _brief(added)


def _brief(item: Mapping[str, Any]) -> dict[str, Any]:
    sources = item.get("sources") or []
    return {
        "id": item["id"],
        "memory": item["memory"],
        "quotes": [source["quote"] for source in sources],
        "said_in": sorted({source["episode_id"] for source in sources}),
        "speakers": sorted({str(name) for name in (item.get("actor_id"), *(s["actor_id"] for s in sources)) if name}),
        "subject": item.get("subject"),
        "attribute": item.get("attribute"),
        "by": item.get("attributed_to"),
    }


# Judging.


@dataclass(kw_only=True)
class Tally:
    """Counts that add up over cases: of so many, so many were right."""

    cases: Share = field(default_factory=Share)
    kept_precision: Share = field(default_factory=Share)
    kept_recall: Share = field(default_factory=Share)
    superseded_precision: Share = field(default_factory=Share)
    superseded_recall: Share = field(default_factory=Share)
    merged_precision: Share = field(default_factory=Share)
    merged_recall: Share = field(default_factory=Share)
    collateral: Share = field(default_factory=Share)
    """Of the memories that should stand, those that were retired: lower is better."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One case, scored."""

    case: Case
    tally: Tally
    faults: tuple[str, ...]


def judge(case: Case, seen: Mapping[str, Any]) -> Judged:
    """Hold what a case left behind against its labels."""
    faults = [f"error: {seen['error']}"] if seen["error"] else []
    tally = Tally()
    for part in (_kept, _superseded, _stood, _merged):
        counted, found = part(case, seen)
        tally += counted
        faults += found
    tally += Tally(cases=Share(int(not faults), 1))
    return Judged(case=case, tally=tally, faults=tuple(faults))


def _kept(case: Case, seen: Mapping[str, Any]) -> tuple[Tally, list[str]]:
    """Recall: of the facts that must be there, those that are. Precision: of what is there, what was a fact."""
    tally, faults = Tally(), []
    for label, n in [(label, 1) for label in case.current] + [(label, label.n) for label in case.count]:
        found = sum(_fits(label, item) for item in seen["current"])
        tally.kept_recall += Share(min(found, n), n)
        if found < n:
            faults.append(f"missing: {label}" + (f" ({found} of {n})" if n > 1 else ""))
    for item in seen["current"]:
        right = any(_fits(label, item) for label in _facts(case))
        tally.kept_precision += Share(int(right), 1)
        if not right:
            faults.append(f"extra: {item['memory']!r} [{item['subject']}.{item['attribute']}]")
    return tally, faults


def _superseded(case: Case, seen: Mapping[str, Any]) -> tuple[Tally, list[str]]:
    """Recall: of what must be out of date, what was retired and does not stand."""
    tally, faults = Tally(), []
    gone = [*seen["retired"], *seen["former"]]
    for label in (*case.history, *case.not_current):
        stands = any(label.occurs_in(item["memory"]) for item in seen["current"])
        was = label in case.not_current or any(_fits(label, item) for item in gone)
        tally.superseded_recall += Share(int(was and not stands), 1)
        if stands or not was:
            faults.append(f"{'still current' if stands else 'not in history'}: {label}")
    return tally, faults


def _stood(case: Case, seen: Mapping[str, Any]) -> tuple[Tally, list[str]]:
    """Precision of superseding: of what was retired, what had to be; and what was hit beside it."""
    tally, faults = Tally(), []
    facts = _facts(case)
    for item in seen["retired"]:
        due = any(_fits(label, item) for label in case.history)
        due = due or any(label.occurs_in(item["memory"]) for label in case.not_current)
        said_elsewhere = any(
            _fits(label, item) and any(_fits(label, other) for other in seen["current"]) for label in facts
        )
        if due or not said_elsewhere:  # else a fuller form took it in: a merge
            tally.superseded_precision += Share(int(due), 1)
        if not due:
            tally.collateral += Share(int(not said_elsewhere), 1)
            if not said_elsewhere:
                faults.append(f"collateral: {item['memory']!r}")
    tally.collateral += Share(0, sum(any(_fits(label, item) for label in facts) for item in seen["current"]))
    return tally, faults


def _merged(case: Case, seen: Mapping[str, Any]) -> tuple[Tally, list[str]]:
    """Recall: of the repetitions, those that became a source. Precision: of those that did, the repetitions."""
    tally, faults = Tally(), []
    everything = {item["id"]: item for item in (*seen["retired"], *seen["current"])}
    for label in case.count:
        found = sum(_fits(label, item) for item in seen["current"])
        if found > label.n:
            faults.append(f"doubled: {label} ({found}, not {label.n})")
    for label in case.sources:
        most = max((len(item["said_in"]) for item in seen["current"] if _fits(label, item)), default=0)
        tally.merged_recall += Share(max(min(most, label.n) - 1, 0), label.n - 1)
        if most < label.n:
            faults.append(f"unmerged: {label} ({most} sources of {label.n})")
    for merge in seen["merges"]:
        item = everything[merge["id"]]
        right = any(_fits(label, item) for label in case.sources)
        if merge["changed"] and not right:
            continue  # its text was corrected or replaced, which is judged above
        tally.merged_precision += Share(int(right), 1)
        if not right:
            faults.append(f"wrongly merged: {item['quotes']}")
    return tally, faults


def _facts(case: Case) -> tuple[Label, ...]:
    """Whatever was said that lasts, in date or not."""
    return (*case.current, *case.may, *case.count, *case.sources, *case.history, *case.not_current)


def _fits(label: Label, item: Mapping[str, Any]) -> bool:
    """Whether a memory is the one that a label names, with all that is asked of it."""
    if not label.occurs_in("\n".join((item["memory"], *item["quotes"]))):
        return False
    if label.subject == "user" and item["subject"] != "user":
        return False
    if label.subject == "other" and item["subject"] == "user":
        return False
    if label.by is not None and item["by"] != label.by:
        return False
    named = (*item["speakers"], item["subject"] or "")
    return label.speaker is None or label.speaker in named or label.speaker in item["memory"]


# Printing.


_HEADS = (
    ("cases", "cases right"),
    ("kept_precision", "kept: precision"),
    ("kept_recall", "kept: recall"),
    ("superseded_precision", "superseded: precision"),
    ("superseded_recall", "superseded: recall"),
    ("merged_precision", "merged: precision"),
    ("merged_recall", "merged: recall"),
    ("collateral", "collateral"),
)


def table(judged: Sequence[Judged]) -> str:
    """One row a topic and group of languages, then the languages, then what rules claim and what they do not."""
    claimed = [each for each in judged if not each.case.needs_model]
    beyond = [each for each in judged if each.case.needs_model]
    rows = []
    for topic in sorted({each.case.topic for each in claimed}):
        for group in ("en", "zh", "mixed"):
            of = [each for each in claimed if each.case.topic == topic and each.case.language.split("-")[0] == group]
            if of:
                rows.append((f"{topic}, {group}", of))
    rows += [
        (f"ALL {language}", [each for each in claimed if each.case.language == language])
        for language in labelled.LANGUAGES
    ]
    rows += [("CLAIMED", claimed), ("NOT CLAIMED (needs a model)", beyond), ("EVERYTHING", list(judged))]
    lines = [["", *(head for _, head in _HEADS)]]
    for name, of in rows:
        total = sum((each.tally for each in of), Tally())
        lines.append([name, *(str(getattr(total, key)) for key, _ in _HEADS)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([text[0], "-" * sum(widths), *text[1:]])


def notes(cases: Sequence[Case], seen: Mapping[str, Mapping[str, Any]]) -> str:
    """What the table does not count."""
    unknown = [case for case in cases if case.unknown]
    kept = sum(bool(seen[case.id]["current"]) for case in unknown)
    total = {name: sum(seen[case.id][name] for case in cases) for name in ("pending", "calls", "tokens")}
    errors = sum(seen[case.id]["error"] is not None for case in cases)
    return (
        "Each cell: per cent [95 % Wilson interval] right/all. Collateral: lower is better.\n"
        f"Sarcasm, scored neither way: {kept} of {len(unknown)} kept. Messages left pending or failed: "
        f"{total['pending']}. Errors raised: {errors}.\n"
        f"Model calls: {total['calls']}; tokens in: {total['tokens']}."
    )


def failures(judged: Iterable[Judged]) -> list[str]:
    """A line a fault."""
    return [
        f"{each.case.id}{' (needs a model)' if each.case.needs_model else ''}: {fault}"
        for each in judged
        for fault in each.faults
    ]


if __name__ == "__main__":
    sys.exit(main())
