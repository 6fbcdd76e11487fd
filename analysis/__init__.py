"""From a model and images to a store; ``pipeline`` composes the stages.

Never imports ``headbrush.server`` or Bokeh. Order of import: store, images, model, measures, run,
then the files here.
"""
