"""The brush bar: one chip per clause, named brushes, CSV export, and loading of name lists.

The page (``page/brushes/brush_bar.js``) draws the line from what this tells, and asks in words and
numbers; nothing that it asks is trusted.
"""

import base64
import binascii
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from headbrush.server.session.brush import named_brushes
from headbrush.server.session.brush.clause_text import number_below
from headbrush.server.session.brush.clauses import Box, Clause
from headbrush.server.session.brush.csv_export import TABLES, to_csv
from headbrush.server.session.brush.description import brush_words, clause_words
from headbrush.server.session.brush.name_list import MOST_BYTES, NamesError, find_images, read_names
from headbrush.server.session.brush.named_brushes import MOST_COMPARED
from headbrush.server.session.brush.named_link import joined_named
from headbrush.server.session.brush.splits import SPLITS, split
from headbrush.server.session.prune.named_sets import NamedSets
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.bokeh.browser_channel import Channel
from headbrush.server.tools.bokeh.teardown import soon
from headbrush.server.tools.pending_answer import when_done
from headbrush.server.views.header.composition_menu import CompositionMenu
from headbrush.server.views.header.file_export import FileExport
from headbrush.server.views.importance.difference_table import differences_csv
from headbrush.server.views.patterns.pattern_layout import VIEW

_READERS = ThreadPoolExecutor(1, thread_name_prefix="headbrush-names")


MakeReport = Callable[[StoreData, ViewState, named_brushes.Named, NamedSets], bytes]


