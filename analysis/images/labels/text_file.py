"""Text of a file, whatever program wrote it."""

import codecs

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class TextError(ValueError):
    """Why bytes are no text, as the end of a sentence."""


def decoded(content: bytes) -> str:
    """Text in UTF-8, or in UTF-16 or UTF-32, with or without a byte order mark.

    Raises
    ------
    TextError
        If it is not text in one of these encodings.
    """
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    if encoding is None:
        encoding = _without_mark(content[:1000])
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise TextError("not text in UTF-8 or UTF-16; save it as UTF-8") from error
    if "\0" in text:
        raise TextError("not a text file")
    return text


def _without_mark(start: bytes) -> str:
    """UTF-16 of Latin letters has a zero in every second byte."""
    half = len(start) // 2
    if half and start[1::2].count(0) > 0.7 * half and not start[::2].count(0):
        return "utf-16-le"
    if half and start[::2].count(0) > 0.7 * half and not start[1::2].count(0):
        return "utf-16-be"
    return "utf-8"
