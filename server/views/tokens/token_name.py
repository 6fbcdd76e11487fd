"""What tokens are called, and the patch that is pinned. Pure."""

from headbrush.analysis.store.store import Store
from headbrush.server.session.state import ViewState


def token_name(store: Store, token: int) -> str:
    """A token: a patch with its place, the class token, or another prefix token."""
    patch = token - store.num_prefix_tokens
    if patch >= 0:
        row, column = divmod(patch, store.grid[1])
        return f"patch {patch} (row {row}, column {column})"
    return "CLS" if token == 0 and store.attrs["has_class_token"] else f"prefix token {token}"


def pinned_patch(store: Store, state: ViewState) -> int:
    """Number of the patch that is pinned; below 0 where none is."""
    return -1 if state.token is None else state.token - store.num_prefix_tokens
