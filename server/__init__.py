"""The Bokeh application: ``bokeh serve server --args STORE``.

Order of import: tools, stores, session, views, pages; host imports tools and stores, and never
meets pages. ``main`` and ``app_hooks`` are the doors that Bokeh demands, as are ``static`` and
``templates``. Nothing here imports torch except ``stores.model.process_main``, which runs in a
child process.
"""
