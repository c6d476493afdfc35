"""Sphinx: the API pages, made from the docstrings. `make docs` builds them, with every warning an error."""

import sketch_robot

project = 'sketch_robot'
version = release = sketch_robot.__version__
extensions = ['sphinx.ext.autodoc', 'sphinx.ext.autosummary', 'sphinx.ext.napoleon']
html_theme = 'alabaster'
html_theme_options = {'fixed_sidebar': True, 'page_width': '1100px'}
autodoc_default_options = {'members': True, 'show-inheritance': True}
autodoc_member_order = 'bysource'
autodoc_typehints = 'signature'
autodoc_mock_imports = ['torch', 'tensorboardX', 'tqdm', 'mujoco']  # large, and of training and simulation alone
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # a named tuple's fields are documented once
autosummary_generate = False
suppress_warnings = [
    'ref.python',  # fields of several classes share names, as ink_mm
    'autosummary.import_cycle',  # the front door names what it exports
]
default_role = 'code'
