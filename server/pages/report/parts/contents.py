"""The contents of a report, independent of the output format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain

from headbrush.server.pages.report.parts.panels import HeadPage, Panel
from headbrush.server.pages.report.parts.request import ReportRequest
from headbrush.server.session.session import Session
from headbrush.server.stores.store_data import StoreData


@dataclass(frozen=True)
class Contents:
    """Panels of a store, and sentences.

    Attributes
    ----------
    overview
        Panels of all images and heads.
    pages
        Panels of one head in one image each.
    notes
        Sentences that say what is left out.
    failed
        Sentences on views that failed and are left out, too.
    sections
        Panels of the further workspaces that have any.
    """

    data: StoreData
    request: ReportRequest
    session: Session
    overview: tuple[Panel, ...]
    pages: tuple[HeadPage, ...]
    notes: tuple[str, ...]
    failed: tuple[str, ...]
    sections: Mapping[str, tuple[Panel, ...]] = field(default_factory=dict)

    @property
    def panels(self) -> list[Panel]:
        """All panels; the overview's come first."""
        of_heads = (panel for page in self.pages for panel in page.panels)
        return [*self.overview, *chain(*self.sections.values()), *of_heads]
