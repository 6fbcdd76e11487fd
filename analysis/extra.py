"""The extra ``analyze``: the packages that only running a model needs."""

from importlib.util import find_spec

from headbrush.analysis.store.errors import InputError

MODEL = ("torch", "timm", "safetensors", "threadpoolctl")
"""What running a model imports from it."""
ANALYSIS = (*MODEL, "openTSNE", "sklearn", "distributed")
"""What an analysis imports from it."""
_INSTALL = "pip install 'headbrush[analyze]'"


class MissingExtraError(InputError):
    """The extra is not installed, or not completely."""


def demand_extra(purpose: str, modules: tuple[str, ...]) -> None:
    """Check that modules of the extra are installed, without importing them.

    Parameters
    ----------
    purpose
        Subject of the message, ``"An analysis"``.
    modules
        :data:`MODEL` or :data:`ANALYSIS`.

    Raises
    ------
    MissingExtraError
        If a module is missing; the message names all that are, and the command that installs them.
    """
    missing = [module for module in modules if not _is_installed(module)]
    if missing:
        raise MissingExtraError(f"{purpose} needs {', '.join(missing)}: {_INSTALL}")


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # something on sys.meta_path forbids it
        return False