class BrushBar:
    """Sends clauses and named brushes to the page, and carries out its requests.

    Parameters
    ----------
    make_report
        From a store, a state, named brushes and prune sets to a gzipped report.
    """

    def __init__(self, session: Session, make_report: MakeReport) -> None:
        self._session = session
        self._make_report = make_report
        self._document = session.document
        self._note, self._notes, self._is_fault = "", 0, False
        self._files = FileExport(self._document, (session.data.store,), self._say)
        self._linked = session.reader.named
        self._shown = Channel(name="brush_bar", tags=[{}])
        self._asked = Channel(name="brush_asked", tags=[])
        self._asked.on_change("tags", self._on_asked)
        self._composition = CompositionMenu(session)
        self.channels = [self._shown, self._files.channel, self._asked, self._composition.channel]
        self._acts: dict[str, Callable[..., None]] = {
            "drop": self._drop,
            "save": self._save,
            "rename": lambda place, name: self._change_one(named_brushes.renamed, place, str(name)),
            "recolour": lambda place, colour: self._change_one(
                named_brushes.recoloured, place, str(colour)
            ),
            "delete": lambda place: self._change_one(named_brushes.deleted, place),
            "compare": lambda place: self._change_one(named_brushes.toggled, place),
            "apply": self._apply,
            "restore": self._restore,
            "export": self._export,
            "report": self._save_report,
            "invert": self._invert_patterns,
            "clear": lambda: session.drop_clauses(VIEW),
            "names": self._brush_names,
            "composition": self._composition.turn,
            "part": self._composition.brush_part,
            "split": self._split,
            "head": self._select_head,
        }
        session.history.on_change(["clauses"], self.react)
        session.history.on_change(["compared"], self._keep_compared)
        session.reader.follow_named(self._tell)

    def react(self, _state: ViewState) -> None:
        """Show the chips of the clauses."""
        self._tell()

    def _keep_compared(self, _state: ViewState) -> None:
        """Let the browser keep what is compared, unless it is a link's, which it does not keep."""
        self._tell(keep=not self._linked)

    def _tell(self, keep: bool = False) -> None:
        session = self._session
        store = session.data.store
        self._shown.tags = [
            {
                "chips": [clause_words(clause, session.data) for clause in session.state.clauses],
                "named": [
                    {"name": one.name, "colour": one.colour, "compared": one.compared,
                     "words": brush_words(one.clauses, session.data)}
                    for one in session.reader.named
                ],
                "store": store.path.name,
                "images": session.data.fingerprint,
                "created": str(store.attrs["created"]),
                "keep": (
                    named_brushes.to_json(session.reader.named, session.data) if keep else None
                ),
                "note": [self._note, self._notes, self._is_fault],
            }
        ]  # fmt: skip

    def _say(self, note: str, is_fault: bool = False) -> None:
        """Show a note; one of a fault, or of work that goes on, stays until the next."""
        self._note, self._notes, self._is_fault = note, self._notes + 1, is_fault
        self._tell()

    def _on_asked(self, _attribute: str, _old: list, new: list) -> None:
        if not new:
            return
        self._asked.tags = []  # what was asked may be large
        act = self._acts.get(str(new[0]))
        if act is None:
            return
        try:
            act(*new[1:-1])
        except (TypeError, IndexError):
            return
        except (named_brushes.NamedError, NamesError) as error:
            self._say(str(error), is_fault=True)

    def _drop(self, index: object) -> None:
        self._session.drop_clause(_index(index, len(self._session.state.clauses)))

    def _invert_patterns(self) -> None:
        """Invert D1's own brush: "Invert selection" in Bokeh's menu."""
        session = self._session
        own = [clause for clause in session.state.clauses if clause.view == VIEW]
        if not own:
            return
        layouts = session.data.layouts
        layout = own[-1].layout if own[-1].layout in layouts else layouts[0]
        points = session.data.embedding(layout)
        low, high = np.nanmin(points, 0) - 1, np.nanmax(points, 0) + 1
        whole = Box(*(round(float(end), 1) for axis in zip(low, high, strict=True) for end in axis))
        flip = Clause(VIEW, whole, "xor", layout)
        if own[-1] == flip:
            clauses = session.state.clauses
            session.drop_clause(len(clauses) - 1 - clauses[::-1].index(flip))
        else:
            session.add_clause(flip)

    def _save(self, name: object) -> None:
        count = len(self._session.reader.named)
        self._change(named_brushes.saved, str(name), self._session.state.clauses)
        if len(self._session.reader.named) == count:
            self._say("The brush of this name was replaced.")

    def _split(self, which: object) -> None:
        """Compare two parts of the brush, under names of their own."""
        if which in SPLITS:
            session = self._session
            parts = split(str(which), session.state.clauses, session.brush(), session.data)
            self._change(named_brushes.compared_pair, parts)
            self._say(
                "compared: {} and {}".format(*(one.name for one in session.reader.compared()))
            )

    def _select_head(self, number: object) -> None:
        self._session.select_head(_index(number, self._session.data.num_heads))

    def _change(self, change: Callable[..., named_brushes.Named], *values: object) -> None:
        self._session.reader.change_named(change(self._session.reader.named, *values))
        self._linked = ()  # the browser keeps them now
        self._tell(keep=True)

    def _change_one(
        self, change: Callable[..., named_brushes.Named], index: object, *values: object
    ) -> None:
        self._change(change, _index(index, len(self._session.reader.named)), *values)

    def _apply(self, index: object) -> None:
        chosen = self._session.reader.named[_index(index, len(self._session.reader.named))]
        self._session.history.change(clauses=chosen.clauses)

    def _restore(self, text: object) -> None:
        own, note = named_brushes.from_json(str(text), self._session.data)
        kept, clash = joined_named(own, self._linked)
        note = " ".join(filter(None, (note, clash)))
        self._session.reader.restore_named(kept)
        if note:
            self._say(note)

    def _export(self, table: object) -> None:
        if table == "differences" and len(self._session.reader.compared()) == MOST_COMPARED:
            self._write("differences.csv", partial(differences_csv, self._session))
        elif table in TABLES:
            session = self._session
            self._write(f"{table}.csv", partial(to_csv, session.data, session.brush(), str(table)))

    def _save_report(self) -> None:
        session = self._session
        reader = session.reader
        make = partial(self._make_report, session.data, session.state, reader.named, reader.sets)
        self._write("report.html", make)

    def _write(self, ending: str, make: Callable[[], bytes]) -> None:
        self._files.write(f"{self._session.data.store.path.stem}-{ending}", make)

    def _brush_names(self, content: object) -> None:
        """Brush the images that an uploaded list names; read off the event loop."""
        if len(str(content)) > 4 * MOST_BYTES // 3 + 4:
            raise NamesError(f"The list is larger than {MOST_BYTES // 1_000_000} MB.")
        when_done(
            _READERS.submit(_named_images, str(content), self._session.data),
            self._brush_found,
            soon(self._document),
        )

    def _brush_found(self, found: tuple[list[int], str] | None, fault: str) -> None:
        images, words = found or ([], fault)
        if images:
            self._session.brush_ids("images", images, "replace")
        self._say(words)


def _named_images(content: str, data: StoreData) -> tuple[list[int], str]:
    """Numbers of the images that a list in base64 names, and a sentence."""
    try:
        return find_images(read_names(base64.b64decode(content, validate=True)), data)
    except NamesError as error:
        return [], str(error)
    except binascii.Error:
        return [], "The list could not be read."


def _index(text: object, end: int) -> int:
    number = number_below(str(text), end)
    if number is None:
        raise IndexError(text)
    return number
