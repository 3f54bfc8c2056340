"""Recomputes what `headwater compare --vectors` says from the same files, with numpy alone, and holds the two together.

    python3 -m venv VENV && VENV/bin/pip install numpy
    npm run build && VENV/bin/python bench/compare-check.py                              # files that it makes itself
    VENV/bin/python bench/compare-check.py REAL.jsonl SYNTHETIC.jsonl --field text --vectors vector

Files have at most as many records as the sample of pairs (10,000), since it recomputes on all of them; the p-value is
recomputed by other permutations, of files with at most as many records as are dealt out (2,000). It is run by the default
kernel, by an RBF kernel of a given bandwidth and by the linear one. Exits with 1 where a figure differs by more than its tolerance.
"""

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import numpy as np

K = 5


def words(text):
    """Runs of letters, marks and digits, in lower case and compatibility form."""
    folded = unicodedata.normalize("NFKC", text).lower()
    spaced = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in folded)
    return spaced.split()


def vendi(z):
    gram = z.T @ z if z.shape[0] > z.shape[1] else z @ z.T
    values = np.clip(np.linalg.eigvalsh(gram / len(z)), 0, None)
    values = values[values > 0] / values.sum()
    return math.exp(-(values * np.log(values)).sum())


def near_duplicates(texts, threshold):
    """Records like an earlier different text, by the exact Jaccard similarity of word 5-grams, and equal to none."""
    seen, kept, by_gram, count = set(), [], {}, 0
    for text in texts:
        if text in seen:
            continue
        seen.add(text)
        w = words(text)
        grams = {tuple(w[i : i + 5]) for i in range(max(1, len(w) - 4))}
        shared = {}
        for gram in grams:
            for other in by_gram.get(gram, ()):
                shared[other] = shared.get(other, 0) + 1
        if any(n / (len(grams) + len(kept[other]) - n) >= threshold for other, n in shared.items()):
            count += 1
        for gram in grams:
            by_gram.setdefault(gram, []).append(len(kept))
        kept.append(grams)
    return count


def bandwidth(z):
    """Of all pairs: the document has it from a sample of 512 records, so the tolerance is wide."""
    d2 = np.clip(2 - 2 * (z @ z.T), 0, None)[np.triu_indices(len(z), 1)]
    return math.sqrt(np.median(d2) / 2)


def permuted(x, y, kernel, permutations):
    """The p-value of the unbiased MMD; each permutation is a column of 0 and 1 beside one Gram matrix in float64."""
    rng = np.random.default_rng(5)
    z = np.concatenate([x, y])
    gram = kernel(z @ z.T)
    np.fill_diagonal(gram, 0)
    n, m = len(x), len(y)
    mask = np.concatenate([np.ones(n), np.zeros(m)])
    masks = np.stack([mask, *(rng.permutation(mask) for _ in range(permutations))], axis=1)
    of_x, of_y = gram @ masks, gram @ (1 - masks)
    xx, xy, yy = (masks * of_x).sum(0), (masks * of_y).sum(0), ((1 - masks) * of_y).sum(0)
    unbiased = xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)
    return (1 + (unbiased[1:] >= unbiased[0] - 1e-12).sum()) / (1 + permutations)


def binomial(p, runs):
    """Four standard errors of the difference of two shares of so many runs each, and a step of each."""
    return 4 * math.sqrt(2 * p * (1 - p) / runs) + 2 / (runs + 1)


