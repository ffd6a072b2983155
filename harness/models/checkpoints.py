"""Where a pretrained checkpoint lies, a folder or the hub, and what identifies it."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path
from zlib import crc32

from harness.errors import DataError, HarnessError
from harness.storage.atomic import write_whole

WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
TOKENIZER = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
HUB_SECONDS = 5.0
"""How long the hub may take to answer at all."""


log = logging.getLogger(__name__)


def located(checkpoint: str, revision: str | None) -> tuple[str, str | None]:
    """A folder and None, or a name on the hub and the commit that its revision stands for now.

    What the hub's local cache has is taken from there, without asking the network.

    Raises:
        DataError: the folder is missing or lacks files.
        HarnessError: nothing is named, the hub does not know the name, or cannot be reached.
    """
    if not checkpoint:
        raise HarnessError("this model has no checkpoint: pass model.checkpoint=NAME_OR_FOLDER")
    folder = Path(checkpoint).expanduser()
    if folder.is_dir():
        _check(folder)
        return str(folder), None
    if folder.is_absolute() or checkpoint.startswith((".", "~")) or checkpoint.count("/") > 1:
        raise DataError(f"{folder}: no such folder (model.checkpoint)")
    return checkpoint, _commit(checkpoint, revision)


def digest(folder: Path, cache: Path) -> str:
    """Sha256 over a folder's weights, configuration and tokenizer; remembered while sizes and times stay."""
    files = sorted(f for f in folder.iterdir() if f.suffix in {".safetensors", ".bin", ".json", ".model", ".txt"})
    stamp = repr([(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files] + [str(folder.resolve())])
    known = cache / "digests" / f"{hashlib.sha256(stamp.encode()).hexdigest()}.json"
    if (remembered := _remembered(known)) is not None:
        return remembered
    whole = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            whole.update(f"{file.name}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    found = whole.hexdigest()
    # a changed digit would be other weights, and train everything anew
    write_whole(known, json.dumps([found, crc32(found.encode())]).encode())
    return found


def _remembered(known: Path) -> str | None:
    """The digest of a file; None where there is none, or not the one that was written."""
    try:
        found, check = json.loads(known.read_bytes())
        if crc32(found.encode()) == check:
            return str(found)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, AttributeError):
        pass
    log.warning("%s is damaged; what it held is computed again", known)
    return None


def _check(folder: Path) -> None:
    if not (folder / "config.json").exists():
        raise DataError(f"{folder}: no config.json, so this is no checkpoint of the transformers library")
    for patterns, what in ((WEIGHTS, "weights"), (TOKENIZER, "tokenizer files")):
        if not any(next(folder.glob(pattern), None) for pattern in patterns):
            raise DataError(
                f"{folder}: no {what} ({', '.join(patterns)}): copy them there from the original checkpoint"
            )


def _commit(name: str, revision: str | None) -> str:
    # only models that come from the hub need its client
    from huggingface_hub import HfApi, constants, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    mend = "pass model.checkpoint=FOLDER for a local copy"
    try:
        cached = try_to_load_from_cache(name, "config.json", revision=revision)
    except HFValidationError as error:
        raise HarnessError(f"model checkpoint {name!r} is neither a folder nor a name on the hub: {error}") from None
    if isinstance(cached, str):
        return Path(cached).parent.name
    if constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}:
        raise HarnessError(f"model checkpoint {name!r} is not in the local cache, and HF_HUB_OFFLINE is set: {mend}")
    try:
        return str(HfApi().model_info(name, revision=revision, timeout=HUB_SECONDS).sha)
    except RevisionNotFoundError:
        raise HarnessError(f"model checkpoint {name!r} has no revision {revision!r} on the hub") from None
    except RepositoryNotFoundError:
        raise HarnessError(f"the hub knows no model {name!r}: correct model.checkpoint, or {mend}") from None
    except Exception as error:
        raise HarnessError(
            f"model checkpoint {name!r} is not in the local cache, and the hub does not answer "
            f"({type(error).__name__}: {error}): {mend}"
        ) from error
