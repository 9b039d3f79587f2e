"""Small local copies of the four data sets, in the hub's exact schema: made-up sentences with enough structure to be learnt in seconds.

    write_xlsum(folder); load_task(f"xlsum:from={folder}", split="dev")

Equal arguments write equal rows. Each set goes to a folder of its own, laid out as the hub does it: ``CONFIG/SPLIT/0000.parquet``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from hashlib import md5
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Features, List, Translation, Value
from language_samples import SAMPLES

Row = dict[str, Any]
TEXT = Value("string")

XLSUM = Features(dict.fromkeys(("id", "url", "title", "summary", "text"), TEXT))
QUAC = Features(
    {
        **dict.fromkeys(("dialogue_id", "wikipedia_page_title", "background", "section_title", "context"), TEXT),
        "turn_ids": List(TEXT),
        "questions": List(TEXT),
        "followups": List(ClassLabel(names=["y", "n", "m"])),
        "yesnos": List(ClassLabel(names=["y", "n", "x"])),
        "answers": {"texts": List(List(TEXT)), "answer_starts": List(List(Value("int32")))},
        "orig_answers": {"texts": List(TEXT), "answer_starts": List(Value("int32"))},
    }
)
MS_MARCO = Features(
    {
        "answers": List(TEXT),
        "passages": {"is_selected": List(Value("int32")), "passage_text": List(TEXT), "url": List(TEXT)},
        "query": TEXT,
        "query_id": Value("int32"),
        "query_type": TEXT,
        "wellFormedAnswers": List(TEXT),
    }
)
WMT19 = Features({"translation": Translation(languages=["zh", "en"])})

PLACES = ["Amberly", "Barrow", "Corwen", "Dunmore", "Elgin", "Fairford", "Grantham", "Harwick"]
NAMES = ["Ada Stone", "Ben Marsh", "Clara Finch", "David Reed", "Emma Lake", "Frank Hill", "Grace Moor", "Henry Vale"]
KINDS = ["small", "large", "new", "old", "modern", "public", "private", "famous"]
THINGS = ["bridge", "school", "museum", "library", "market", "station", "garden", "theatre"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
SUBJECTS = ["physics", "history", "music", "law", "botany", "medicine", "painting", "geology"]
CHINESE = {
    "who": {"cat": "猫", "dog": "狗", "child": "孩子", "teacher": "老师", "doctor": "医生", "bird": "鸟", "farmer": "农民", "king": "国王"},
    "how": {"red": "红色的", "small": "小小的", "old": "年老的", "happy": "快乐的", "tall": "高高的", "young": "年轻的"},
    "does": {"sees": "看见", "likes": "喜欢", "finds": "找到", "takes": "拿走", "draws": "画"},
    "when": {"Today": "今天", "Yesterday": "昨天", "At night": "夜里", "In the morning": "早上", "In spring": "春天"},
    "what": {"house": "房子", "flower": "花", "book": "书", "apple": "苹果", "boat": "船", "tree": "树", "lamp": "灯"},
}


def write_xlsum(
    folder: Path, *, language: str = "english", train: int = 200, validation: int = 40, test: int = 80, rows_a_group: int = 1000
) -> Path:
    """Articles whose first sentence says what the summary says, in other words where the language is English; returns ``folder``."""
    make = _english_article if language == "english" else lambda dice, id: _article(dice, id, SAMPLES[language])
    return _write_set(folder, language, XLSUM, make, {"train": train, "validation": validation, "test": test}, rows_a_group)


def write_quac(folder: Path, *, train: int = 60, validation: int = 30, rows_a_group: int = 1000) -> Path:
    """Dialogues of five questions about a life, one of them without an answer; ``validation`` has several answers to each."""

    def make(dice: random.Random, id: str) -> Row:
        return _dialogue(dice, id, several=id.startswith("validation"))

    return _write_set(folder, "plain_text", QUAC, make, {"train": train, "validation": validation}, rows_a_group)


def write_ms_marco(folder: Path, *, train: int = 200, validation: int = 40, test: int = 80, rows_a_group: int = 1000) -> Path:
    """Questions about heights of mountains, with five passages each; every eighth has no answer."""
    sizes = {"train": train, "validation": validation, "test": test}
    return _write_set(folder, "v1.1", MS_MARCO, _question, sizes, rows_a_group)


def write_wmt19(folder: Path, *, train: int = 300, validation: int = 90, rows_a_group: int = 1000) -> Path:
    """Sentences of one pattern, whose words have one translation each."""
    return _write_set(folder, "zh-en", WMT19, lambda dice, id: _pair(dice), {"train": train, "validation": validation}, rows_a_group)


def write_rows(folder: Path, config: str, split: str, rows: Sequence[Row], features: Features, *, rows_a_group: int = 1000) -> Path:
    """These rows as one parquet file of the split; returns its path."""
    path = folder / config / split / "0000.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=features.arrow_schema), path, row_group_size=rows_a_group)
    return path


def _write_set(
    folder: Path, config: str, features: Features, make: Callable[[random.Random, str], Row], sizes: dict[str, int], rows_a_group: int
) -> Path:
    for split, size in sizes.items():
        ids = [f"{split}-{i}" for i in range(size)]
        write_rows(folder, config, split, [make(random.Random(f"{config} {id}"), id) for id in ids], features, rows_a_group=rows_a_group)
    return folder


def _english_article(dice: random.Random, id: str) -> Row:
    place, kind, thing, day = dice.choice(PLACES), dice.choice(KINDS), dice.choice(THINGS), dice.choice(DAYS)
    name, money = dice.choice(NAMES), dice.randrange(2, 100)
    lead = f"The council of {place} said on {day} that it would build a {kind} {thing}."
    rest = [
        f"{name}, who leads the council, said that the {thing} would cost {money} million pounds.",
        f"Work will begin next {dice.choice(DAYS)}, and the {thing} is to open in {dice.randrange(2, 9)} years.",
        f"People in {place} have asked for a {thing} since {dice.randrange(1950, 2010)}.",
        f"Not all of them are happy: some would have liked a {dice.choice(THINGS)} better.",
    ]
    dice.shuffle(rest)
    text = "\n".join([lead, *rest])
    return _news(id, title=f"{place} plans a {thing}", summary=f"{place} is to get a {kind} {thing}, its council has said.", text=text)


def _article(dice: random.Random, id: str, sample: str) -> Row:
    """Sentences made of the sample's words (of its characters, where it has no spaces); the summary is half of the first."""
    glue = " " if " " in sample else ""
    words = sample.rstrip("。।።.!").split() if glue else list(sample)
    sentences = [dice.sample(words, len(words)) for _ in range(4)]
    text = ". ".join(glue.join(sentence) for sentence in sentences)
    return _news(id, title=glue.join(words[:3]), summary=glue.join(sentences[0][: len(words) // 2 + 1]), text=text)


def _news(id: str, *, title: str, summary: str, text: str) -> Row:
    return {"id": id, "url": f"https://www.example.org/news/{id}", "title": title, "summary": summary, "text": text}


def _dialogue(dice: random.Random, id: str, *, several: bool) -> Row:
    name, birth = f"{dice.choice(NAMES)} {id}", dice.randrange(1850, 1950)
    place, school, subject = dice.choice(PLACES), dice.choice(PLACES), dice.choice(SUBJECTS)
    facts = [
        (f"{name} was born in {place} in {birth}.", "Where was she born?", f"in {place}"),
        (f"She studied {subject} at the university of {school}.", "What did she study?", subject),
        (f"In {birth + 30} she opened a {dice.choice(KINDS)} {dice.choice(THINGS)}.", "When did she open it?", f"In {birth + 30}"),
        (f"She died in {dice.choice(PLACES)} in {birth + 70}.", "When did she die?", f"in {birth + 70}"),
    ]
    context = " ".join(fact for fact, _, _ in facts) + " CANNOTANSWER"
    turns = [(question, span, fact) for fact, question, span in facts]
    turns.insert(dice.randrange(5), ("Did she have children?", "CANNOTANSWER", "CANNOTANSWER"))
    given = [span for _, span, _ in turns]
    answers = [[span, fact, "CANNOTANSWER"] if several else [span] for _, span, fact in turns]
    dialogue = f"C_{md5(id.encode(), usedforsecurity=False).hexdigest()}_0"
    return {
        "dialogue_id": dialogue,
        "wikipedia_page_title": name,
        "background": f"{name} was a founder.",
        "section_title": "Life",
        "context": context,
        "turn_ids": [f"{dialogue}_q#{i}" for i in range(len(turns))],
        "questions": [question for question, _, _ in turns],
        "followups": [0] * len(turns),
        "yesnos": [2] * len(turns),
        "answers": {"texts": answers, "answer_starts": [[context.index(text) for text in texts] for texts in answers]},
        "orig_answers": {"texts": given, "answer_starts": [context.index(text) for text in given]},
    }


def _question(dice: random.Random, id: str) -> Row:
    split, number = id.split("-")
    offset = {"train": 20_000, "validation": 10_000, "test": 0}[split]
    mountains = [f"Mount {first} {second}" for first in PLACES for second in DAYS]
    names = dice.sample(mountains, 5)
    heights = [dice.randrange(500, 9000) for _ in names]
    answered, asked = int(number) % 8 != 7, dice.randrange(5)
    texts = [f"{name} is {height} metres high. It lies near {dice.choice(PLACES)}." for name, height in zip(names, heights, strict=True)]
    query = names[asked] if answered else f"Mount {dice.choice(SUBJECTS)}"
    return {
        "answers": [f"{heights[asked]} metres", f"{query} is {heights[asked]} metres high."] if answered else [],
        "passages": {
            "is_selected": [int(answered and i == asked) for i in range(5)],
            "passage_text": texts,
            "url": [f"https://www.example.org/{i}" for i in range(5)],
        },
        "query": f"how high is {query.lower()}",
        "query_id": offset + int(number),
        "query_type": "numeric",
        "wellFormedAnswers": [],
    }


def _pair(dice: random.Random) -> Row:
    pick = {part: dice.choice(list(words.items())) for part, words in CHINESE.items()}
    how = dice.choice(list(CHINESE["how"].items()))
    english = f"{pick['when'][0]} the {pick['how'][0]} {pick['who'][0]} {pick['does'][0]} the {how[0]} {pick['what'][0]}."
    chinese = f"{pick['when'][1]}{pick['how'][1]}{pick['who'][1]}{pick['does'][1]}{how[1]}{pick['what'][1]}。"
    return {"translation": {"zh": chinese, "en": english}}