def expected(real, synthetic, given):
    """The figures, as paths of the document; `given` is that document, for the bandwidth that its sample led to."""
    figures = {}
    for role, (texts, z) in {"real": real, "synthetic": synthetic}.items():
        n = len(z)
        cosines = z @ z.T
        pairs = [pair for w in map(words, texts) for pair in zip(w, w[1:])]
        np.fill_diagonal(cosines, -np.inf)
        off = cosines[~np.eye(n, dtype=bool)].reshape(n, n - 1)
        figures |= {
            f"{role}.count": (n, 0),
            f"{role}.meanCosine": (off.mean(), 1e-6),
            f"{role}.meanCosineError": (2 * off.mean(axis=1).std(ddof=1) / math.sqrt(n), 1e-5),
            f"{role}.nearestCosine": (cosines.max(axis=1).mean(), 1e-5),
            f"{role}.vendi": (vendi(z), 1e-3),
            f"{role}.distinct2": (len(set(pairs)) / len(pairs), 1e-9),
            f"{role}.exactDuplicates": (n - len(set(texts)), 0),
        }
    (real_texts, x), (synthetic_texts, y) = real, synthetic
    known = set(real_texts)
    n, m = len(x), len(y)
    xx, yy, xy = x @ x.T, y @ y.T, x @ y.T

    def rim(own):
        own = own.copy()
        np.fill_diagonal(own, -np.inf)
        return np.sort(own, axis=1)[:, -K]

    rim_x, rim_y = rim(xx), rim(yy)
    eps = 1e-6  # ties, such as copies, which differ in the last bits here
    in_real = xy >= rim_x[:, None] - eps
    uncovered = 1.0
    for i in range(K):
        uncovered *= (n - 1 - i) / (n - 1 + m - i)
    h = given["kernel"]["bandwidth"]
    kernel = (lambda cosines: cosines) if h is None else (lambda cosines: np.exp((cosines - 1) / h**2))
    kx, ky, kxy = kernel(xx).sum(), kernel(yy).sum(), kernel(xy).sum()
    # the mean over records without themselves; a record's kernel with itself is 1
    figures |= {
        "coverage": (in_real.any(axis=1).mean(), 2 / n),
        "coverageExpected": (1 - uncovered, 1e-12),
        "precision": (in_real.any(axis=0).mean(), 2 / m),
        "recall": ((xy >= rim_y[None, :] - eps).any(axis=1).mean(), 2 / n),
        "density": (in_real.sum() / (K * m), 0.002),
        "nearestReal.mean": (xy.max(axis=0).mean(), 1e-5),
        "nearestReal.median": (np.median(xy.max(axis=0)), 1e-5),
        "copies.exact": (sum(text in known for text in synthetic_texts), 0),
        "copies.close": (int((xy.max(axis=0) >= 0.95).sum()), max(1, m // 1000)),
        "mmd2.unbiased": ((kx - n) / (n * (n - 1)) + (ky - m) / (m * (m - 1)) - 2 * kxy / (n * m), 1e-6),
        "mmd2.biased": (kx / n**2 + ky / m**2 - 2 * kxy / (n * m), 1e-6),
    }
    if max(n, m) <= 2000 and given["permutations"] > 0:
        p = permuted(x, y, kernel, given["permutations"])
        figures["pValue"] = (p, binomial(p, given["permutations"]))
        figures |= {"permuted.real": (n, 0), "permuted.synthetic": (m, 0)}
    return figures


def read(path, field, column):
    rows = [json.loads(line) for line in Path(path).read_text().split("\n") if line.strip()]
    z = np.array([row[column] for row in rows], dtype=np.float64)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    # as a vector is kept
    return [row[field] for row in rows], z.astype(np.float32).astype(np.float64)


def make(path, seed, count, shift, dimensions=48):
    """Clusters of vectors, and texts of which some are copies and some copies with another word."""
    rng, draw = np.random.default_rng(seed), random.Random(seed)
    centres = np.random.default_rng(1).normal(size=(20, dimensions))
    rows = []
    for i in range(count):
        z = centres[rng.integers(shift, 20)] + 0.7 * rng.normal(size=dimensions)
        text = " ".join(f"Wörd{int(draw.paretovariate(0.6)) % 5000}" for _ in range(40)) + "."
        if i % 25 == 24:
            earlier = rows[draw.randrange(i)]
            text, z = earlier["text"], np.array(earlier["vector"])
        elif i % 25 == 23:
            text = rows[draw.randrange(i)]["text"] + " Indeed."
        rows.append({"text": text, "vector": [float(v) for v in z]})
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))


def check(real, synthetic, field, column, options=()):
    program = [*"node dist/cli/headwater.js compare".split(), str(real), str(synthetic), *options]
    shown = subprocess.run(
        [*program, "--field", field, "--vectors", column, "--json"], check=True, stdout=subprocess.PIPE
    ).stdout
    given = json.loads(shown)
    a, b = read(real, field, column), read(synthetic, field, column)
    failures = 0
    figures = expected(a, b, given)
    if not options:
        figures["kernel.bandwidth"] = (bandwidth(a[1]), 0.05)
    for name, (figure, tolerance) in figures.items():
        said = given
        for part in name.split("."):
            said = said[part]
        good = abs(said - figure) <= tolerance
        failures += not good
        print(f"{'same  ' if good else 'DIFFER'} {name:26} {said:<22.10g} numpy {figure:<22.10g} tolerance {tolerance:g}")
    for role, (texts, _) in {"real": a, "synthetic": b}.items():
        said = given[role]["nearDuplicates"]
        least, most = near_duplicates(texts, 0.9), near_duplicates(texts, 0.55)
        good = least <= said <= most
        failures += not good
        print(f"{'same  ' if good else 'DIFFER'} {role}.nearDuplicates {said}, exact Jaccard >= 0.9: {least}, >= 0.55: {most}")
    return failures


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*")
    parser.add_argument("--field", default="text")
    parser.add_argument("--vectors", default="vector")
    arguments = parser.parse_args()
    if arguments.files:
        sys.exit(min(1, check(*arguments.files, arguments.field, arguments.vectors)))
    with tempfile.TemporaryDirectory() as folder:
        failures = 0
        # as one distribution, one that is hardly another (some p-value between), and one that clearly is
        for count, shift in [(1500, 0), (700, 1), (700, 4)]:
            real, synthetic = Path(folder, "real.jsonl"), Path(folder, "synthetic.jsonl")
            make(real, 1, 1200, 0)
            make(synthetic, 2, count, shift)
            print(f"1200 real against {count} synthetic records, {shift} of 20 clusters missing")
            for options in [(), ("--bandwidth", "0.4", "--seed", "3"), ("--kernel", "linear", "--permutations", "400")]:
                print(" ".join(options) or "default kernel")
                failures += check(real, synthetic, "text", "vector", options)
        sys.exit(min(1, failures))
