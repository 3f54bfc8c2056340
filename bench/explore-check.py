"""Holds the picks of `headwater explore` against Gaussian processes of scikit-learn that are fitted anew for each pick.

    python3 -m venv VENV && VENV/bin/pip install numpy scikit-learn
    npm run build && npm run bench -- explore --records 1000
    OPENBLAS_NUM_THREADS=1 VENV/bin/python bench/explore-check.py            # --size 2000 --dimensions 256 --picks 100
    OPENBLAS_NUM_THREADS=1 VENV/bin/python bench/explore-check.py --integrated  # --size 5000 --picks 1200 --samples 10

1. The picks of `GreedyVariance` on made unit vectors are those of `GaussianProcessRegressor(RBF(l), optimizer=None, alpha=1e-10)`, whose
   greatest predicted standard deviation is taken each time; how much processor time each takes.
2. With --fitted also the processor time with the regressor's default, which fits the kernel each time, as the published code does.
3. `headwater explore --vectors --json` prints these picks and variances. Where two standard deviations differ by less than 1e-7, either may come.

With --integrated, scikit-learn is not run for every pick, which would take hours: what it does for a pick depends only on how many picks there were
before. It fits and predicts at some numbers of picks along our order, and its processor time is integrated over all picks. At these it must also
choose the pick that we chose. The kernel is fixed once, and once fitted as in the published code: RBF(0.1), the regressor's defaults.

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
from threadpoolctl import threadpool_info

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


def times_of_refits(points, order, counts, kernel, optimizer):
    """Processor time to fit `count` picks and predict at all points, for each count; and where the prediction is not greatest at our next pick."""
    times, wrong = [], 0
    for count in counts:
        picked = order[:count]
        process = GaussianProcessRegressor(kernel=kernel, alpha=1e-10, optimizer=optimizer)
        start = time.process_time()
        process.fit(points[picked], np.zeros(count))
        _, deviation = process.predict(points, return_std=True)
        times.append(time.process_time() - start)
        deviation[picked] = -1
        wrong += deviation[order[count]] < deviation.max() - 1e-7
        print(f"  after {count} picks: {times[-1]:.2f} CPU-s, length scale {process.kernel_.length_scale:.3g}", flush=True)
    return times, wrong


def integrated(points, exact, options, length_scale):
    """The ratio at a number of picks that the published code comes to; what is greatest under the fixed kernel must be our pick."""
    threads = {info["internal_api"]: info["num_threads"] for info in threadpool_info()}
    print(f"{options.size} x {options.dimensions}, {options.picks} picks; threads {threads}")
    with tempfile.TemporaryDirectory() as folder:
        run = kernel_picks(points, Path(folder), options.picks, length_scale)
    ours, order = run["cpuSeconds"], run["picks"]
    print(f"ours, least of three: {ours:.3f} CPU-s")
    # the midpoints of equal parts: from one pick to all but one
    width = options.picks / options.samples
    counts = [max(1, round(width * (i + 0.5))) for i in range(options.samples)]
    wrong = 0
    for name, kernel, optimizer in (("fixed", RBF(length_scale), None), ("fitted", RBF(0.1), "fmin_l_bfgs_b")):
        times, differ = times_of_refits(exact, order, counts, kernel, optimizer)
        total = float(np.sum(times)) * width
        print(f"scikit-learn, {name} kernel: {total:.0f} CPU-s, integrated from {len(counts)} of {options.picks} refits; ratio {total / ours:.0f}")
        wrong += differ if name == "fixed" else 0
    print(f"picks that differ where it was looked: {wrong}")
    return wrong


def kernel_picks(points, folder, picks, length_scale):
    raw = folder / "points.f32"
    raw.write_bytes(points.tobytes())
    args = ["--dimensions", points.shape[1], "--picks", picks, "--bandwidth", length_scale]
    return command("node", BENCH, "explore", "--points", str(raw), *map(str, args))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int)
    parser.add_argument("--dimensions", type=int, default=256)
    parser.add_argument("--picks", type=int)
    parser.add_argument("--fitted", action="store_true")
    parser.add_argument("--integrated", action="store_true")
    parser.add_argument("--samples", type=int, default=10)
    options = parser.parse_args()
    options.size = options.size or (5000 if options.integrated else 2000)
    options.picks = options.picks or (1200 if options.integrated else 100)
    random = np.random.default_rng(7)
    centres = random.normal(size=(20, options.dimensions))
    points = centres[random.integers(0, 20, options.size)] + 0.7 * random.normal(size=(options.size, options.dimensions))
    points = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    exact = points.astype(np.float64)
    length_scale = 0.8
    if options.integrated:
        warnings.simplefilter("ignore")
        sys.exit(1 if integrated(points, exact, options, length_scale) else 0)

    (expected, variances, margins), cpu, wall = timed(lambda: refits(exact, length_scale, options.picks, None))
    print(f"scikit-learn, fixed kernel: {cpu:.2f} CPU-s, {wall:.2f} s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        run = kernel_picks(points, Path(folder), options.picks, length_scale)
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
