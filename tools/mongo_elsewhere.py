"""A team's MongoDB: asked before FiftyOne is, which waits for half a minute and answers with a traceback."""

from __future__ import annotations

from ..datasets.errors import LabelloopError

_ASK_SECONDS = 10
_NO_SUCH_USER, _NO_RIGHT = (18, 8000), 13
"""MongoDB's codes: authentication failed (8000 is Atlas's), and what a user may not do."""


def refuse_unusable(uri: str, name: str) -> None:
    """Return when the MongoDB at this address answers, and its user may write to the database of this name.

    No text has the address in it as it was given, since the password is there.

    Raises:
        LabelloopError: it does not answer, or does not let the user in, or not write there.
    """
    from pymongo import MongoClient
    from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError

    place = uri.partition("://")[2].rpartition("@")[2].partition("/")[0] or "FIFTYONE_DATABASE_URI"
    wait = _ASK_SECONDS * 1000
    try:
        with MongoClient[dict[str, object]](
            uri, serverSelectionTimeoutMS=wait, connectTimeoutMS=wait, socketTimeoutMS=wait
        ) as client:
            # What no document has: whoever may not write is told so, and nothing is made or changed.
            client[name]["labelloop"].delete_one({"_id": "nothing"})
            client[name].list_collection_names()
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise LabelloopError(
            "FIFTYONE_DATABASE_URI must be an address such as mongodb://user:password@host:27017, what is special in the"
            f" password written as %40 and the like; received one that cannot be used ({type(error).__name__})"
        ) from None
    except OperationFailure as error:
        if error.code in _NO_SUCH_USER:
            raise LabelloopError(
                f"the MongoDB at {place} does not know the user or the password of FIFTYONE_DATABASE_URI; for a user that was"
                " not made in the database `admin`, ?authSource=DATABASE at its end says where"
            ) from None
        if error.code == _NO_RIGHT:
            raise LabelloopError(
                f"the user of FIFTYONE_DATABASE_URI may not write to the database {name} at {place}: whoever runs that"
                " MongoDB can grant the role readWrite on it, or FIFTYONE_DATABASE_NAME names another database"
            ) from None
        raise LabelloopError(
            f"the MongoDB at {place} refuses: {error.details and error.details.get('errmsg')}"
        ) from None
    except PyMongoError as error:
        raise LabelloopError(
            f"the MongoDB at {place}, which FIFTYONE_DATABASE_URI names, does not answer ({type(error).__name__});"
            " without that variable the workspace's own is used"
        ) from None
