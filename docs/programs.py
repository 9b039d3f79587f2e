"""HumanEval or MBPP, from the hub or a folder, as a file for edt compare: python programs.py openai/openai_humaneval > humaneval.jsonl"""

import json
import sys

from datasets import load_dataset


def example(row):
    """A line of the file: HumanEval's rows complete a function, MBPP's answer a sentence that is followed by one of the tests."""
    if "canonical_solution" in row:
        check = f"{row['test']}\ncheck({row['entry_point']})"
        return {"id": row["task_id"], "prompt": row["prompt"], "reference": row["canonical_solution"], "check": check}
    prompt = f'"""\n{row["text"]}\n{row["test_list"][0]}\n"""\n'
    check = "\n".join([row["test_setup_code"], *row["test_list"]])
    return {"id": f"mbpp/{row['task_id']}", "prompt": prompt, "reference": row["code"], "check": check}


for row in load_dataset(sys.argv[1], split="test"):
    print(json.dumps(example(row)))
