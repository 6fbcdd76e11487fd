"""An article with two views of a store, which brush each other.

    python docs/embedding.py demo.headbrush article.html

The article brings Bokeh's scripts, here from the installed package (``INLINE``; ``CDN`` loads
them from the net), then the parts in this order: styles and scripts, the divs wherever they are
wanted, and at the end the script that draws them.

The views have a white ground and dark letters also where the article around them is dark.
"""

import sys
from pathlib import Path

from bokeh.resources import INLINE

import headbrush

ARTICLE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Two views in an article</title>
{bokeh}
<style>{css} body {{ max-width: 760px; margin: 2em auto; font-family: serif; }}</style>
<script>{scripts}</script>
</head>
<body>
<h1>Two views in an article</h1>
<p>Each point is an image. Drag a box over some of them:</p>
{image_overview}
<p>and the heads that matter to these images stand out here, in the middle of the text:</p>
{head_importance}
<p>Nothing else is needed.</p>
{script}
</body>
</html>
"""


def write_article(store: Path, out: Path) -> None:
    """Write the article for a store."""
    parts = headbrush.report(store, views=["image_overview", "head_importance"]).parts()
    html = ARTICLE.format(
        bokeh=INLINE.render(),
        css=parts.css,
        scripts=parts.scripts,
        script=parts.script,
        **parts.divs,
    )
    out.write_text(html, encoding="utf-8")


if __name__ == "__main__":
    write_article(Path(sys.argv[1]), Path(sys.argv[2]))
