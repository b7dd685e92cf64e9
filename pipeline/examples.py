"""Lines to begin with, by verb: `earmark VERB --help` ends with them, and tests parse them."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "browse": ("earmark browse", "earmark browse --port 8080 --workspace ws"),
    "calibrate": ("earmark calibrate trained:notes --name sure --rule precision --at 0.9",),
    "catalog": (
        "earmark catalog ~/Music --dry-run",
        "earmark catalog s3://bucket/clips --dataset clips",
        "earmark catalog tracks.parquet",
    ),
    "compact": ("earmark compact", "earmark compact --tags all"),
    "compare": ("earmark compare musicnn:MTT_musicnn musicnn:MTT_vgg",),
    "dataset": ("earmark dataset check gtzan ~/gtzan", "earmark dataset import gtzan ~/gtzan"),
    "demo": ("earmark demo",),
    "describe": ("earmark describe --dry-run", "earmark describe"),
    "doctor": ("earmark doctor", "earmark doctor --json"),
    "evaluate": ("earmark evaluate --model musicnn:MTT_musicnn --dataset magnatagatune-lee",),
    "explain": ("earmark explain --model trained:notes",),
    "export": (
        "earmark export musicnn:MTT_musicnn --output tags.parquet",
        "earmark export --format csv --shape long --output tables",
    ),
    "features": (
        "earmark features --frontend musicnn-mel96 --dry-run",
        "earmark features --set runtime.num_actors=8",
    ),
    "forget": (
        "earmark forget 3f9a12bc4d5e --dry-run",
        "earmark forget 3f9a12bc4d5e --yes --nothing-runs",
    ),
    "jobs": ("earmark jobs", "earmark jobs --address http://127.0.0.1:8265 --json"),
    "lineage": ('earmark lineage "Gymnopédie No. 1"', "earmark lineage 3f9a12bc4d5e --json"),
    "logs": ("earmark logs tag-3f9a --follow",),
    "models": (
        "earmark models list",
        "earmark models add musicnn:MTT_musicnn",
        "earmark models card musicnn:MTT_musicnn",
    ),
    "plan": (
        "earmark plan ~/Music --model musicnn:MTT_musicnn",
        "earmark plan --nodes 10 --cpus 16 --price 0.8 --json",
    ),
    "playlist": (
        'earmark playlist --like "slow,piano" --not vocal --minutes 45 --curve arc',
        'earmark playlist --seed-track "Gymnopédie No. 1" --format m3u8 --output like.m3u8',
    ),
    "promote": ("earmark promote notes --metric macro_pr_auc",),
    "publish": ("earmark publish",),
    "query": (
        'earmark query "SELECT artist, title, tag, score FROM tags ORDER BY score DESC LIMIT 9"',
        'earmark query "SELECT * FROM tracks" --format csv --output tracks.csv',
    ),
    "recap": ("earmark recap listens.jsonl --timezone Europe/Berlin --output recap.html",),
    "render-notes": ("earmark render-notes notes",),
    "report": ("earmark report --output page.html",),
    "requeue": (
        "earmark requeue --reason timed_out --dry-run",
        "earmark requeue --reason timed_out --reason fetch_failed --yes",
    ),
    "search": (
        "earmark search --like piano --not vocal --limit 20",
        'earmark search --like "slow>=0.3" --range tempo_bpm=80:100 --per-artist 1 --format json',
    ),
    "show": ('earmark show "Gymnopédie No. 1"',),
    "similar": ('earmark similar "Gymnopédie No. 1" --limit 20',),
    "stop": ("earmark stop tag-3f9a",),
    "study": ('earmark study mood---sad "instrument---*" key --by composer --output study',),
    "submit": (
        "earmark submit tag --set runtime.num_actors=8",
        "earmark submit --detach features --workspace s3://bucket/ws",
        "earmark submit models -- add musicnn:MTT_musicnn",
    ),
    "tag": (
        "earmark tag --model musicnn:MTT_musicnn --dry-run",
        "earmark tag --model musicnn:MTT_musicnn --model musicnn:MSD_musicnn",
        "earmark tag --from features --model trained:notes",
    ),
    "teach": (
        "earmark teach rainy --like 3f9a12bc --like 77ab01cd --like 5e0c9d21 --not 1122aabb",
    ),
    "train": ("earmark train --name notes", "earmark train conf/train-mood.yaml --workers 2"),
    "vacuum": ("earmark vacuum --dry-run", "earmark vacuum --yes"),
    "verify": ("earmark verify", "earmark verify --json"),
    "write-tags": ("earmark write-tags --output copies",),
}
"""The placeholders are names that users replace: folders, buckets, titles, ids."""


def epilog(verb: str) -> str:
    """The end of a verb's help; click keeps the lines of what begins with a backspace."""
    lines = EXAMPLES.get(verb, ())
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)]) if lines else ""
