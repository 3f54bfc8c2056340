"""Writes wordllama-vectors.json: the vectors that the package itself gives for the texts below.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install wordllama==0.4.0.post1
    /tmp/venv/bin/python test/engines/static/wordllama-vectors.py
"""

import base64
import json
import logging
from pathlib import Path

import wordllama
from safetensors.numpy import load_file
from wordllama import WordLlamaInference
from wordllama.tokenizers import tokenizer_from_file

logging.disable(logging.CRITICAL)

texts = [
    "A baker fills 12 trays with 8 rolls each and sells all but 17. How many rolls are sold?",
    "Nora's train leaves at 7:45 and takes 95 minutes; when does she arrive?",
    "the",
    "The",
    " leading space",
    "trailing space ",
    "two  spaces   three    four",
    "first line\nsecond line\n\n    indented\ttabbed\r\nlast",
    "\n",
    " ",
    "   ",
    "naïve café, Zürich, Ærø, smörgåsbord",
    "Привет, как дела? Сколько стоит билет?",
    "今日は雨です。電車は遅れますか。",
    "مرحبا بالعالم",
    "thumbs \U0001f44d\U0001f3fd up, family \U0001f468\u200d\U0001f469\u200d\U0001f467, flag \U0001f1e9\U0001f1f0",
    "e\u0301 is not \u00e9",
    "a literal \u2581 mark and\u2581\u2581two",
    "struck <s>out</s> text and an <unk> word",
    "</s>",
    "$4,999.99 (50% off!!!) e=mc\u00b2, x\u00b2, y\u00b2). 3\u00bd",
    "for (let i = 0; i < n; i++) { sum += a[i]; }\r\n});\r\n",
    "zero\u200bwidth\ufeffmarks\u00a0and\u2003wide spaces",
    "Supercalifragilisticexpialidocious" * 4,
    "q" * 300,
]

folder = Path(wordllama.__file__).parent
weights = load_file(folder / "weights" / "l2_supercat_256.safetensors")["embedding.weight"]
model = WordLlamaInference(weights, tokenizer_from_file("l2_supercat_tokenizer_config.json"))
vectors = [model.embed(text, norm=True)[0] for text in texts]
cases = [
    {"text": text, "vector": base64.b64encode(vector.astype("<f4").tobytes()).decode()}
    for text, vector in zip(texts, vectors)
]
document = {"package": f"wordllama {wordllama.__version__}", "cases": cases}
path = Path(__file__).with_name("wordllama-vectors.json")
path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
print(f"{len(cases)} texts")
