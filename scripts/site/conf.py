# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""How Sphinx builds the site; scripts/docs lays out the sources. No page needs the network, to build or to read."""

from pathlib import Path

HERE = Path(__file__).parent

project = "evergreen.key_rotation"
copyright = "2026, The evergreen.key_rotation maintainers. GPL-3.0-or-later"
root_doc = "docs/index"
extensions = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
nitpicky = True
default_role = "any"
intersphinx_mapping = {
    "ansible": ("https://docs.ansible.com/ansible/latest/", str(HERE.parents[1] / "build" / "docs" / "ansible.inv"))
}
"""Written by scripts/docs: nothing is fetched."""

myst_heading_anchors = 4
"""Links to headings as they work on GitHub."""
myst_links_external_new_tab = False

html_theme = "furo"
html_title = "evergreen.key_rotation"
html_static_path = [str(HERE / "static")]
html_css_files = ["site.css"]
html_js_files = [("messages.js", {"defer": "defer"})]
html_copy_source = False
html_show_sphinx = False
html_use_index = False
pygments_style = "tango"
pygments_dark_style = "github-dark"
highlight_language = "text"
