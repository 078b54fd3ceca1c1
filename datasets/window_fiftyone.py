"""The one door to FiftyOne: how it is imported, reached and left."""

from __future__ import annotations

import atexit
import os
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

from .errors import LabelloopError
from .signals import heard_later


def fiftyone() -> Any:
    """The module `fiftyone`, connected to the MongoDB that the environment names.

    Raises:
        LabelloopError: it is not installed, the environment names no MongoDB, or that does not answer.
    """
    wanted = os.environ.get("FIFTYONE_DATABASE_URI")
    known: Any = sys.modules.get("fiftyone")
    if known is not None and hasattr(known, "config"):
        if wanted and known.config.database_uri != wanted:
            raise LabelloopError("this process has FiftyOne connected to another MongoDB already; start a new one")
        return known
    if not wanted:
        # Left alone, FiftyOne would attach to whatever MongoDB of the same user it finds.
        raise LabelloopError("FIFTYONE_DATABASE_URI must be set before FiftyOne is used; labelloop browse does so")
    try:
        # FiftyOne's modules have `except:` without a name in many places, where a Ctrl-C would be lost.
        with warnings.catch_warnings(), heard_later():
            warnings.simplefilter("ignore")  # deprecations in its own dependencies
            import fiftyone as module  # pyright: ignore[reportMissingTypeStubs]

            cast(Any, module).core.odm.get_db_conn()
    except ImportError as error:
        raise LabelloopError(
            f"browsing needs FiftyOne, which cannot be imported ({error}): pip install 'labelloop[browse]'"
        ) from error
    except ConnectionError as error:
        raise LabelloopError(f"FiftyOne cannot reach its MongoDB: {error}") from error
    return cast(Any, module)


def database() -> Any:
    """FiftyOne's database in MongoDB, a `pymongo` Database with its settings."""
    return fiftyone().core.odm.get_db_conn()


def in_bulk(collection: Any) -> Any:
    """The collection, for writes that need not each be on disk at once: the next one that must takes them along."""
    from pymongo import WriteConcern

    return collection.with_options(write_concern=WriteConcern(w=1, j=False))


@contextmanager
def answered() -> Generator[None]:
    """Whatever goes wrong between here and MongoDB comes out as a sentence.

    Raises:
        LabelloopError: MongoDB does not answer, or refuses.
    """
    from pymongo.errors import PyMongoError

    try:
        yield
    except PyMongoError as error:
        said = str(error).partition(", Timeout:")[0]
        own = "LABELLOOP_MONGOD" in os.environ
        raise LabelloopError(
            f"MongoDB stopped answering ({type(error).__name__}: {said[:300]}); the ledger is as it was, and "
            + ("labelloop browse starts MongoDB again" if own else "FIFTYONE_DATABASE_URI says where that MongoDB is")
        ) from error


def leave() -> None:
    """Let go of FiftyOne's connections, after it has removed what it keeps for one session only.

    Without this it does so when the process ends, and waits in vain for a MongoDB that has stopped.
    """
    if "fiftyone" not in sys.modules:
        return
    odm = fiftyone().core.odm.database
    clean_up = odm._delete_non_persistent_datasets_if_allowed
    atexit.unregister(clean_up)
    clean_up()
    odm._disconnect()
