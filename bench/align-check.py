"""Solves what `headwater align` solves with scipy, from the same files, and holds objective, weights and distances together.

    python3 -m venv VENV && VENV/bin/pip install numpy scipy pyarrow
    npm run build && VENV/bin/python bench/align-check.py

The files are small enough for the kernel of all pairs, so both sides solve the same quadratic program: scipy by active sets (SLSQP), and by
an L-BFGS-B on its dual for the larger one. Weights are read from Parquet by pyarrow. Exits with 1 where something differs by more than its tolerance.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy.optimize import brentq, minimize

DIMENSIONS = 12


def make(path, seed, count, shares):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(1).normal(size=(len(shares), DIMENSIONS))
    kinds = rng.choice(len(shares), size=count, p=shares)
    z = centres[kinds] + 0.8 * rng.normal(size=(count, DIMENSIONS))
    rows = [{"label": f"kind {k}", "vector": v.tolist()} for k, v in zip(kinds, z)]
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    # as a vector is kept
    return z.astype(np.float32).astype(np.float64), np.array([row["label"] for row in rows])


def kernel(a, b, bandwidth):
    d2 = np.clip((a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T, 0, None)
    return np.exp(-d2 / (2 * bandwidth**2))


def median_heuristic(z):
    """Of all pairs: the command has it from a sample of 512, so the files have at most so many."""
    d2 = np.clip(2 - 2 * (z @ z.T), 0, None)[np.triu_indices(len(z), 1)]
    return np.sqrt(np.median(d2) / 2)


def objective(w, gram, target, ridge):
    return w @ gram @ w - 2 * target @ w + ridge * w @ w


def by_slsqp(gram, target, ridge, cap):
    n = len(target)
    found = minimize(
        objective,
        np.full(n, 1 / n),
        args=(gram, target, ridge),
        jac=lambda w, *_: 2 * (gram @ w - target + ridge * w),
        bounds=[(0, cap)] * n,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(n)},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    return found.x


def by_dual(gram, target, ridge, cap):
    """max over u of the dual: for u, the best weights are clip((target - gram u - shift) / ridge), by the tangent of the quadratic at u."""
    n = len(target)

    def weights_of(u):
        h = (target - gram @ u) / ridge
        shift = brentq(lambda s: np.clip(h - s, 0, cap).sum() - 1, h.min() - 1, h.max())
        return np.clip(h - shift, 0, cap)

    def negative(u):
        w = weights_of(u)
        value = -u @ gram @ u + 2 * u @ gram @ w - 2 * target @ w + ridge * w @ w
        return -value, -2 * gram @ (w - u)

    found = minimize(negative, np.full(n, 1 / n), jac=True, method="L-BFGS-B", options={"maxiter": 20000, "maxfun": 40000, "ftol": 1e-15, "gtol": 1e-10})
    return weights_of(found.x)


def run(folder, *options):
    out = Path(folder, "weights.parquet")
    program = ["node", "dist/cli/headwater.js", "align", str(Path(folder, "real.jsonl")), str(Path(folder, "made.jsonl"))]
    shown = subprocess.run(
        [*program, "--vectors", "vector", "--out", str(out), "--json", *options], check=True, stdout=subprocess.PIPE
    ).stdout
    table = pq.read_table(out)
    return json.loads(shown), np.array(table["index"]), np.array(table["weight"]), table.schema


def same(name, said, expected, tolerance):
    good = abs(said - expected) <= tolerance
    print(f"{'same  ' if good else 'DIFFER'} {name:34} {said:<18.10g} scipy {expected:<18.10g} tolerance {tolerance:g}")
    return 0 if good else 1


def check_group(name, weights, gram, target, ridge, cap, gap, solve):
    """Weights that add up to 1, against those of another solver."""
    other = solve(gram, target, ridge, cap)
    own, best = (objective(w, gram, target, ridge) for w in (weights, other))
    failures = same(f"{name} objective", own, best, gap + 1e-6)
    # strong convexity: the ridge times the squared distance is at most the gap
    failures += same(f"{name} distance of weights", float(np.linalg.norm(weights - other)), 0, np.sqrt((gap + 1e-6) / ridge))
    failures += same(f"{name} sum", weights.sum(), 1, 1e-9)
    failures += 0 if (weights >= 0).all() and (weights <= cap * (1 + 1e-9)).all() else 1
    return failures


def check(count, candidates, solve, options, by, cap=10.0, regularization=1e-3):
    with tempfile.TemporaryDirectory() as folder:
        x, real_labels = make(Path(folder, "real.jsonl"), 1, count, [0.4, 0.4, 0.2])
        y, labels = make(Path(folder, "made.jsonl"), 2, candidates, [0.08, 0.12, 0.8])
        flags = ["--cap", str(cap), "--regularization", str(regularization), "--min-effective-share", "0", *options]
        said, index, weights, schema = run(folder, *flags, *(["--by", "label"] if by else []))
        bandwidth = said["kernel"]["bandwidth"]
        failures = same("bandwidth", bandwidth, median_heuristic(x), 1e-6)
        failures += 0 if schema.names == ["index", "weight"] and str(schema.field("weight").type) == "double" else 1
        failures += 0 if (index == np.arange(candidates)).all() else 1
        failures += same("mean weight", weights.mean(), 1, 1e-9)
        for label in sorted(set(labels)) if by else [None]:
            own, of_real = (labels == label, real_labels == label) if by else (labels != "", real_labels != "")
            gram, target = kernel(y[own], y[own], bandwidth), kernel(y[own], x[of_real], bandwidth).mean(1)
            n = own.sum()
            failures += check_group(
                label or "all",
                weights[own] / weights[own].sum(),
                gram,
                target,
                regularization * n,
                cap / n,
                said["gap"],
                solve,
            )
            if by:
                failures += same(f"{label} share", weights[own].sum() / weights.sum(), of_real.mean(), 1e-9)
        w = weights / weights.sum()
        even = np.full(candidates, 1 / candidates)
        within, across, own = kernel(x, x, bandwidth).mean(), kernel(y, x, bandwidth).mean(1), kernel(y, y, bandwidth)
        for name, v in {"mmd2Before": even, "mmd2After": w}.items():
            failures += same(name, said[name], v @ own @ v - 2 * across @ v + within, 1e-5)
        failures += same("effectiveSampleSize", said["effectiveSampleSize"], 1 / (w @ w), 1e-6 * candidates)
        failures += same("maxWeight", said["maxWeight"], weights.max(), 1e-9)
        return failures


if __name__ == "__main__":
    failures = 0
    for title, arguments in {
        "60 candidates, active sets": (200, 60, by_slsqp, [], False),
        "60 candidates, a cap of 2 that binds": (200, 60, by_slsqp, [], False, 2.0),
        "400 candidates, the dual": (500, 400, by_dual, [], False),
        "400 candidates by label": (500, 400, by_dual, [], True),
    }.items():
        print(title)
        failures += check(*arguments)
    sys.exit(min(1, failures))
