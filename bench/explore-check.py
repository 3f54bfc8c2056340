"""Holds the picks of `headwater explore` against Gaussian processes of scikit-learn that are fitted anew for each pick.

    python3 -m venv VENV && VENV/bin/pip install numpy scikit-learn
    npm run build && npm run bench -- explore --records 1000
    VENV/bin/python bench/explore-check.py                       # --size 2000 --dimensions 256 --picks 100

1. The picks of `GreedyVariance` on made unit vectors are those of `GaussianProcessRegressor(RBF(l), optimizer=None, alpha=1e-10)`, whose
   greatest predicted standard deviation is taken each time; how much processor time each takes.
2. With --fitted also the processor time with the regressor's default, which fits the kernel each time, as the published code does.
3. `headwater explore --vectors --json` prints these picks and variances. Where two standard deviations differ by less than 1e-7, either may come.

Exits with 1 where a pick or a variance differs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

BENCH = "node_modules/.cache/headwater-bench/bench/run.js"


def refits(points, length_scale, picks, optimizer):
    """Row 0 first, then where the standard deviation is greatest: the picks with their variances, and the runners-up."""
    picked, variances, margins = [0], [1.0], [1.0]
    while len(picked) < picks:
        process = GaussianProcessRegressor(kernel=RBF(length_scale), alpha=1e-10, optimizer=optimizer)
        process.fit(points[picked], np.zeros(len(picked)))
        _, deviation = process.predict(points, return_std=True)
        deviation[picked] = -1
        first, second = np.argsort(-deviation)[:2]
        picked.append(int(first))
        variances.append(float(deviation[first] ** 2))
        margins.append(float(deviation[first] - deviation[second]))
    return picked, variances, margins


def timed(work):
    start, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.process_time() - cpu, time.perf_counter() - start


def command(*args):
    done = subprocess.run(args, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, args))} ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--dimensions", type=int, default=256)
    parser.add_argument("--picks", type=int, default=100)
    parser.add_argument("--fitted", action="store_true")
    options = parser.parse_args()
    random = np.random.default_rng(7)
    centres = random.normal(size=(20, options.dimensions))
    points = centres[random.integers(0, 20, options.size)] + 0.7 * random.normal(size=(options.size, options.dimensions))
    points = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    exact = points.astype(np.float64)
    length_scale = 0.8

    (expected, variances, margins), cpu, wall = timed(lambda: refits(exact, length_scale, options.picks, None))
    print(f"scikit-learn, fixed kernel: {cpu:.2f} CPU-s, {wall:.2f} s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "points.f32"
        raw.write_bytes(points.tobytes())
        args = ["--dimensions", options.dimensions, "--picks", options.picks, "--bandwidth", length_scale]
        run = command("node", BENCH, "explore", "--points", str(raw), *map(str, args))
        ours = run["cpuSeconds"]
        print(f"ours, least of three: {ours:.3f} CPU-s, {run['seconds']:.3f} s; ratio {cpu / ours:.0f}", flush=True)
        if options.fitted:
            warnings.simplefilter("ignore")
            _, fitted, wall = timed(lambda: refits(exact, length_scale, options.picks, "fmin_l_bfgs_b"))
            print(f"scikit-learn, fitted kernel: {fitted:.2f} CPU-s, {wall:.2f} s; ratio {fitted / ours:.0f}")
        lines = Path(folder) / "points.jsonl"
        lines.write_text("".join(json.dumps({"v": row.tolist()}) + "\n" for row in points))
        args = ["--vectors", "v", "--first", 0, "--pick", options.picks, "--length-scale", length_scale, "--json"]
        printed = command("node", "dist/cli/headwater.js", "explore", str(lines), *map(str, args))
    wrong = 0
    for name, order in (("kernel", run["picks"]), ("command", [pick["index"] for pick in printed["picks"]])):
        agreed = next((i for i, (a, b) in enumerate(zip(order, expected)) if a != b), len(expected))
        undecided = agreed < len(expected) and margins[agreed] < 1e-7
        print(f"{name}: {agreed} of {len(expected)} picks are equal" + (", then two are equally uncertain" if undecided else ""))
        wrong += agreed < len(expected) and not undecided
    error = max(abs(pick["variance"] - variance) for pick, variance in zip(printed["picks"], variances))
    print(f"furthest variance from scikit-learn's: {error:.1e}")
    wrong += error > 1e-6
    print("informative" if printed["informative"] else "uninformative")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
