"""How the documentation is built: `make docs`."""

import gretel_fin_synth

project = "gretel_fin_synth"
author = "The gretel_fin_synth maintainers"
copyright = author
release = version = gretel_fin_synth.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "myst_parser",
    "numpydoc",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's parameter sections say the types in words
numpydoc_show_class_members = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# The continuous integration has no network: other sites are looked at only with `make linkcheck LINKS=all`.
linkcheck_anchors = True
linkcheck_timeout = 20
linkcheck_retries = 2

html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme = "furo"
html_title = f"gretel_fin_synth {version}"
