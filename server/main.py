"""One page: what its address asks for. ``contents.py`` lists what the page of a store holds."""

import asyncio
import sys
from pathlib import Path

from bokeh.io import curdoc

from headbrush.server.pages.build import choose_template, fill, is_filled
from headbrush.server.tools.threads.thread_queue import ThreadQueue

document = curdoc()
if not is_filled(document):  # without the server's hooks, as in a test
    stores = [Path(word) for word in sys.argv[1:]]
    ThreadQueue("headbrush-page").submit(asyncio.run, fill(document, stores)).result()
    choose_template(document)
