"""Reads every column of every shard that a manifest names with pyarrow and DuckDB, and checks what they see.

Usage: python deploy/read-shards.py OUT_DIR      needs: pip install pyarrow duckdb
Prints one line and exits with 0, or says what is wrong and exits with 1; 2 where it cannot start.
"""

import hashlib
import json
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

FIRST = ["id"]
LAST = ["lineage", "created_at"]


def main() -> None:
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "manifest.jsonl").is_file():
        print("usage: read-shards.py OUT_DIR, a folder with a manifest.jsonl", file=sys.stderr)
        sys.exit(2)
    folder = Path(sys.argv[1])
    entries = [json.loads(line) for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines()]
    ids: set[str] = set()
    problems = check_order(entries)
    for entry in entries:
        problems += [f"shard {entry['seq']} ({entry['path']}): {problem}" for problem in check(folder, entry, ids)]
    rows = sum(entry["rows"] for entry in entries)
    if len(ids) != rows:
        problems.append(f"{rows} rows have {len(ids)} different ids")
    for problem in problems:
        print(problem, file=sys.stderr)
    versions = f"pyarrow {pa.__version__}, duckdb {duckdb.__version__}"
    print(f"{len(entries)} shards, {rows} rows, {len(problems)} problems ({versions})")
    sys.stdout.flush()
    sys.exit(1 if problems else 0)


def check_order(entries: list[dict]) -> list[str]:
    expected = list(range(len(entries)))
    found = [entry["seq"] for entry in entries]
    return [] if found == expected else [f"the manifest has seq {found[:5]}..., expected 0, 1, 2, ..."]


def check(folder: Path, entry: dict, ids: set[str]) -> list[str]:
    path = folder / entry["path"]
    if path.parent.resolve() != folder.resolve() or not path.is_file():
        return ["is not a file of the folder"]
    problems = []
    content = path.read_bytes()
    if len(content) != entry["bytes"] or hashlib.sha256(content).hexdigest() != entry["sha256"]:
        problems.append("has another size or SHA-256")
    table = read(path, entry["format"])
    table.validate(full=True)
    problems += check_columns(table)
    rows = table.to_pylist()
    ids.update(row["id"] for row in rows)
    if len(rows) != entry["rows"]:
        problems.append(f"pyarrow reads {len(rows)} rows, expected {entry['rows']}")
    labels: dict[str, int] = {}
    for row in rows:
        if row["label"] is not None:
            labels[row["label"]] = labels.get(row["label"], 0) + 1
    if labels != entry["statistics"]["labels"]:
        problems.append(f"has the labels {labels}, expected {entry['statistics']['labels']}")
    tokens = sum(row["lineage"]["prompt_tokens"] for row in rows)
    if tokens != entry["lineage"]["promptTokens"]:
        problems.append(f"has {tokens} prompt tokens, expected {entry['lineage']['promptTokens']}")
    return problems + compare_with_duckdb(path, entry, table, rows)


def read(path: Path, file_format: str) -> pa.Table:
    if file_format == "parquet":
        return pq.read_table(path)
    # Mapped into memory, as a trainer does.
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def check_columns(table: pa.Table) -> list[str]:
    names = table.column_names
    problems = []
    if names[:1] != FIRST or names[-2:] != LAST or "label" not in names or "weight" not in names:
        problems.append(f"has the columns {names}")
    if table.schema.field("created_at").type != pa.timestamp("ms", "UTC"):
        problems.append(f"created_at is {table.schema.field('created_at').type}")
    if "embedding" in names:
        kind = table.schema.field("embedding").type
        if not pa.types.is_fixed_size_list(kind) or kind.value_type != pa.float32():
            problems.append(f"embedding is {kind}")
    return problems


def compare_with_duckdb(path: Path, entry: dict, table: pa.Table, rows: list[dict]) -> list[str]:
    """All values as DuckDB sees them: its own Parquet reader, or the Arrow table where DuckDB has no reader."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    if entry["format"] == "parquet":
        relation = connection.read_parquet(str(path))
    else:
        relation = connection.from_arrow(table)
    # As Arrow: DuckDB's own instants with a time zone would need one more package.
    found = relation.to_arrow_table().to_pylist()
    if relation.columns != table.column_names:
        return [f"DuckDB reads the columns {relation.columns}"]
    if len(found) != entry["rows"]:
        return [f"DuckDB reads {len(found)} rows, expected {entry['rows']}"]
    for index, (row, other) in enumerate(zip(rows, found)):
        for name, value in row.items():
            if plain(value) != plain(other[name]):
                return [f"pyarrow and DuckDB differ in row {index}, column {name}: {value!r} and {other[name]!r}"]
    return []


def plain(value: object) -> object:
    """Tuples as lists and instants as milliseconds, so that two readers' values compare."""
    if isinstance(value, dict):
        return {name: plain(held) for name, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(held) for held in value]
    if hasattr(value, "timestamp"):
        return round(value.timestamp() * 1000)
    return value


if __name__ == "__main__":
    main()
