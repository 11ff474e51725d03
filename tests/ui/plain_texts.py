"""A page that shows texts of strangers, as pages do: one in each place that reads Markdown."""

import json
import sys
from pathlib import Path

import streamlit as st

from ui.text import plain

for text in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
    with st.container(border=True):
        st.write(plain(text))
        st.caption(plain(text))
        st.button(plain(text), key=text, help=plain(text))
